/**
 * Single flight: callers of one name share the result of the effect under way.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { SingleFlight } from "../../src/platform/singleFlight.ts"

const lost = () => Exit.fail("lost")

/** A flight whose effect waits for `gate`, and counts its runs. */
const setUp = () => {
  const flight = new SingleFlight<string, string>()
  const gate = Deferred.makeUnsafe<string, string>()
  let runs = 0
  const effect = Effect.suspend(() => {
    runs++
    return Deferred.await(gate)
  })
  return { flight, gate, runs: () => runs, run: () => Effect.exit(flight.run("a", effect, lost)) }
}

const begun = <A>(effect: Effect.Effect<A>) => Effect.forkChild(effect, { startImmediately: true })

describe("effects of one name", () => {
  it.effect("run once at a time, and all callers get the result", () =>
    Effect.gen(function* () {
      const { flight, gate, run, runs } = setUp()
      const fibers = [yield* begun(run()), yield* begun(run())]
      const settled = yield* begun(flight.settled("a"))
      expect(settled.pollUnsafe()).toBeUndefined()
      yield* Deferred.succeed(gate, "done")
      const exits = yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      expect(exits).toEqual([Exit.succeed("done"), Exit.succeed("done")])
      yield* Fiber.join(settled)
      expect(runs()).toBe(1)
      yield* run()
      expect(runs()).toBe(2)
    })
  )

  it.effect("share a failure", () =>
    Effect.gen(function* () {
      const { gate, run } = setUp()
      const fibers = [yield* begun(run()), yield* begun(run())]
      yield* Deferred.fail(gate, "refused")
      const exits = yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      expect(exits).toEqual([Exit.fail("refused"), Exit.fail("refused")])
    })
  )

  it.effect("do not share an interruption or a defect: callers that wait are told that the result is lost", () =>
    Effect.gen(function* () {
      const { gate, run, runs } = setUp()
      const first = yield* begun(run())
      const second = yield* begun(run())
      yield* Fiber.interrupt(first)
      expect(yield* Fiber.join(second)).toEqual(Exit.fail("lost"))
      const third = yield* begun(run())
      const fourth = yield* begun(run())
      yield* Deferred.die(gate, "a bug")
      expect(yield* Fiber.join(third)).toEqual(Exit.die("a bug"))
      expect(yield* Fiber.join(fourth)).toEqual(Exit.fail("lost"))
      expect(runs()).toBe(2)
    })
  )

  it.effect("go on when a caller that waits is interrupted", () =>
    Effect.gen(function* () {
      const { gate, run } = setUp()
      const first = yield* begun(run())
      yield* Fiber.interrupt(yield* begun(run()))
      yield* Deferred.succeed(gate, "done")
      expect(yield* Fiber.join(first)).toEqual(Exit.succeed("done"))
    })
  )
})
