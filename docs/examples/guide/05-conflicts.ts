/**
 * Conflicts: what happens when two proposals of one id differ, by the rule of the kind.
 */
import { Agent, Fact, Fold, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Offer = Fact.kind("Offer", {
  schema: Schema.Struct({ shop: Schema.String, item: Schema.String, cents: Schema.Int }),
  id: ({ item, shop }) => `${shop}/${item}`
})

// The lowest price wins, whoever proposes it first.
const Best = Fact.kind("Best", {
  schema: Schema.Struct({ item: Schema.String, shop: Schema.String, cents: Schema.Int }),
  id: ({ item }) => item,
  conflict: Fact.min(({ cents }) => cents)
})

// Every proposal adds to the list.
const Sellers = Fact.kind("Sellers", {
  schema: Schema.Struct({ item: Schema.String, shops: Schema.Array(Schema.String) }),
  id: ({ item }) => item,
  conflict: Fact.union("shops")
})

// The default, "reject": two makers of one item are a mistake that somebody has to look at.
const Maker = Fact.kind("Maker", {
  schema: Schema.Struct({ item: Schema.String, name: Schema.String }),
  id: ({ item }) => item
})

const Count = Fact.kind("Count", {
  schema: Schema.Struct({ item: Schema.String, offers: Schema.Int }),
  id: ({ item }) => item,
  conflict: "keepLast"
})

const compare = Agent.make("compare", {
  each: Offer,
  writes: [Best, Sellers],
  execute: ({ value: { cents, item, shop } }) =>
    Effect.succeed({ facts: [Best.of({ item, shop, cents }), Sellers.of({ item, shops: [shop] })] })
})

const makers = Agent.make("makers", {
  each: Offer,
  writes: [Maker],
  // A lost conflict leaves a diagnostic, and the job goes on.
  onFailure: { conflict: "discard" },
  execute: ({ value: { item, shop } }) =>
    Effect.succeed({ facts: [Maker.of({ item, name: shop === "Attic" ? "unknown" : "Acme" })] })
})

// A number of offers is no rule of a kind, but a fold.
const count = Agent.fold("count", {
  over: Offer,
  by: ({ item }) => item,
  into: Count,
  aggregate: Fold.count(),
  as: (item, offers) => ({ item, offers })
})

const Input = Schema.Array(Offer.schema)

export const offers = Program.make("offers", {
  input: Input,
  seed: (input) => input.map(Offer.of),
  agents: [compare, makers, count],
  output: (view) => ({
    best: view.all(Best).map(({ value }) => value),
    sellers: view.all(Sellers).map(({ value }) => value),
    counts: view.all(Count).map(({ value }) => value)
  })
})

// A mistake: a sum as a rule. Two equal proposals are one, so the sum would miss one of them.
const Sum = Fact.kind("Sum", {
  schema: Schema.Struct({ item: Schema.String, cents: Schema.Int }),
  id: ({ item }) => item,
  conflict: (existing, proposed) => ({ ...existing, cents: existing.cents + proposed.cents })
})

export const summing = Program.make("summing", {
  input: Input,
  seed: (input) => input.map(Offer.of),
  agents: [
    Agent.make("sum", {
      each: Offer,
      writes: [Sum],
      execute: ({ value: { cents, item } }) => Effect.succeed({ facts: [Sum.of({ item, cents })] })
    })
  ]
})
