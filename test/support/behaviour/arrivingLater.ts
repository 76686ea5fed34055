/** Version 2 of the program of arriving.ts: in a module of its own, where workers find it. */
import * as Schema from "effect/Schema"
import { makeArriving } from "./arriving.ts"

export const later = makeArriving(
  import.meta.url,
  "2",
  Schema.Union([Schema.String, Schema.Literal("a note with another schema")])
)
export const { program } = later
