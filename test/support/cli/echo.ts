/** A program whose output is a text of its input. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Text = Fact.kind("Text", { schema: Schema.Struct({ text: Schema.String }), id: () => "one" })

export default Program.make("echo", {
  input: Schema.Struct({ text: Schema.String }),
  seed: ({ text }) => [Text.of({ text })],
  agents: [Agent.make("looks", { each: Text, execute: () => Effect.succeed({}) })],
  output: (view) => view.all(Text)[0]?.value.text
})
