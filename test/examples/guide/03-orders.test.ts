/** The example of chapter 3 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import { Engine } from "effect-converge"
import * as Effect from "effect/Effect"
import { orders } from "../../../docs/examples/guide/03-orders.ts"

describe("agents that look at the same orders", () => {
  it.effect("run for each, for all that are new, or when they accept", () =>
    Effect.gen(function* () {
      const { output } = yield* Engine.run(orders, { A: ["x", "y"], B: [] })
      expect(output).toEqual([
        "cycle 1: one saw A of 2",
        "cycle 1: one saw B of 2",
        "cycle 1: batch saw A B of 2",
        "cycle 2: one saw A.x of 4",
        "cycle 2: one saw A.y of 4",
        "cycle 2: batch saw A.x A.y of 4",
        "cycle 2: patient saw A B A.x A.y of 4"
      ])
    }).pipe(Effect.provide(Engine.layerMemory))
  )
})
