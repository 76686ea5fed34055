/**
 * Reads, deltas and each: four agents that look at the same orders, and how often each of them runs.
 */
import { Agent, Fact, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Order = Fact.kind("Order", {
  schema: Schema.Struct({ id: Schema.String, parts: Schema.Array(Schema.String) }),
  id: ({ id }) => id
})

/** One for each execution, to see who ran, when, and with what. */
const Run = Fact.kind("Run", {
  schema: Schema.Struct({ agent: Schema.String, cycle: Schema.Int, saw: Schema.Array(Schema.String), all: Schema.Int }),
  id: ({ agent, cycle, saw }) => `${agent}/${cycle}/${saw.join("+")}`
})

// `each`: one task for every new order. The tasks run at the same time.
const one = Agent.make("one", {
  each: Order,
  writes: [Run],
  execute: ({ id }, view) =>
    Effect.succeed({ facts: [Run.of({ agent: "one", cycle: view.cycle, saw: [id], all: view.size(Order) })] })
})

// `reads`: one task for all that is new. `view.delta` has the new orders, `view.all` has every order.
const batch = Agent.make("batch", {
  reads: [Order],
  writes: [Run],
  execute: (view) => {
    const saw = view.delta(Order).map(({ id }) => id)
    return Effect.succeed({ facts: [Run.of({ agent: "batch", cycle: view.cycle, saw, all: view.all(Order).length })] })
  }
})

// `accepts`: not before there are three. What is new accumulates until then.
const patient = Agent.make("patient", {
  reads: [Order],
  writes: [Run],
  accepts: (view) => view.size(Order) >= 3,
  execute: (view) => {
    const saw = view.delta(Order).map(({ id }) => id)
    return Effect.succeed({ facts: [Run.of({ agent: "patient", cycle: view.cycle, saw, all: view.size(Order) })] })
  }
})

// An order with parts becomes an order for each part. Its own new orders trigger it again, like everybody else.
const divide = Agent.make("divide", {
  each: Order,
  writes: [Order],
  execute: ({ id, value: { parts } }) =>
    Effect.succeed({ facts: parts.map((part) => Order.of({ id: `${id}.${part}`, parts: [] })) })
})

export const orders = Program.make("orders", {
  input: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  seed: (input) => Object.entries(input).map(([id, parts]) => Order.of({ id, parts })),
  agents: [one, batch, patient, divide],
  output: (view) =>
    view
      .all(Run)
      .map(({ value: { agent, all, cycle, saw } }) => `cycle ${cycle}: ${agent} saw ${saw.join(" ")} of ${all}`)
})
