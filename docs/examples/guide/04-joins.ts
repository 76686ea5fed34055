/**
 * Joins and folds: what orders cost, when prices may come before the orders or after them.
 */
import { Agent, Fact, Fold, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Order = Fact.kind("Order", {
  schema: Schema.Struct({ id: Schema.String, customer: Schema.String, item: Schema.String, count: Schema.Int }),
  id: ({ id }) => id
})

export const Price = Fact.kind("Price", {
  schema: Schema.Struct({ item: Schema.String, cents: Schema.Int }),
  id: ({ item }) => item,
  // A new price of an item replaces the old one.
  conflict: "keepLast"
})

const Bill = Fact.kind("Bill", {
  schema: Schema.Struct({ order: Schema.String, customer: Schema.String, cents: Schema.Int }),
  id: ({ order }) => order,
  conflict: "keepLast",
  indexes: { customer: ({ customer }) => customer }
})

const Total = Fact.kind("Total", {
  schema: Schema.Struct({ customer: Schema.String, cents: Schema.Number }),
  id: ({ customer }) => customer,
  conflict: "keepLast"
})

/** Half a join: it runs for each new order, and a price that comes later runs nothing. */
const halfBill = Agent.make("bill", {
  each: Order,
  reads: [Price],
  writes: [Bill],
  execute: ({ value: { count, customer, id, item } }, view) =>
    Effect.succeed({
      facts: view
        .all(Price)
        .filter(({ value }) => value.item === item)
        .map(({ value }) => Bill.of({ order: id, customer, cents: count * value.cents }))
    })
})

/** The join: every order with its price, once, whichever of the two came last. A new price is a new meeting. */
const bill = Agent.join("bill", {
  left: [Order, ({ item }) => item],
  right: [Price, ({ item }) => item],
  writes: [Bill],
  execute: ({ value: { count, customer, id } }, { value: { cents } }) => ({
    facts: [Bill.of({ order: id, customer, cents: count * cents })]
  })
})

/** The fold: what each customer has to pay. It takes a revised bill out as it was, and adds it as it is. */
const total = Agent.fold("total", {
  over: Bill,
  by: ({ customer }) => customer,
  into: Total,
  aggregate: Fold.sum(Bill, ({ cents }) => cents),
  as: (customer, cents) => ({ customer, cents })
})

const Input = Schema.Struct({ orders: Schema.Array(Order.schema), prices: Schema.Array(Price.schema) })

export const half = Program.make("half", {
  input: Input,
  seed: ({ orders, prices }) => [...orders.map(Order.of), ...prices.map(Price.of)],
  // Prices may come while the job runs.
  signals: [Price],
  agents: [halfBill],
  output: (view) => view.all(Bill).map(({ value }) => [value.order, value.cents] as const)
})

export const whole = Program.make("whole", {
  module: import.meta.url,
  input: Input,
  seed: ({ orders, prices }) => [...orders.map(Order.of), ...prices.map(Price.of)],
  signals: [Price],
  agents: [bill, total],
  output: (view) =>
    view.all(Total).map(({ value: { cents, customer } }) => {
      // An index looks facts up at the cost of what it finds.
      const orders = view.by(Bill, "customer", customer).map(({ id }) => id)
      return { customer, cents, orders }
    })
})
