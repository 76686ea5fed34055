/** Chapter 14 of the guide: a program in a simulated world, and two mistakes that only some seeds show. */
import { describe, expect, it } from "@effect/vitest"
import { Engine } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Book, Booked, booking, Carrier, layer, parcels } from "../../../docs/examples/guide/14-parcels.ts"

const input = { p1: 400, p2: 90 }

describe("parcels", () => {
  it.effect("are booked in the same way through every fault", () =>
    Effect.gen(function* () {
      const report = yield* Testing.simulate(parcels, { input, layer, handlers: [booking], seeds: 200 })
      expect(report.status).toBe("converged")
      expect(report.faults.kills).toBeGreaterThan(100)
    })
  )

  it.effect("are not, if a second call of the handler books a second time", () =>
    Effect.gen(function* () {
      let last = 0
      const careless = Engine.handler(Book, ({ payload: { parcel } }) =>
        Effect.sync(() => [Booked.of({ parcel, number: `B-${++last}` })])
      )
      const found = yield* Effect.flip(Testing.simulate(parcels, { input, layer, handlers: [careless] }))
      expect(found).toMatchObject({ _tag: "SimulationFailed", what: "answer", agent: "book" })
    })
  )

  it.effect("are not, if the carrier is nearly too slow for the timeout of the agent", () =>
    Effect.gen(function* () {
      const slow = Layer.effect(
        Carrier,
        Effect.map(Effect.context(), (context) => ({
          price: (grams: number, signal: AbortSignal) =>
            Effect.runPromiseWith(context)(Effect.as(Effect.sleep("4 seconds"), grams), { signal })
        }))
      )
      const found = yield* Effect.flip(Testing.simulate(parcels, { input, layer: slow, handlers: [booking] }))
      expect(found).toMatchObject({ _tag: "SimulationFailed", agent: "quote", found: "AgentTimedOut" })
      expect(found).toMatchObject({ happens: [expect.stringMatching(/^agents and handlers wait [34] times as long$/)] })
    })
  )
})
