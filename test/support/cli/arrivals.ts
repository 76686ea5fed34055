/** A program that misses facts which arrive late, and one that does not. */
import { Agent, Fact, Program } from "../../../src/index.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Pair = Fact.kind("Pair", {
  schema: Schema.Struct({ low: Schema.Int, high: Schema.Int }),
  id: ({ high, low }) => `${low}-${high}`
})

const input = Schema.Struct({})
const seed = () => [3, 1, 2].map((n) => Item.of({ n }))

const pair = Agent.make("pair", {
  each: Item,
  writes: [Pair],
  execute: ({ value: { n } }, view) =>
    Effect.succeed({
      facts: view
        .all(Item)
        .filter(({ value }) => value.n > n)
        .map(({ value }) => Pair.of({ low: n, high: value.n }))
    })
})

/** Pairs each new item with the greater ones that are there, and so misses the greater ones that come later. */
export const late = Program.make("late", {
  input,
  seed,
  agents: [pair]
})

/** Takes items as signals, and pairs each with the greater ones that are there. */
export const latest = Program.make("latest", {
  input,
  seed: () => [Item.of({ n: 1 })],
  signals: [Item],
  agents: [pair]
})

export const single = Program.make("single", {
  input,
  seed,
  signals: [Item],
  agents: [
    Agent.make("copy", {
      each: Item,
      writes: [Pair],
      execute: ({ value: { n } }) => Effect.succeed({ facts: [Pair.of({ low: n, high: n })] })
    })
  ]
})
