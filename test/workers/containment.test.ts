/** Whatever a CPU agent does to its thread, its own task alone feels it (G8). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { WorkerPool } from "../../src/index.ts"
import { lookUntil } from "../support/until.ts"
import { batch, causeOf, execute, ledgerOf, pool, said, task } from "../support/workers/harness.ts"

/** The task of an agent about item "0", which is `size`, among six of "square" about item "1", which is 3. */
const among = (agent: string, size: number) =>
  Effect.gen(function* () {
    const six = Array.from({ length: 6 }, () => task("square", "1"))
    const outcomes = yield* execute(batch(ledgerOf(size, 3), [six[0]!, task(agent, "0"), ...six.slice(1)]))
    expect(outcomes.filter((_, index) => index !== 1).map(said)).toEqual([9, 9, 9, 9, 9, 9])
    return outcomes[1]!
  })

describe("containment", () => {
  it.live("an endless loop is stopped at its deadline, and six other tasks are unharmed", () =>
    Effect.gen(function* () {
      const began = performance.now()
      const outcome = yield* among("loop", 0)
      expect(causeOf(outcome)).toEqual({ _tag: "AgentTimedOut", agent: "loop", cycle: 1, timeoutMs: 250 })
      expect(outcome.cpuMs).toBeGreaterThanOrEqual(250)
      expect(performance.now() - began).toBeLessThan(5_000)
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("one thread is enough: the tasks behind a loop run when it is gone", () =>
    Effect.gen(function* () {
      const outcome = yield* among("loop", 0)
      expect(said(outcome)).toBe("AgentTimedOut")
    }).pipe(Effect.provide(pool(1)))
  )

  it.live("a kill takes the running task alone, though others had ended whose outcomes were not sent yet", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 400 }, (_, index) => (index % 100 === 99 ? "loop" : "square"))
      const outcomes = yield* execute(
        batch(
          ledgerOf(0, 3),
          names.map((name) => task(name, "1"))
        )
      )
      expect(outcomes.map(said)).toEqual(names.map((name) => (name === "loop" ? "AgentTimedOut" : 9)))
    }).pipe(Effect.provide(pool(2, { batchSize: 10_000 })))
  )

  it.live("an exit takes the running task alone, however many had ended before it in the same message", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 300 }, (_, index) => (index % 60 === 59 ? "exit" : "square"))
      const outcomes = yield* execute(
        batch(
          ledgerOf(0, 3),
          names.map((name) => task(name, "1"))
        )
      )
      expect(outcomes.map(said)).toEqual(names.map((name) => (name === "exit" ? "WorkerCrashed" : 9)))
    }).pipe(Effect.provide(pool(1, { batchSize: 10_000 })))
  )

  it.live("a native call that cannot be interrupted is left alone, and keeps its thread's place until it ends", () =>
    Effect.gen(function* () {
      const stats = WorkerPool.WorkerPool.use((it) => it.stats)
      const square = execute(batch(ledgerOf(7), [task("square", "0")]))
      const hang = (size: number) => execute(batch(ledgerOf(size), [task("native", "0")], { jobId: `native ${size}` }))
      const [first, squared] = yield* Effect.all([hang(12), square], { concurrency: 2 })
      expect([first[0]!, squared[0]!].map(said)).toEqual(["AgentTimedOut", 49])
      expect(yield* stats).toMatchObject({ abandoned: 1 })
      // One place of two is left.
      expect((yield* square).map(said)).toEqual([49])
      expect((yield* stats).workers).toHaveLength(1)
      const second = yield* Effect.forkChild(hang(11))
      yield* lookUntil(stats, ({ abandoned }) => abandoned === 2)
      expect((yield* Fiber.join(second)).map(said)).toEqual(["AgentTimedOut"])
      const refused = yield* Effect.flip(square)
      expect(refused).toMatchObject({ _tag: "NoWorkers", reason: "abandoned" })
      expect((yield* stats).workers).toHaveLength(0)
      yield* lookUntil(stats, ({ abandoned }) => abandoned === 0)
      expect((yield* square).map(said)).toEqual([49])
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("process.exit ends the thread, and its code is told", () =>
    Effect.gen(function* () {
      expect(causeOf(yield* among("exit", 1))).toEqual({ _tag: "WorkerCrashed", agent: "exit", cycle: 1, exitCode: 1 })
      expect(causeOf(yield* among("exit", 0))).toEqual({ _tag: "WorkerCrashed", agent: "exit", cycle: 1, exitCode: 0 })
    }).pipe(Effect.provide(pool(2)))
  )

  it.live.each([
    { threads: 1, size: 1, why: "have no outcomes" },
    { threads: 2, size: 0, why: "are no JSON" }
  ])("a thread whose messages $why is replaced, in a pool of $threads", ({ size, threads }) =>
    Effect.gen(function* () {
      const cause = causeOf(yield* among("garble", size))
      expect(cause).toEqual({ _tag: "WorkerCrashed", agent: "garble", cycle: 1, exitCode: 1 })
      expect((yield* execute(batch(ledgerOf(7), [task("square", "0")]))).map(said)).toEqual([49])
    }).pipe(Effect.provide(pool(threads)))
  )

  it.live("messages that cannot be read, of a share with many, are those of one task alone", () =>
    Effect.gen(function* () {
      const squares = Array.from({ length: 300 }, () => task("square", "1"))
      const outcomes = yield* execute(batch(ledgerOf(0, 3), [task("garble", "0"), ...squares]))
      expect(outcomes.map(said)).toEqual(["WorkerCrashed", ...squares.map(() => 9)])
    }).pipe(Effect.provide(pool(1, { batchSize: 10 })))
  )

  it.live("200 MB of heap under a limit is out of memory", () =>
    Effect.gen(function* () {
      const cause = causeOf(yield* among("hoard", 0))
      expect(cause).toEqual({ _tag: "AgentOutOfMemory", agent: "hoard", cycle: 1, limitMb: 64 })
    }).pipe(Effect.provide(pool(2, { heapLimitMb: 64 })))
  )

  it.live("endless recursion is a panic", () =>
    Effect.gen(function* () {
      expect(causeOf(yield* among("deep", 0))).toMatchObject({
        _tag: "AgentPanicked",
        message: expect.stringContaining("call stack")
      })
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("a throw is a panic with its message and stack", () =>
    Effect.gen(function* () {
      const cause = causeOf(yield* among("throws", 0))
      expect(cause).toMatchObject({ _tag: "AgentPanicked", agent: "throws", cycle: 1, message: "no good" })
      expect(cause).toMatchObject({ stack: expect.stringContaining("programs.ts") })
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("output that cannot be sent is an invalid effect", () =>
    Effect.gen(function* () {
      for (const agent of ["functions", "cyclic", "promise"]) {
        expect(said(yield* among(agent, 0))).toBe("InvalidEffect")
      }
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("console output and posts to the parent thread break nothing", () =>
    Effect.gen(function* () {
      expect(said(yield* among("talk", 3))).toBe("talked")
      expect(said(yield* among("intrude", 0))).toBe("posted")
    }).pipe(Effect.provide(pool(1)))
  )
})

describe("what an agent leaves behind", () => {
  it.live("a timer that throws fails neither its own task nor the next ones", () =>
    Effect.gen(function* () {
      for (const delayMs of [0, 1, 20]) {
        const tasks = ["laterThrow", ...Array.from({ length: 5 }, () => "slow")].map((name) => task(name, "0"))
        const outcomes = yield* execute(batch(ledgerOf(delayMs), tasks))
        expect(outcomes.map(said)).toEqual(["returned", ...Array.from({ length: 5 }, () => delayMs)])
      }
    }).pipe(Effect.provide(pool(1)))
  )

  it.live("a stray rejection, a late process.exit and a late loop cost no task", () =>
    Effect.gen(function* () {
      for (const agent of ["laterReject", "laterExit", "laterLoop"]) {
        const outcomes = yield* execute(
          batch(
            ledgerOf(1),
            [agent, "slow", "square"].map((name) => task(name, "0"))
          )
        )
        expect(outcomes.map(said)).toEqual(["returned", 1, 1])
      }
    }).pipe(Effect.provide(pool(1)))
  )
})
