/** A program whose intents are performed by handlers that the module exports: one that needs a service, and one in an array. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Program } from "../../../src/index.ts"

class Bank extends Context.Service<Bank, { readonly pay: (order: number) => Effect.Effect<string> }>()("Bank") {}

const Order = Fact.kind("Order", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Paid = Fact.kind("Paid", {
  schema: Schema.Struct({ n: Schema.Int, by: Schema.String }),
  id: ({ n }) => String(n)
})
const Pay = Intent.kind("Pay", { payload: Schema.Struct({ n: Schema.Int }), answers: [Paid] })

export const orders = Program.make("orders", {
  input: Schema.Struct({ count: Schema.optionalKey(Schema.Int) }),
  seed: ({ count = 2 }) => Array.from({ length: count }, (_, n) => Order.of({ n })),
  agents: [
    Agent.make("pays", {
      each: Order,
      intents: [Pay],
      execute: ({ value: { n } }) => Effect.succeed({ intents: [Pay.of({ n }), { kind: "Tell", payload: n }] })
    })
  ],
  output: (view) => view.all(Paid).map(({ value: { by, n } }) => `${n} by ${by}`)
})

export const pay = Engine.handler(Pay, ({ payload: { n } }) =>
  Effect.gen(function* () {
    const bank = yield* Bank
    return [Paid.of({ n, by: yield* bank.pay(n) })]
  })
)

export const handlers = [pay, Engine.handler("Tell", () => Effect.void)]

export const layer = Layer.succeed(Bank, { pay: () => Effect.succeed("the bank") })
