/** A program that waits for a decision, and for a mail that only some engines send. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Intent, Program } from "../../../src/index.ts"

export default Program.make("asking", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("asks", {
      execute: () =>
        Effect.succeed({
          intents: [Intent.approval({ id: "go", question: "May it go?" }), { kind: "Mail", payload: null }]
        })
    })
  ]
})
