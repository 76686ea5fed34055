/** Chapter 14 of the guide: one agent by itself, the same in every run, every write survived, and a stored job played again. */
import { describe, expect, it } from "@effect/vitest"
import { Engine } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import { Charge, order, price, Receipt, shop } from "../../../docs/examples/guide/14-shop.ts"

const input = { day: "2026-11-30", orders: { o1: 2, o2: 1 } }

/** A bank that knows a charge by its key, and gives the same receipt for it again. */
const bankOf = (receipts: Map<string, number>) =>
  Engine.handler(Charge, ({ idempotencyKey, payload }) =>
    Effect.sync(() => {
      const number = receipts.get(idempotencyKey) ?? receipts.size + 1
      receipts.set(idempotencyKey, number)
      return [Receipt.of({ order: payload.order, number })]
    })
  )

describe("shop", () => {
  it.effect("prices an order", () =>
    Effect.gen(function* () {
      const { facts } = yield* Testing.execute(price, { each: order("o1", 3), input })
      expect(facts[0]).toMatchObject({ id: "o1", value: { cents: 750, day: "2026-11-30" } })
    })
  )

  it.effect("is the same in every run", () =>
    Effect.gen(function* () {
      const { runs } = yield* Testing.deterministic(shop, input, { handlers: [bankOf(new Map())] })
      expect(runs).toContain("another day")
    })
  )

  it.effect("charges each order once, whenever its process dies", () =>
    Effect.gen(function* () {
      const receipts = new Map<string, number>()
      const outside = Effect.sync(() => [...receipts.keys()])
      const { intents, repeated } = yield* Testing.durable(shop, input, { handlers: [bankOf(receipts)], outside })
      expect({ intents, repeated }).toEqual({ intents: 2, repeated: 2 })
    })
  )

  it.effect("is played again from a stored job, and charges nobody", () =>
    Effect.gen(function* () {
      const job = yield* Testing.start(shop, input, { id: "monday" })
      const { hash, output } = yield* job.result
      const { handlers, program } = Testing.recorded(shop, yield* Testing.recording("monday"))
      const again = yield* Effect.provide(Engine.run(program, input), Testing.layer({ handlers }))
      expect([again.hash, again.output]).toEqual([hash, output])
    }).pipe(Effect.provide(Testing.layer({ handlers: [bankOf(new Map())] })))
  )
})
