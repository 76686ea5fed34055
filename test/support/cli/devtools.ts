/** A program whose module brings the client of Effect's DevTools along. */
import { Agent, Fact, Program } from "../../../src/index.ts"
import * as DevTools from "effect/devtools/DevTools"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import process from "node:process"

const Seen = Fact.kind("Seen", { schema: Schema.Struct({ what: Schema.String }), id: ({ what }) => what })

export const layer = DevTools.layer(process.env["DEVTOOLS_URL"])

export default Program.make("watched", {
  input: Schema.Struct({}),
  agents: [Agent.make("see", { writes: [Seen], execute: () => Effect.succeed({ facts: [Seen.of({ what: "it" })] }) })]
})
