/** The example of chapter 6 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import { Engine } from "effect-converge"
import * as Effect from "effect/Effect"
import { all, Down, readings, some, Weather } from "../../../docs/examples/guide/06-failure.ts"

/** Knows the length of a name, nothing of Atlantis, Rome at the second attempt only, and does not answer about Limbo. */
const weather = () => {
  const asked = new Map<string, number>()
  return Weather.of({
    of: (city) =>
      Effect.suspend(() => {
        const times = (asked.get(city) ?? 0) + 1
        asked.set(city, times)
        if (city === "Limbo") return Effect.never
        if (city === "Atlantis" || (city === "Rome" && times === 1)) return Effect.fail(new Down({ city }))
        return Effect.succeed(city.length)
      })
  })
}

const provided = <A, E>(effect: Effect.Effect<A, E, Weather | Engine.Engine>) =>
  effect.pipe(Effect.provideService(Weather, weather()), Effect.provide(Engine.layerMemory))

describe("a job whose agents fail", () => {
  it.live("tries again, and ends with the agent's error and the result so far", () =>
    Effect.gen(function* () {
      expect(yield* provided(readings(["Oslo", "Rome"]))).toEqual({ output: { Oslo: 4, Rome: 4 }, missing: "" })
      expect(yield* provided(readings(["Oslo", "Atlantis", "Lima"]))).toEqual({
        output: { Oslo: 4, Lima: 4 },
        missing: "Atlantis"
      })
    })
  )

  it.live("ends at the deadline of an attempt", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(provided(Engine.run(all, ["Limbo"])))
      expect(error).toMatchObject({ _tag: "AgentTimedOut", agent: "ask", timeoutMs: 200 })
    })
  )

  it.live("goes on where failures are discarded, with a diagnostic for each", () =>
    Effect.gen(function* () {
      const { diagnostics, output, status } = yield* provided(Engine.run(some, ["Oslo", "Atlantis", "Limbo"]))
      expect({ status, output }).toEqual({ status: "converged", output: { Oslo: 4 } })
      expect(diagnostics).toMatchObject([
        { agent: "ask", each: { id: "Atlantis" }, cause: { _tag: "AgentFailed", error: { city: "Atlantis" } } },
        { agent: "ask", each: { id: "Limbo" }, cause: { _tag: "AgentTimedOut" } }
      ])
    })
  )
})
