/** The example of docs/examples/ancestors: the smallest job that is worth converging, and its promises. */
import { describe, expect, it } from "@effect/vitest"
import { Engine } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import { ancestors } from "../../../docs/examples/ancestors/program.ts"

const input = { parents: { Ada: "Byron", Byron: "Jack", Jack: "Foulweather" } }

describe("ancestors", () => {
  it.effect("are found through all generations, whoever is heard of first", () =>
    Effect.gen(function* () {
      const { output } = yield* Engine.run(ancestors, input)
      expect(output).toHaveLength(6)
      expect(output).toContain("Ada < Foulweather")
      const { orders } = yield* Testing.confluent(ancestors, input)
      expect(orders.length).toBeGreaterThan(5)
    }).pipe(Effect.provide(Testing.layer()))
  )

  it.effect("are the same in every run, and whenever the process dies", () =>
    Effect.gen(function* () {
      const { hash } = yield* Testing.deterministic(ancestors, input)
      const survived = yield* Testing.durable(ancestors, input)
      expect([survived.hash, survived.kills]).toEqual([hash, survived.writes])
    })
  )
})
