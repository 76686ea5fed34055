/** A program whose jobs end when somebody decides: well, or with an error. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Intent, Program } from "../../../src/index.ts"

export default Program.make("leaves", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" })] }) }),
    Agent.make("obeys", {
      each: Intent.Decision,
      execute: ({ value: { approved } }) => (approved ? Effect.succeed({}) : Effect.fail("it was told not to"))
    })
  ]
})
