/** Effects of one name run one after the other, whatever happens to those that wait. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { describe } from "vitest"
import { Turns } from "../../src/platform/turns.ts"
import { makeGate, turns as loopTurns } from "../support/behaviour/harness.ts"

const begin = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

describe("turns", () => {
  it.live("are taken in the order of the calls, and passed on by an effect that fails", () =>
    Effect.gen(function* () {
      const turns = new Turns()
      const gate = makeGate()
      const seen: Array<string> = []
      const note = (text: string) => Effect.sync(() => void seen.push(text))
      const first = yield* begin(turns.take("a", Effect.andThen(gate.arrive, Effect.fail("first"))))
      const second = yield* begin(turns.take("a", note("second")))
      const third = yield* begin(turns.take("a", note("third")))
      yield* turns.take("b", note("other"))
      expect([seen, turns.has("a"), turns.has("b")]).toEqual([["other"], true, false])
      yield* gate.open
      expect(yield* Effect.flip(Fiber.join(first))).toBe("first")
      yield* Fiber.join(second)
      yield* Fiber.join(third)
      expect([seen, turns.has("a")]).toEqual([["other", "second", "third"], false])
    })
  )

  it.live("are not taken while another effect runs, although those between were interrupted", () =>
    Effect.gen(function* () {
      const turns = new Turns()
      const gate = makeGate()
      let isUnderWay = false
      const first = yield* begin(
        turns.take(
          "a",
          Effect.gen(function* () {
            isUnderWay = true
            yield* gate.arrive
            isUnderWay = false
          })
        )
      )
      const second = yield* begin(turns.take("a", Effect.void))
      const third = yield* begin(turns.take("a", Effect.void))
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(third)
      expect(turns.has("a")).toBe(true)
      const fourth = yield* begin(
        turns.take(
          "a",
          Effect.sync(() => isUnderWay)
        )
      )
      yield* loopTurns(3)
      yield* gate.open
      expect(yield* Fiber.join(fourth)).toBe(false)
      yield* Fiber.join(first)
      expect(turns.has("a")).toBe(false)
    })
  )
})
