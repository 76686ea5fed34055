/** Chapter 14 of the guide: orders that are priced and charged, for the checks of the kit. */
import { Agent, Fact, Intent, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Order = Fact.kind("Order", {
  schema: Schema.Struct({ id: Schema.String, items: Schema.Number }),
  id: ({ id }) => id
})

const Bill = Fact.kind("Bill", {
  schema: Schema.Struct({ order: Schema.String, cents: Schema.Number, day: Schema.String }),
  id: ({ order }) => order
})

export const Receipt = Fact.kind("Receipt", {
  schema: Schema.Struct({ order: Schema.String, number: Schema.Number }),
  id: ({ order }) => order
})

export const Charge = Intent.kind("Charge", {
  payload: Schema.Struct({ order: Schema.String, cents: Schema.Number }),
  answers: [Receipt]
})

const Input = Schema.Struct({ day: Schema.String, orders: Schema.Record(Schema.String, Schema.Number) })

export const order = (id: string, items: number) => Order.of({ id, items })

/** Prices an order. The day comes from the input: a clock would give another bill to each run. */
export const price = Agent.make("price", {
  each: Order,
  writes: [Bill],
  execute: ({ value: { id, items } }, view) => {
    const { day } = view.input as typeof Input.Type
    return Effect.succeed({ facts: [Bill.of({ order: id, cents: items * 250, day })] })
  }
})

const charge = Agent.make("charge", {
  each: Bill,
  intents: [Charge],
  execute: ({ value: { cents, order } }) => Effect.succeed({ intents: [Charge.of({ order, cents })] })
})

export const shop = Program.make("shop", {
  input: Input,
  seed: ({ orders }) => Object.entries(orders).map(([id, items]) => order(id, items)),
  agents: [price, charge],
  output: (view) => view.all(Receipt).map(({ value }) => value.number)
})
