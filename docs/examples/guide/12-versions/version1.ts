/**
 * The first version of a program: a name is a text.
 */
import { Agent, Fact, Intent, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Person = Fact.kind("Person", { schema: Schema.Struct({ name: Schema.String }), id: ({ name }) => name })

const Greeting = Fact.kind("Greeting", {
  schema: Schema.Struct({ name: Schema.String, text: Schema.String }),
  id: ({ name }) => name
})

export const version1 = Program.make("greetings", {
  version: "1",
  input: Schema.Struct({ names: Schema.Array(Schema.String) }),
  seed: ({ names }) => names.map((name) => Person.of({ name })),
  agents: [
    Agent.make("greet", {
      each: Person,
      writes: [Greeting],
      execute: ({ value: { name } }) => Effect.succeed({ facts: [Greeting.of({ name, text: `Hello ${name}` })] })
    }),
    // A question may be open for days. Meanwhile somebody installs version 2.
    Agent.make("ask", { execute: () => Effect.succeed({ intents: [Intent.approval({ id: "send" })] }) })
  ]
})
