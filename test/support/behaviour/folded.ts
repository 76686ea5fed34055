/** Programs with folds over facts that arrive late, are revised, move between groups and are pruned, as a seed decides. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Fold, Program } from "../../../src/index.ts"
import { randomOf } from "../core/random.ts"

export const Sale = Fact.kind("Sale", {
  schema: Schema.Struct({ n: Schema.Int, customer: Schema.String, amount: Schema.Finite }),
  id: ({ n }) => String(n),
  conflict: "keepLast",
  retention: { latest: 14 }
})

const totalOf = <const Name extends string>(name: Name) =>
  Fact.kind(name, {
    schema: Schema.Struct({ customer: Schema.String, amount: Schema.NullOr(Schema.Finite) }),
    id: ({ customer }) => customer,
    conflict: "keepLast"
  })

export const Sum = totalOf("Sum")
export const Count = totalOf("Count")
export const Least = totalOf("Least")
export const Most = totalOf("Most")
export const Own = totalOf("Own")
const as = (customer: string, amount: number | undefined) => ({ customer, amount: amount ?? null })
const common = { over: Sale, by: ({ customer }: Fact.Kind.Value<typeof Sale>) => customer, as }

/** Random sales: some are new, some revise others, and some go to another customer. */
export const sales = (seed: number, turn: number, most = 7): ReadonlyArray<Fact.ProposalOf<typeof Sale>> => {
  const { below } = randomOf(seed * 1_000 + turn)
  const proposals = new Map<number, Fact.ProposalOf<typeof Sale>>()
  for (let count = below(most); count > 0; count--) {
    const n = below(25)
    proposals.set(n, Sale.of({ n, customer: `c${below(4)}`, amount: below(2) === 0 ? below(50) : below(500) / 7 }))
  }
  return [...proposals.values()]
}

export const folded = Program.make("folded", {
  module: import.meta.url,
  input: Schema.Struct({ seed: Schema.Int }),
  seed: ({ seed }) => sales(seed, 0, 24),
  agents: [
    Agent.make("feeds", {
      accepts: (view) => view.cycle <= 10,
      writes: [Sale],
      execute: ({ cycle }) => Effect.succeed({ facts: cycle % 3 === 0 ? [] : sales(7, cycle) })
    }),
    Agent.fold("sum", { ...common, into: Sum, aggregate: Fold.sum(Sale, ({ amount }) => amount) }),
    Agent.fold("count", { ...common, into: Count, aggregate: Fold.count() }),
    Agent.fold("least", { ...common, into: Least, aggregate: Fold.min(Sale, ({ amount }) => amount) }),
    Agent.fold("most", { ...common, into: Most, aggregate: Fold.max(Sale, ({ amount }) => amount) }),
    Agent.fold("own", {
      over: Sale,
      by: ({ customer }) => customer,
      into: Own,
      add: (total, { amount }, customer) => ({ customer, amount: (total?.amount ?? 0) + Math.floor(amount) }),
      remove: (total, { amount }) => ({ ...total, amount: (total.amount ?? 0) - Math.floor(amount) })
    })
  ],
  output: (view) => view.all(Sum).length
})
