/** How the pool looks after its threads: when it starts them, lets them rest, replaces them, and trusts an agent no more. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { WorkerPool } from "../../src/index.ts"
import { type CauseFor } from "../../src/workers/batchRun.ts"
import { resolve } from "../../src/workers/options.ts"
import { Quarantines } from "../../src/workers/quarantine.ts"
import { starvation } from "../../src/workers/scheduler.ts"
import {
  batch,
  causeOf,
  compiled,
  execute,
  ledgerOf,
  newLedger,
  pool,
  put,
  said,
  task
} from "../support/workers/harness.ts"
import { lookUntil } from "../support/until.ts"
import { Item } from "../support/workers/programs.ts"
import { slowStart } from "../support/workers/slowStart.ts"

const stats = WorkerPool.WorkerPool.use((it) => it.stats)

const until = (isWanted: (now: WorkerPool.PoolStats) => boolean) => lookUntil(stats, isWanted)

const states = ({ workers }: WorkerPool.PoolStats) => workers.map(({ state }) => state)

describe("threads", () => {
  it.live("are not started before there is something to do, and then as many as are needed", () =>
    Effect.gen(function* () {
      expect(states(yield* stats)).toEqual([])
      yield* execute(batch(ledgerOf(3), [task("square", "0")]))
      expect(states(yield* stats)).toEqual(["ready"])
      yield* execute(
        batch(
          ledgerOf(20),
          ["0", "0", "0"].map((id) => task("slow", id))
        )
      )
      expect((yield* stats).workers.length).toBeGreaterThan(1)
    }).pipe(Effect.provide(pool(3)))
  )

  it.live("beyond the least number are ended when they have been idle for long enough", () =>
    Effect.gen(function* () {
      yield* execute(
        batch(
          ledgerOf(20),
          ["0", "0", "0", "0"].map((id) => task("slow", id))
        )
      )
      expect((yield* stats).workers.length).toBeGreaterThan(1)
      yield* until((now) => states(now).join() === "ready")
      yield* Effect.sleep(150)
      expect(states(yield* stats)).toEqual(["ready"])
      expect((yield* execute(batch(ledgerOf(3), [task("square", "0")]))).map(said)).toEqual([9])
    }).pipe(Effect.provide(pool(3, { minSize: 1, idleTimeout: 50 })))
  )

  it.live("are started for a job although another one's program is still loading", () =>
    Effect.gen(function* () {
      const program = compiled(slowStart)
      let isSlowDone = false
      const slow = yield* Effect.forkChild(
        Effect.tap(
          execute(
            batch(newLedger(undefined, program), [task("none", undefined, 0, program)], { program, jobId: "slow" })
          ),
          () => Effect.sync(() => (isSlowDone = true))
        )
      )
      yield* until((now) => states(now).includes("loading"))
      expect((yield* execute(batch(ledgerOf(3), [task("square", "0")]))).map(said)).toEqual([9])
      expect(isSlowDone).toBe(false)
      expect((yield* Fiber.join(slow)).map(said)).toEqual([undefined])
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("up to the least number are there from the beginning", () =>
    Effect.gen(function* () {
      yield* until((now) => states(now).filter((state) => state === "ready").length === 2)
    }).pipe(Effect.provide(pool(3, { minSize: 2 })))
  )

  it.live("that keep what their agents leave behind are replaced when they are idle, and others are not", () =>
    Effect.gen(function* () {
      const thread = Effect.map(execute(batch(ledgerOf(0), [task("thread", "0")])), ([outcome]) => said(outcome!))
      const first = yield* thread
      yield* execute(batch(ledgerOf(4), [task("leak", "0")]))
      expect(yield* thread).toBe(first)
      // A look at the memory is due once in a second.
      yield* Effect.sleep(1_050)
      expect((yield* execute(batch(ledgerOf(60), [task("leak", "0")]))).map(said)).toEqual(["leaked"])
      yield* until(({ workers }) => workers.length === 0)
      expect(yield* thread).not.toBe(first)
    }).pipe(Effect.provide(pool(1, { recycleGrowthMb: 32 })))
  )

  it.live("are replaced for what their very first task left behind, too", () =>
    Effect.gen(function* () {
      yield* execute(batch(ledgerOf(60), [task("leak", "0")]))
      // It looks at its memory at once, or when it next has something to do and a second has gone by.
      yield* Effect.sleep(1_050)
      if ((yield* stats).workers.length > 0) yield* execute(batch(ledgerOf(0), [task("thread", "0")]))
      yield* until(({ workers }) => workers.length === 0)
    }).pipe(Effect.provide(pool(1, { recycleGrowthMb: 32 })))
  )

  it.live("are not replaced for the size of their replicas", () =>
    Effect.gen(function* () {
      const ledger = newLedger()
      for (let i = 0; i < 20_000; i++)
        put(ledger, Item, { id: `an item with a long name, the number of which is ${i}`, size: i })
      const id = "an item with a long name, the number of which is 0"
      const thread = Effect.map(execute(batch(ledger, [task("thread", id)])), ([outcome]) => said(outcome!))
      const first = yield* thread
      yield* Effect.sleep(1_050)
      expect([yield* thread, yield* thread]).toEqual([first, first])
      const [worker] = (yield* stats).workers
      expect(worker).toMatchObject({ replicas: 1 })
      expect(worker!.replicaBytes).toBeGreaterThan(1_000_000)
    }).pipe(Effect.provide(pool(1, { recycleGrowthMb: 2 })))
  )

  it.live("that run an unclaimed task's neighbour may end it within the grace of a cancel", () =>
    Effect.gen(function* () {
      const thread = Effect.map(execute(batch(ledgerOf(0), [task("thread", "0")])), ([outcome]) => said(outcome!))
      const first = yield* thread
      const running = yield* Effect.forkChild(
        execute(
          batch(
            ledgerOf(60),
            ["0", "0", "0", "0"].map((id) => task("slow", id)),
            { jobId: "cancelled" }
          )
        )
      )
      yield* until((now) => now.running === 1)
      const began = performance.now()
      yield* Fiber.interrupt(running)
      // The one that ran was waited for, the three others were not begun.
      expect(performance.now() - began).toBeLessThan(160)
      expect(yield* thread).toBe(first)
      const endless = yield* Effect.forkChild(execute(batch(ledgerOf(5_000), [task("slow", "0")], { jobId: "slow" })))
      yield* until((now) => now.running === 1)
      yield* Fiber.interrupt(endless)
      expect(yield* thread).not.toBe(first)
    }).pipe(Effect.provide(pool(1, { cancelGrace: 300 })))
  )

  it.live("have one grace, also if their job is cancelled while its budget's grace runs", () =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(
        execute(batch(ledgerOf(5_000), [task("quick", "0")], { cpuBudgetMs: 50, jobId: "spent" }))
      )
      yield* until((now) => now.running === 1)
      yield* Effect.sleep(350)
      const began = performance.now()
      yield* Fiber.interrupt(running)
      expect(performance.now() - began).toBeLessThan(900)
      yield* until((now) => now.running === 0)
      expect(performance.now() - began).toBeLessThan(900)
    }).pipe(Effect.provide(pool(1, { cancelGrace: 1_000 })))
  )

  it.live("run as deep as their stack allows", () =>
    Effect.gen(function* () {
      const depth = (stackSizeMb: number) =>
        execute(batch(ledgerOf(0), [task("depth", "0")])).pipe(
          Effect.map(([outcome]) => said(outcome!) as number),
          Effect.provide(pool(1, { stackSizeMb }))
        )
      expect(yield* depth(32)).toBeGreaterThan(3 * (yield* depth(4)))
    })
  )
})

describe("what the pool counts", () => {
  it.live("is nothing again after every way to end: effect, timeout, crash, cancel, exhausted budget", () =>
    Effect.gen(function* () {
      const ends = [
        execute(batch(ledgerOf(3), [task("square", "0"), task("square", "0")])),
        execute(batch(ledgerOf(3), [task("loop", "0"), task("square", "0")])),
        execute(batch(ledgerOf(3), [task("exit", "0"), task("square", "0")])),
        Effect.timeoutOption(
          execute(batch(ledgerOf(0), [task("loop", "0"), task("loop", "0"), task("loop", "0")])),
          60
        ),
        Effect.exit(
          execute(
            batch(
              ledgerOf(30),
              ["0", "0", "0", "0"].map((id) => task("quick", id)),
              { cpuBudgetMs: 20 }
            )
          )
        ),
        execute(batch(ledgerOf(3), [task("laterThrow", "0"), task("square", "0")]))
      ]
      for (const end of ends) {
        yield* end
        expect(yield* stats).toMatchObject({ batches: 0, waiting: 0, quarantined: 0 })
        yield* until(({ running }) => running === 0)
      }
    }).pipe(Effect.provide(pool(2)))
  )

  it("as starving is what waits although a thread is free, and only after a while", () => {
    const waiting = { arrivedAt: 1_000, waiting: 3, working: 0, preparing: 0 }
    expect(starvation([waiting], 1, 2_500)).toEqual({ waiting: 3, idle: 1, waitedMs: 1_500 })
    expect(starvation([waiting], 0, 2_500)).toBeUndefined()
    expect(starvation([waiting], 1, 1_500)).toBeUndefined()
    expect(starvation([{ ...waiting, working: 1 }], 1, 9_000)).toBeUndefined()
    expect(starvation([{ ...waiting, preparing: 1 }], 1, 9_000)).toBeUndefined()
    expect(starvation([{ ...waiting, waiting: 0 }], 1, 9_000)).toBeUndefined()
  })
})

describe("an agent that crashes again and again", () => {
  const crashes = (count: number, size = 3) =>
    execute(
      batch(
        ledgerOf(size, 0),
        Array.from({ length: count }, () => task("crash", "0"))
      )
    )
  const quick = { quarantine: { crashes: 3, cooldown: 300 } }

  it.live("is quarantined: its tasks fail at once, as the last one did, and no thread is lost for them", () =>
    Effect.gen(function* () {
      const causes = (yield* crashes(40)).map(causeOf)
      expect(new Set(causes.map((cause) => JSON.stringify(cause)))).toEqual(
        new Set([JSON.stringify({ _tag: "WorkerCrashed", agent: "crash", cycle: 1, exitCode: 3 })])
      )
      expect((yield* stats).quarantined).toBe(1)
      const began = performance.now()
      expect((yield* crashes(20)).map(said)).toEqual(Array.from({ length: 20 }, () => "WorkerCrashed"))
      expect(performance.now() - began).toBeLessThan(100)
      // Others are not meant.
      expect((yield* execute(batch(ledgerOf(3), [task("square", "0")]))).map(said)).toEqual([9])
    }).pipe(Effect.provide(pool(1, quick)))
  )

  it.live("is tried again after a while: once, and for good when that goes well", () =>
    Effect.gen(function* () {
      yield* crashes(5)
      yield* Effect.sleep(350)
      // The probe crashes.
      yield* crashes(5)
      expect((yield* stats).quarantined).toBe(1)
      const tasks = ["1", "1", "1"].map((id) => task("crash", id))
      expect((yield* execute(batch(ledgerOf(3, 0), tasks))).map(said)).toEqual(tasks.map(() => "WorkerCrashed"))
      yield* Effect.sleep(350)
      // Now it does not: the one that was let through is well, the others of its batch came too early.
      expect((yield* execute(batch(ledgerOf(3, 0), tasks))).map(said)).toEqual([
        "alive",
        "WorkerCrashed",
        "WorkerCrashed"
      ])
      expect((yield* stats).quarantined).toBe(0)
      expect((yield* execute(batch(ledgerOf(3, 0), tasks))).map(said)).toEqual(["alive", "alive", "alive"])
    }).pipe(Effect.provide(pool(1, quick)))
  )

  it.live("keeps the probe of one batch when another one ends whose own has long ended", () =>
    Effect.gen(function* () {
      const crash = (size: number, jobId: string, ...more: ReadonlyArray<number>) =>
        execute(
          batch(
            ledgerOf(size, ...more),
            [task("crash", "0"), ...more.map((_, index) => task("slow", String(index + 1)))],
            {
              jobId
            }
          )
        ).pipe(Effect.map((outcomes) => outcomes.map(said)))
      yield* crash(3, "first")
      yield* Effect.sleep(250)
      // Its probe crashes at once; the rest of it takes a while.
      const long = yield* Effect.forkChild(crash(3, "long", 4_000))
      yield* Effect.sleep(2_500)
      const probe = yield* Effect.forkChild(crash(-3_500, "probe"))
      expect(yield* Fiber.join(long)).toEqual(["WorkerCrashed", 4_000])
      expect(yield* crash(0, "early")).toEqual(["WorkerCrashed"])
      expect(yield* Fiber.join(probe)).toEqual(["alive"])
      expect((yield* stats).quarantined).toBe(0)
    }).pipe(Effect.provide(pool(2, { quarantine: { crashes: 1, cooldown: 200 } })))
  )

  it.live("but gives effects in between, is not", () =>
    Effect.gen(function* () {
      const tasks = Array.from({ length: 16 }, (_, index) => task("crash", String(index % 2)))
      const expected = tasks.map((_, index) => (index % 2 === 0 ? "WorkerCrashed" : "alive"))
      expect((yield* execute(batch(ledgerOf(3, 0), tasks))).map(said)).toEqual(expected)
      expect((yield* stats).quarantined).toBe(0)
    }).pipe(Effect.provide(pool(1, { ...quick, batchSize: 1 })))
  )

  it.live("is never quarantined where that is switched off", () =>
    Effect.gen(function* () {
      yield* crashes(8)
      expect((yield* stats).quarantined).toBe(0)
    }).pipe(Effect.provide(pool(2, { quarantine: false })))
  )

  describe("by the rules", () => {
    const cause: CauseFor = (agent, cycle) => ({ _tag: "WorkerCrashed", agent, cycle, exitCode: 1 })
    const { quarantine } = resolve({ quarantine: { crashes: 2, window: 100, cooldown: 50 } }, "cpu", 1)
    const [a, b] = [task("square", "0").agent, task("slow", "0").agent]
    const make = () => new Quarantines(quarantine)

    it("counts crashes within a window, and forgets them when a task survives", () => {
      const it_ = make()
      expect([it_.crashed(a, cause, 0), it_.crashed(a, cause, 200)]).toEqual([false, false])
      it_.survived(a)
      expect([it_.crashed(a, cause, 210), it_.crashed(a, cause, 220)]).toEqual([false, true])
      expect(it_.crashed(b, cause, 220)).toBe(false)
      expect(it_.count).toBe(1)
    })

    it("lets one probe through at a time, and another if the first was given up", () => {
      const it_ = make()
      it_.crashed(a, cause, 0)
      it_.crashed(a, cause, 1)
      const tags = (...times: ReadonlyArray<number>) => times.map((time) => it_.admit(a, time)._tag)
      expect(tags(10, 60, 61)).toEqual(["Refuse", "Probe", "Refuse"])
      it_.abandon(a)
      expect(tags(62, 63)).toEqual(["Probe", "Refuse"])
      expect(it_.crashed(a, cause, 64)).toBe(false)
      expect(tags(100, 115)).toEqual(["Refuse", "Probe"])
      expect([it_.survived(a), it_.isEmpty, ...tags(116)]).toEqual([true, true, "Run"])
    })

    it("is not moved by what was running when the quarantine began", () => {
      const it_ = make()
      it_.crashed(a, cause, 0)
      it_.crashed(a, cause, 1)
      expect([it_.survived(a), it_.admit(a, 2)._tag]).toEqual([false, "Refuse"])
    })
  })
})
