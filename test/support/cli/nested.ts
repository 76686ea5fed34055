/** A program whose job starts another of the same module, whose agent has a service that the module's layer makes. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, Intent, Program } from "../../../src/index.ts"

class Name extends Context.Service<Name, string>()("test/Name") {}

export const layer = Layer.succeed(Name, "Ada")

export const inner = Program.make("inner", {
  input: Schema.Struct({ greeting: Schema.String }),
  seed: ({ greeting }) => [Intent.Decision.of({ approval: greeting, approved: true, by: "seed", reason: "" })],
  agents: [
    Agent.make("greet", {
      each: Intent.Decision,
      execute: ({ value }) => Effect.map(Effect.service(Name), (name) => ({ trace: `${value.approval} ${name}` }))
    })
  ],
  output: () => "greeted"
})

export const outer = Program.make("outer", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("asks", {
      execute: () => Effect.succeed({ intents: [Intent.child(inner, { greeting: "Good day" })] })
    }),
    Agent.make("hears", { reads: [Intent.ChildResult], execute: () => Effect.succeed({}) })
  ],
  output: (view) => view.all(Intent.ChildResult).map(({ value }) => [value.program, value.status, value.output])
})
