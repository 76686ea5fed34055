/** The example of chapter 9 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import { Engine } from "effect-converge"
import * as Effect from "effect/Effect"
import { calendar, untilSpent, week } from "../../../docs/examples/guide/09-budgets.ts"

describe("a calendar without a last page", () => {
  it.effect("ends when a call may cost more than is left, with what was paid for", () =>
    Effect.gen(function* () {
      const { cost, ended, output } = yield* untilSpent({})
      // Six calls of 3 cents; a seventh may cost 5, and 2 are left.
      expect({ ended, cost, days: output.length }).toEqual({ ended: "out of cost", cost: 18, days: 6 })
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it.effect("ends by cycles, and says what it was busy with", () =>
    Effect.gen(function* () {
      expect(yield* untilSpent({ maxCycles: 3 })).toMatchObject({ ended: "out of cycles", cost: 9 })
      const error = yield* Effect.flip(Engine.run(calendar, {}, { budget: { maxCycles: 3 } }))
      expect(error.message).toBe(
        'the budget of cycles is exhausted: 3 of 3. Its last cycles: "next" added 3 Day in 3 tasks; "sum" added 3 Summary in 3 tasks'
      )
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it.effect("converges where an agent accepts no more", () =>
    Effect.gen(function* () {
      expect(yield* Engine.run(week, {})).toMatchObject({ status: "converged", output: 7 })
    }).pipe(Effect.provide(Engine.layerMemory))
  )
})
