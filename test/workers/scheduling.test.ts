/** Deadlines by what was seen, budgets, interrupts that wait for threads, and turns between jobs. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Limits, WorkerPool } from "../../src/index.ts"
import { nextTurn } from "../../src/platform/slices.ts"
import { inline } from "../../src/workers/inline.ts"
import { Ring } from "../../src/workers/scheduler.ts"
import { credit, Stopwatch } from "../../src/workers/watchdog.ts"
import type { CpuProgress } from "../../src/workers/WorkerPool.ts"
import { lookUntil } from "../support/until.ts"
import { batch, execute, ledgerOf, newLedger, pool, put, said, task } from "../support/workers/harness.ts"
import { Item } from "../support/workers/programs.ts"

const until = (condition: () => boolean) => lookUntil(Effect.sync(condition), (holds) => holds)

const stats = WorkerPool.WorkerPool.use((it) => it.stats)

/** Until a thread runs a task. */
const isRunning = lookUntil(stats, ({ running }) => running > 0)

const hold = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe("the watchdog", () => {
  it.live("kills no healthy task because the main thread was stalled", () =>
    Effect.gen(function* () {
      const ledger = ledgerOf(40)
      yield* execute(batch(ledger, [task("square", "0"), task("square", "0")]))
      const running = yield* Effect.forkChild(
        execute(
          batch(
            ledger,
            Array.from({ length: 6 }, () => task("quick", "0"))
          )
        )
      )
      for (let i = 0; i < 3; i++) {
        yield* Effect.sleep(15)
        hold(300)
      }
      expect((yield* Fiber.join(running)).map(said)).toEqual(Array.from({ length: 6 }, () => "quick"))
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("hears a result that waited while the main thread was stalled before it kills", () =>
    Effect.gen(function* () {
      const ledger = ledgerOf(90)
      const thread = execute(batch(ledger, [task("thread", "0")])).pipe(Effect.map((outcomes) => outcomes.map(said)))
      const first = yield* thread
      for (let i = 0; i < 5; i++) {
        const running = yield* Effect.forkChild(execute(batch(ledger, [task("quick", "0")])))
        // Most of its 100 ms are seen; the tick after the stall credits more than the rest of them. Stalled by a timer, so
        // that the tick, a timer too, comes before messages do.
        setTimeout(() => hold(300), 65)
        expect((yield* Fiber.join(running)).map(said)).toEqual(["quick"])
      }
      expect(yield* thread).toEqual(first)
    }).pipe(Effect.provide(pool(1)))
  )

  it.live("does not count the start of a worker and of its program", () =>
    Effect.gen(function* () {
      expect((yield* execute(batch(ledgerOf(1), [task("quick", "0")]))).map(said)).toEqual(["quick"])
    }).pipe(Effect.provide(pool(1)))
  )

  it.effect("goes by Effect's Clock: where that stands still, no deadline passes", () =>
    Effect.gen(function* () {
      const turns = (condition: () => boolean): Effect.Effect<void> =>
        Effect.suspend(() => (condition() ? Effect.void : Effect.andThen(nextTurn, turns(condition))))
      const elapsed = (ms: number) => {
        const until = performance.now() + ms
        return turns(() => performance.now() >= until)
      }
      const running = yield* Effect.forkChild(execute(batch(ledgerOf(0), [task("loop", "0")])), {
        startImmediately: true
      })
      const pool = yield* WorkerPool.WorkerPool
      yield* turns(() => Effect.runSync(pool.stats).running === 1)
      // Longer than the agent's deadline, by the wall.
      yield* elapsed(600)
      expect(Effect.runSync(pool.stats).running).toBe(1)
      for (let i = 0; i < 40; i++) yield* Effect.andThen(TestClock.adjust(10), nextTurn)
      expect((yield* Fiber.join(running)).map(said)).toEqual(["AgentTimedOut"])
    }).pipe(Effect.provide(pool(1)))
  )

  it("credits a late tick with a few intervals", () => {
    const stopwatch = new Stopwatch(1_000)
    expect(stopwatch.tick(1_010, 10)).toBe(10)
    expect(stopwatch.tick(2_000, 10)).toBe(50)
    expect(stopwatch.tick(2_007, 10)).toBe(7)
  })

  it("charges each execution from when it is seen, and a share that is not taken up from its start", () => {
    const share = { startedAt: 105, ordinal: 0, elapsedMs: 0, unclaimedMs: 0 }
    const tick = (ordinal: number | undefined, creditMs: number, nowMs: number) =>
      credit(share, { hasBegun: ordinal !== undefined, ordinal: ordinal ?? 0 }, 20, creditMs, nowMs)
    expect(tick(undefined, 10, 110)).toBeUndefined()
    expect(share).toMatchObject({ elapsedMs: 0, unclaimedMs: 5 })
    expect([tick(1, 10, 120), tick(1, 10, 130)]).toEqual([undefined, undefined])
    expect(share.elapsedMs).toBe(10)
    // Another execution: the clock begins again.
    expect([tick(2, 10, 140), tick(2, 10, 150)]).toEqual([undefined, undefined])
    // Between two tasks nothing is charged.
    expect([tick(0, 10, 160), tick(2, 10, 170), tick(2, 10, 180)]).toEqual([undefined, undefined, undefined])
    expect(tick(2, 10, 190)).toBe("timeout")
    expect(tick(undefined, 5_000, 6_000)).toBe("unclaimed")
  })
})

describe("the CPU budget", () => {
  for (const size of [0, 2]) {
    it.live(`ends a batch that used it up (${size} threads)`, () =>
      Effect.gen(function* () {
        const tasks = Array.from({ length: 50 }, () => task("quick", "0"))
        const result = yield* Effect.result(execute(batch(ledgerOf(20), tasks, { cpuBudgetMs: 100 })))
        expect(Result.isFailure(result) && result.failure).toMatchObject({ _tag: "CpuTimeExhausted", agent: "quick" })
        const failure = Result.isFailure(result) ? result.failure : undefined
        const usedMs = failure?._tag === "CpuTimeExhausted" ? failure.usedMs : 0
        expect(usedMs).toBeGreaterThan(100)
        expect(usedMs).toBeLessThan(300)
        // The pool is as good as before.
        expect((yield* execute(batch(ledgerOf(3), [task("square", "0")]))).map(said)).toEqual([9])
      }).pipe(Effect.provide(pool(size)))
    )
  }

  it.live("stops a task that would go on for ever", () =>
    Effect.gen(function* () {
      const looping = { ...task("loop", "0"), agent: { ...task("loop", "0").agent, timeoutMs: undefined } }
      const result = yield* Effect.result(execute(batch(ledgerOf(0), [looping], { cpuBudgetMs: 200 })))
      expect(Result.isFailure(result) && result.failure).toMatchObject({ _tag: "CpuTimeExhausted", agent: "loop" })
    }).pipe(Effect.provide(pool(1)))
  )
})

describe("an interrupt", () => {
  it.live("is acknowledged when the threads have let go; queued tasks never run, other batches go on", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "converge-"))
      const ledger = newLedger()
      const files = ["a", "b", "c"].map((name) => join(folder, name))
      for (const id of files) put(ledger, Item, { id, size: 500 })
      const sizes = () => files.map((file) => (existsSync(file) ? statSync(file).size : -1))
      const tasks = files.map((file) => task("scribble", file))
      const running = yield* Effect.forkChild(execute(batch(ledger, tasks, { jobId: "doomed" })))
      yield* until(() => sizes().filter((size) => size > 0).length === 2)
      const other = yield* Effect.forkChild(execute(batch(ledgerOf(5), [task("square", "0")], { jobId: "other" })))
      yield* Fiber.interrupt(running)
      const then = sizes()
      expect((yield* Fiber.join(other)).map(said)).toEqual([25])
      // Both threads have done something else since.
      yield* execute(batch(ledgerOf(100), [task("slow", "0"), task("slow", "0")], { jobId: "later" }))
      expect(then[2]).toBe(-1)
      expect(sizes()).toEqual(then)
      rmSync(folder, { recursive: true })
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("waits for a thread that cannot be stopped at once", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "converge-"))
      const file = join(folder, "native")
      const ledger = newLedger()
      put(ledger, Item, { id: file, size: 0.6 })
      const endless = { ...task("native", file), agent: { ...task("native", file).agent, timeoutMs: undefined } }
      yield* execute(batch(ledgerOf(1), [task("square", "0")]))
      const running = yield* Effect.forkChild(execute(batch(ledger, [endless], { jobId: "native" })))
      yield* until(() => existsSync(file))
      const began = performance.now()
      yield* Fiber.interrupt(running)
      expect(performance.now() - began).toBeGreaterThan(200)
      rmSync(folder, { recursive: true })
    }).pipe(Effect.provide(pool(1)))
  )

  it.live("before anything has started leaves nothing to do", () =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(execute(batch(ledgerOf(1), [task("loop", "0")])))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(running)
      expect((yield* execute(batch(ledgerOf(4), [task("square", "0")]))).map(said)).toEqual([16])
    }).pipe(Effect.provide(pool(1)))
  )
})

describe("two jobs at a time", () => {
  it.live("take turns: a short one does not wait for a long one", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const listen = (job: string) => (it: CpuProgress) => void (it._tag === "Ended" && order.push(job))
      const run = (jobId: string, count: number) =>
        execute(
          batch(
            ledgerOf(5),
            Array.from({ length: count }, () => task("slow", "0")),
            { jobId, onProgress: listen(jobId) }
          )
        )
      const long = yield* Effect.forkChild(run("long", 40))
      yield* until(() => order.length >= 3)
      yield* run("short", 5)
      const before = order.length
      yield* Fiber.join(long)
      expect(order).toHaveLength(45)
      expect(before).toBeLessThan(25)
    }).pipe(Effect.provide(pool(1)))
  )

  it.live("do not starve each other: two tasks are done long before a hundred thousand", () =>
    Effect.gen(function* () {
      const crowd = Array.from({ length: 100_000 }, () => task("crash", "0"))
      let done = false
      const long = yield* Effect.forkChild(
        Effect.tap(execute(batch(ledgerOf(0), crowd, { jobId: "crowd" })), () => Effect.sync(() => (done = true)))
      )
      yield* isRunning
      expect((yield* execute(batch(ledgerOf(5), [task("square", "0"), task("square", "0")]))).map(said)).toEqual([
        25, 25
      ])
      expect(done).toBe(false)
      const outcomes = yield* Fiber.join(long)
      expect(outcomes).toHaveLength(100_000)
      expect(new Set(outcomes.map(said))).toEqual(new Set(["alive"]))
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("each stay with the worker that has their context", () =>
    Effect.gen(function* () {
      // Both threads are there.
      yield* execute(batch(ledgerOf(30), [task("slow", "0"), task("slow", "0"), task("slow", "0")]))
      yield* lookUntil(stats, ({ workers }) => workers.filter(({ state }) => state === "ready").length === 2)
      const ledgers = new Map(["a", "b"].map((jobId) => [jobId, ledgerOf(1)] as const))
      const threadOf = (jobId: string) =>
        Effect.map(execute(batch(ledgers.get(jobId)!, [task("thread", "0")], { jobId })), ([outcome]) => said(outcome!))
      const both = Effect.all([threadOf("a"), threadOf("b")], { concurrency: "unbounded" })
      const first = yield* both
      expect(new Set(first).size).toBe(2)
      for (let i = 0; i < 5; i++) {
        expect([yield* threadOf("b"), yield* threadOf("a")]).toEqual([first[1], first[0]])
        expect(yield* both).toEqual(first)
      }
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("give an idle worker the task that a stuck one would have taken next", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "converge-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })))
      const ledger = newLedger()
      const file = join(folder, "stuck")
      put(ledger, Item, { id: file, size: 5_000_000 })
      // One worker is held by another job until both tasks of the batch are the other worker's.
      const held = yield* Effect.forkChild(execute(batch(ledgerOf(3_000), [task("slow", "0")], { jobId: "held" })))
      yield* isRunning
      const ended: Array<number> = []
      const onProgress = (it: CpuProgress) => void (it._tag === "Ended" && ended.push(it.task))
      const tasks = [task("scribble", file), task("look")]
      const stuck = yield* Effect.forkChild(execute(batch(ledger, tasks, { jobId: "stuck", onProgress })))
      yield* until(() => existsSync(file))
      expect(ended).toEqual([])
      yield* Fiber.join(held)
      yield* until(() => ended.length > 0)
      expect(ended).toEqual([1])
      expect(yield* stats).toMatchObject({ waiting: 0, running: 1 })
      yield* Fiber.interrupt(stuck)
    }).pipe(Effect.scoped, Effect.provide(pool(2)))
  )

  it("come in turn, but for those that want nothing", () => {
    const ring = new Ring<string>()
    for (const name of ["a", "b", "c"]) ring.add(name)
    const next = (but = "") => ring.choose((name) => name !== but)
    expect([next(), next(), next(), next()]).toEqual(["a", "b", "c", "a"])
    expect([next("b"), next(), next()]).toEqual(["c", "b", "a"])
    ring.remove("c")
    expect([next(), next(), ring.choose(() => false)]).toEqual(["b", "a", undefined])
  })
})

describe("results that arrive while this thread works for whole slices", () => {
  it.live("are read between two of its tasks, and do not wait for the last of them", () =>
    Effect.gen(function* () {
      const square = batch(ledgerOf(3), [task("square", "0")])
      // The thread has loaded everything before.
      yield* execute(square)
      const longMs = Limits.sliceMs * 2
      const sizes = Array.from({ length: 800 }, () => longMs)
      const tasks = sizes.map((_, index) => task("slow", String(index)))
      const busy = yield* Effect.forkChild(inline.execute(batch(ledgerOf(...sizes), tasks)), { startImmediately: true })
      for (let round = 0; round < 5; round++) expect((yield* execute(square)).map(said)).toEqual([9])
      expect(busy.pollUnsafe()).toBeUndefined()
      yield* Fiber.interrupt(busy)
    }).pipe(Effect.provide(pool(1)))
  )
})
