/** Programs with a join whose tasks are several, and with one whose pairs are in conflict. Workers load them. */
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Factor = Fact.kind("Factor", {
  schema: Schema.Struct({ n: Schema.Int, fails: Schema.Int }),
  id: ({ n }) => String(n)
})
const Doubled = Fact.kind("Doubled", {
  schema: Schema.Struct({ n: Schema.Int, by: Schema.Int }),
  id: ({ n }) => String(n)
})

export const manyParts = Program.make("many-parts", {
  module: import.meta.url,
  input: Schema.Struct({ count: Schema.Int, fails: Schema.optionalKey(Schema.Int) }),
  seed: ({ count, fails = -1 }) => [
    Factor.of({ n: 2, fails }),
    ...Array.from({ length: count }, (_, index) => Item.of({ n: index + 1 }))
  ],
  agents: [
    Agent.join("joins", {
      left: [Item, () => true],
      right: [Factor, () => true],
      writes: [Doubled],
      onFailure: "discard",
      execute: ({ value: { n } }, { value: { fails, n: by } }) => {
        if (n === fails) throw new Error("unlucky")
        // Two of the facts have more to say: one in the first task, one in the second.
        return {
          facts: [Doubled.of({ n, by })],
          ...(n === 7 ? { trace: "first", intents: [{ kind: "tell", payload: n }] } : {}),
          ...(n === 2_057 ? { trace: `trace of ${n}`, intents: [{ kind: "tell", payload: n }] } : {})
        }
      }
    })
  ],
  output: (view) => view.size(Doubled)
})

export const conflicting = Program.make("conflicting", {
  module: import.meta.url,
  input: Schema.Struct({}),
  seed: () => [Item.of({ n: 1 }), Item.of({ n: 2 }), Factor.of({ n: 3, fails: 0 })],
  agents: [
    Agent.join("joins", {
      left: [Item, () => true],
      right: [Factor, () => true],
      placement: "worker",
      writes: [Doubled],
      execute: (item) => ({ facts: [Doubled.of({ n: 1, by: item.value.n })] })
    })
  ]
})
