/**
 * The simulated world: virtual time, orders by the seed, kills between two steps; and the shrinking of what failed in it.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import { shrink } from "../../src/testing/simulation/shrink.ts"
import { inTurns } from "../../src/testing/simulation/turns.ts"
import { World } from "../../src/testing/simulation/World.ts"

const owner = { label: "a test", agent: "" }

const after = (ms: number, go: () => void) => Effect.andThen(Effect.sleep(ms), Effect.sync(go))

describe("time in a world", () => {
  it("moves only when nothing can go on, from timer to timer", () => {
    const world = new World({ seed: 1 })
    const seen: Array<string> = []
    const all = [after(3_000, () => seen.push("c")), after(1, () => seen.push("a")), after(20, () => seen.push("b"))]
    const ran = world.run(
      Effect.andThen(Effect.all(all, { concurrency: "unbounded", discard: true }), Clock.currentTimeMillis)
    )
    expect(seen).toEqual(["a", "b", "c"])
    expect(world.nowMs).toBe(3_000)
    expect(ran).toMatchObject({ _tag: "Ended", exit: Exit.succeed(1_800_000_003_000) })
  })

  it("ends a run that can go on no more, or that goes on without end", () => {
    const stuck = (effect: Effect.Effect<unknown>) => new World({ seed: 1, mostSteps: 500, mostMs: 9_000 }).run(effect)
    expect(stuck(Effect.never)).toEqual({ _tag: "Stuck", reason: "nothing can go on", open: [] })
    expect(stuck(Effect.forever(Effect.yieldNow))).toEqual({ _tag: "Stuck", reason: "too many steps", open: [] })
    expect(stuck(Effect.forever(after(1_000, () => undefined)))).toEqual({
      _tag: "Stuck",
      reason: "too much time",
      open: []
    })
  })
})

describe("the order in a world", () => {
  const orderOf = (seed: number, order: "seeded" | "fifo") => {
    const seen: Array<number> = []
    const one = (number: number) =>
      Effect.andThen(
        Effect.yieldNow,
        Effect.sync(() => void seen.push(number))
      )
    new World({ seed, order }).run(Effect.forEach([0, 1, 2, 3, 4, 5], one, { concurrency: "unbounded", discard: true }))
    return seen.join("")
  }

  it("follows from the seed", () => {
    expect(orderOf(7, "seeded")).toBe(orderOf(7, "seeded"))
    const orders = new Set([1, 2, 3, 4, 5, 6, 7, 8].map((seed) => orderOf(seed, "seeded")))
    expect(orders.size).toBeGreaterThan(4)
    expect(orderOf(7, "fifo")).toBe("012345")
  })

  it("decides random numbers, too", () => {
    const drawn = (seed: number) => new World({ seed }).run(Random.next)
    expect(drawn(3)).toEqual(drawn(3))
    expect(drawn(3)).not.toEqual(drawn(4))
  })
})

describe("a kill", () => {
  it("stops a run between two steps, and nothing of it runs any more, its finalizers neither", () => {
    const seen: Array<string> = []
    const ticking = Effect.forever(after(10, () => seen.push("tick")))
    const closing = Effect.ensuring(
      ticking,
      Effect.sync(() => seen.push("closed"))
    )
    const world = new World({ seed: 1 })
    const isOver = () => seen.length >= 3
    expect(world.run(closing, isOver)).toEqual({ _tag: "Killed" })
    const second = world.run(after(1_000, () => seen.push("again")))
    expect(second._tag).toBe("Ended")
    expect(seen).toEqual(["tick", "tick", "tick", "again"])
  })
})

describe("a promise", () => {
  const promised = <A>(value: A) => Effect.promise(() => Promise.resolve(value))

  it.effect("is no obstacle to a run that is given its turns, and time stands still meanwhile", () =>
    Effect.gen(function* () {
      const world = new World({ seed: 1 })
      const effect = Effect.all([promised("a"), after(20, () => undefined), promised("b")], {
        concurrency: "unbounded"
      })
      const ran = yield* inTurns(world.running(world.execute(owner, effect)))
      expect(ran).toMatchObject({ _tag: "Ended", exit: Exit.succeed(["a", undefined, "b"]) })
      expect(world.nowMs).toBe(20)
      expect(new World({ seed: 1 }).run(promised("a"))).toMatchObject({ _tag: "Stuck", reason: "nothing can go on" })
    })
  )

  it.effect("makes its fiber ready, which goes on in the order of the seed", () =>
    Effect.gen(function* () {
      const orderOf = (seed: number) => {
        const seen: Array<number> = []
        const world = new World({ seed })
        const one = (number: number) =>
          Effect.andThen(
            promised(number),
            Effect.sync(() => void seen.push(number))
          )
        const all = Effect.forEach([0, 1, 2, 3, 4], one, { concurrency: "unbounded", discard: true })
        return Effect.as(inTurns(world.running(world.execute(owner, all))), seen)
      }
      const orders = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], orderOf)
      expect(new Set(orders.map((order) => order.join(""))).size).toBeGreaterThan(3)
      expect(yield* orderOf(3)).toEqual(orders[2])
    })
  )

  it.effect("of a life that was killed resumes nothing in the next one", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const world = new World({ seed: 1 })
      let release = (): void => undefined
      const held = new Promise<void>((resolve) => (release = resolve))
      const waiting = Effect.andThen(
        Effect.promise(() => held),
        Effect.sync(() => seen.push("first life"))
      )
      const work = Effect.all([waiting, Effect.forever(Effect.yieldNow)], { concurrency: "unbounded" })
      const killed = yield* inTurns(world.running(world.execute(owner, work), (step) => step > 10))
      expect(killed).toEqual({ _tag: "Killed" })
      const next = Effect.andThen(
        Effect.sync(() => release()),
        Effect.andThen(
          promised(1),
          after(5, () => seen.push("second life"))
        )
      )
      const ran = yield* inTurns(world.running(world.execute(owner, next)))
      expect(ran._tag).toBe("Ended")
      expect(seen).toEqual(["second life"])
    })
  )
})

describe("an execution under load", () => {
  it("waits longer than it asks for, and nothing else does", () => {
    const world = new World({ seed: 1, load: 3 })
    world.run(
      world.execute(
        owner,
        after(10, () => undefined)
      )
    )
    expect(world.nowMs).toBe(30)
    world.run(after(10, () => undefined))
    expect(world.nowMs).toBe(40)
  })
})

describe("work in the background", () => {
  it("keeps no run going, and comes late where time moves on", () => {
    const world = new World({ seed: 1 })
    let looks = 0
    const watch = Effect.forkDetach(Effect.forever(after(1_000, () => looks++)))
    const watched = Effect.andThen(world.inBackground(watch), Effect.never)
    expect(world.run(watched)).toMatchObject({ _tag: "Stuck", reason: "nothing can go on" })
    const waiting = Effect.andThen(
      world.inBackground(watch),
      after(3_600_000 - 1, () => undefined)
    )
    expect(world.run(waiting)._tag).toBe("Ended")
    expect(looks).toBeLessThan(3)
  })
})

describe("shrinking", () => {
  it("finds the smallest value that still fails", () => {
    const value = {
      parts: Array.from({ length: 40 }, (_, n) => ({ n, note: "x" })),
      order: "seeded",
      calls: [[1], [2]]
    }
    const isFailing = ({ calls, parts }: typeof value) =>
      parts.some(({ n }) => n === 23) && parts.some(({ n }) => n === 31) && calls[1]?.length === 1
    const simpler = { optional: ["note"], simplest: { order: "fifo" }, placed: ["calls"] }
    expect(shrink(value, isFailing, simpler)).toEqual({
      parts: [{ n: 23 }, { n: 31 }],
      order: "fifo",
      calls: [[], [2]]
    })
  })
})
