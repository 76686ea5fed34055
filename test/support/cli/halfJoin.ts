/** A program with half a join, of which `converge run` and `converge verify` warn. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "effect-converge"

const Order = Fact.kind("Order", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Price = Fact.kind("Price", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

export const halfJoin = Program.make("half-join", {
  input: Schema.Struct({}),
  seed: () => [Order.of({ n: 1 })],
  agents: [
    Agent.make("fetch", {
      each: Order,
      writes: [Price],
      execute: ({ value }) => Effect.succeed({ facts: [Price.of(value)] })
    }),
    Agent.make("bill", { each: Order, reads: [Price], execute: () => Effect.succeed({}) })
  ]
})
