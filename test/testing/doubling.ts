/** A program with a CPU agent, for a test with threads: they import this module. */
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../src/index.ts"

const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Number }), id: ({ n }) => String(n) })
export const Double = Fact.kind("Double", {
  schema: Schema.Struct({ of: Schema.Number, n: Schema.Number }),
  id: ({ of }) => String(of)
})

export const double = (times: number) =>
  Agent.cpu("double", {
    each: Item,
    writes: [Double],
    execute: ({ value: { n } }) => ({ facts: [Double.of({ of: n, n: n * times })] })
  })

export const doubling = Program.make("doubling", {
  module: import.meta.url,
  input: Schema.Number,
  seed: (count) => Array.from({ length: count }, (_, index) => Item.of({ n: index + 1 })),
  agents: [double(2)],
  output: (view) => view.all(Double).map(({ value }) => value.n)
})

/** Reads another kind than the agent of the program that has its name. */
export const otherwise = Agent.cpu("double", { each: Double, writes: [Double], execute: () => ({}) })
export const unknown = Agent.cpu("triple", { each: Item, writes: [Double], execute: () => ({}) })
