/** A program with facts whose ids are a lone surrogate, and a text that looks like JSON. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Note = Fact.kind("Note", { schema: Schema.Struct({ name: Schema.String }), id: ({ name }) => name })

export default Program.make("surrogates", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("notes", {
      writes: [Note],
      execute: () => Effect.succeed({ facts: [Note.of({ name: "\ud800" }), Note.of({ name: '"a"' })] })
    })
  ]
})
