/**
 * `Testing.durable`: programs that survive the death of their process at every write, and those that do not.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Order = Fact.kind("Order", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Receipt = Fact.kind("Receipt", {
  schema: Schema.Struct({ order: Schema.String, number: Schema.Number }),
  id: ({ order }) => order
})
const Letter = Fact.kind("Letter", {
  schema: Schema.Struct({ order: Schema.String, text: Schema.String }),
  id: ({ order }) => order
})
const Charge = Intent.kind("Charge", { payload: Schema.Struct({ order: Schema.String }), answers: [Receipt] })

/** Charges each order, and writes a letter with the number of the receipt. */
const shop = (text: (number: number) => string) =>
  Program.make("shop", {
    input: Schema.Array(Schema.String),
    seed: (ids) => ids.map((id) => Order.of({ id })),
    agents: [
      Agent.make("charge", {
        each: Order,
        intents: [Charge],
        execute: ({ value: { id } }) => Effect.succeed({ intents: [Charge.of({ order: id })] })
      }),
      Agent.make("letter", {
        each: Receipt,
        writes: [Letter],
        execute: ({ value: { number, order } }) =>
          Effect.sync(() => ({ facts: [Letter.of({ order, text: text(number) })] }))
      })
    ]
  })

const orders = ["o1", "o2"]
const plain = shop((number) => `receipt ${number}`)

/** A bank that keeps its charges by their keys. */
const bank = () => {
  const charges = new Map<string, number>()
  const handler = Engine.handler(Charge, ({ idempotencyKey, payload }) =>
    Effect.sync(() => {
      const number = charges.get(idempotencyKey) ?? charges.size + 1
      charges.set(idempotencyKey, number)
      return [Receipt.of({ order: payload.order, number })]
    })
  )
  return { charges, handler }
}

describe("Testing.durable", () => {
  it.effect("passes a program whose handler keeps its answers by their keys, at every write", () =>
    Effect.gen(function* () {
      const { charges, handler } = bank()
      const outside = Effect.sync(() => [...charges])
      const report = yield* Testing.durable(plain, orders, { handlers: [handler], outside })
      expect(report).toMatchObject({ program: "shop", status: "converged", intents: 2, repeated: 2 })
      expect(report.kills).toBe(report.writes)
      expect(report.writes).toBeGreaterThan(4)
      expect(charges.size).toBe(2)
    })
  )

  it.effect("finds a handler that answers otherwise when it gets a key again", () =>
    Effect.gen(function* () {
      let number = 0
      const handler = Engine.handler(Charge, ({ payload }) =>
        Effect.sync(() => [Receipt.of({ order: payload.order, number: ++number })])
      )
      const found = yield* Effect.flip(Testing.durable(plain, orders, { handlers: [handler] }))
      expect(found).toMatchObject({
        _tag: "NotDurable",
        what: "answer",
        agent: "charge",
        fact: { kind: "Order", id: "o1" },
        cycle: 1,
        intent: "Charge"
      })
      expect(found.message).toContain("is called at least once")
    })
  )

  it.effect("finds a handler that does something twice, by the world outside", () =>
    Effect.gen(function* () {
      const paid: Array<string> = []
      const handler = Engine.handler(Charge, ({ payload }) =>
        Effect.sync(() => {
          paid.push(payload.order)
          return [Receipt.of({ order: payload.order, number: 1 })]
        })
      )
      const outside = Effect.sync(() => paid)
      const found = yield* Effect.flip(Testing.durable(plain, orders, { handlers: [handler], outside }))
      expect(found).toMatchObject({ what: "outside", expected: `["o1","o2"]` })
      // Without a look at the world, the same handler passes.
      expect(yield* Testing.durable(plain, orders, { handlers: [handler] })).toMatchObject({ repeated: 2 })
    })
  )

  it.effect("finds an agent that gives something else when its cycle runs again", () =>
    Effect.gen(function* () {
      let letters = 0
      const found = yield* Effect.flip(
        Testing.durable(
          shop((number) => (number === 2 ? `letter ${letters++}` : "")),
          orders,
          { handlers: [bank().handler], kills: 5 }
        )
      )
      expect(found).toMatchObject({ what: "journal", agent: "letter", fact: { kind: "Letter", id: "o2" } })
      expect(found.message).toContain("`memoize`")
    })
  )
})
