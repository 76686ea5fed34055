/** A module whose program is invalid: it throws while it is imported. */
import { Program } from "../../../src/index.ts"
import * as Schema from "effect/Schema"

export const twice = Program.make("twice", {
  input: Schema.Struct({}),
  agents: [],
  tiers: [],
  budget: { maxCycles: -1 }
})
