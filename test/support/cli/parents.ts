/** A program whose job starts two children, and the child's, which has a task for a worker. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Intent, Program } from "../../../src/index.ts"

const Sum = Fact.kind("Sum", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

export const doubles = Program.make("doubles", {
  module: import.meta.url,
  input: Schema.Struct({ n: Schema.Int }),
  seed: ({ n }) => [Sum.of({ n })],
  agents: [
    Agent.cpu("double", {
      reads: [Sum],
      writes: [Sum],
      execute: (view) => ({
        facts: view.size(Sum) === 1 ? view.all(Sum).map(({ value }) => Sum.of({ n: 2 * value.n })) : []
      })
    })
  ]
})

export const parents = Program.make("parents", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("ask", {
      execute: () => Effect.succeed({ intents: [1, 2].map((n) => Intent.child(doubles, { n }, { id: `child ${n}` })) })
    })
  ]
})
