/** The example of chapter 7 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import { Engine, Invariant } from "effect-converge"
import * as Effect from "effect/Effect"
import { lenient, strict } from "../../../docs/examples/guide/07-seats.ts"

const input = {
  flights: [{ number: "F1", seats: 2, meals: 0 }],
  requests: ["Ada", "Bob", "Cleo"].map((who) => ({ who, flight: "F1" }))
}

describe("seats of a flight", () => {
  it.effect("are not sold twice: the booking too many is dropped, and what is broken is repaired", () =>
    Effect.gen(function* () {
      const { context, diagnostics, output } = yield* Engine.run(lenient, input)
      expect(output).toEqual({ booked: ["Ada", "Bob"], meals: [{ flight: "F1", meals: 2 }] })
      expect(diagnostics).toMatchObject([
        { agent: "book", each: { id: "Cleo" }, cause: { name: "no seat twice", reason: "F1 has 2 seats" } }
      ])
      expect(context.all(Invariant.Violation).map(({ value }) => value)).toEqual([
        { invariant: "a meal for everybody", reason: "F1 lacks meals", repaired: true }
      ])
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it.effect("end the job where a violation halts", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Engine.run(strict, input))
      expect(error).toMatchObject({
        _tag: "InvariantViolated",
        class: "structural",
        facts: [{ kind: "Flight", id: "F1" }]
      })
      expect(error.partial?.context.counts()).toEqual({ Booking: 2, Flight: 1, Request: 3, Violation: 1 })
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it.effect("are looked at once more at the end", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Engine.run(lenient, { ...input, requests: [] }))
      expect(error).toMatchObject({ _tag: "InvariantViolated", class: "acceptance", name: "no empty flight" })
    }).pipe(Effect.provide(Engine.layerMemory))
  )
})
