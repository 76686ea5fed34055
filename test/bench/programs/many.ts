/** A job of some facts that a CPU agent reads and a fiber agent sums up. Workers load this module. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../converge.ts"
import { step } from "../work.ts"

const Item = Fact.kind("Item", {
  schema: Schema.Struct({ n: Schema.Int, text: Schema.String }),
  id: ({ n }) => String(n)
})
const Part = Fact.kind("Part", {
  schema: Schema.Struct({ name: Schema.String, value: Schema.Int }),
  id: ({ name }) => name
})

export const many = Program.make("many", {
  module: import.meta.url,
  input: Schema.Struct({ facts: Schema.Int }),
  seed: ({ facts }) => Array.from({ length: facts }, (_, n) => Item.of({ n, text: `item ${n} of a job with many` })),
  agents: [
    Agent.cpu("mix", {
      reads: [Item],
      writes: [Part],
      execute: (view) => ({
        facts: [Part.of({ name: "mix", value: view.all(Item).reduce((sum, { value }) => step(sum + value.n), 0) })]
      })
    }),
    Agent.make("count", {
      reads: [Item],
      writes: [Part],
      execute: (view) => Effect.succeed({ facts: [Part.of({ name: "count", value: view.size(Item) })] })
    })
  ],
  output: (view) => view.all(Part).map(({ value }) => value.value)
})

/** The result of plain code. */
export const manyExpected = (facts: number): ReadonlyArray<number> => {
  let mix = 0
  for (let n = 0; n < facts; n++) mix = step(mix + n)
  return [mix, facts]
}
