/** A program that is not deterministic: how often an agent was called is in its facts. */
import { Agent, Fact, Program } from "../../../src/index.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Number = Fact.kind("Number", {
  schema: Schema.Struct({ n: Schema.Int, call: Schema.Int }),
  id: ({ n }) => String(n)
})

let calls = 0

export const fickle = Program.make("fickle", {
  input: Schema.Struct({}),
  seed: () => [Number.of({ n: 0, call: 0 })],
  agents: [
    Agent.make("idle", { each: Number, execute: () => Effect.succeed({}) }),
    Agent.make("count", {
      each: Number,
      writes: [Number],
      execute: ({ value: { n } }) =>
        Effect.sync(() => ({ facts: n < 4 ? [Number.of({ n: n + 1, call: n === 2 ? ++calls : 0 })] : [] }))
    })
  ]
})
