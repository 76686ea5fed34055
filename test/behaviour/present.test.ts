/** The tasks of a job at this moment: a viewer who comes late sees what runs, since when, and what waits and for what. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { engine, makeGate, Num, nums, presentOf, until, untilAtWork } from "../support/behaviour/harness.ts"
import { hostileProgram } from "../support/behaviour/hostile.ts"

describe("the tasks of a job at this moment", () => {
  it.effect("are those that run, the longest first, and those that wait, with what they wait for", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const slow = Agent.make("slow", {
        each: Num,
        writes: [],
        concurrency: 2,
        execute: () => Effect.as(gate.arrive, {})
      })
      const quick = Agent.make("quick", { each: Num, writes: [], execute: () => Effect.succeed({}) })
      const program = Program.make("slow", { input: Schema.Struct({}), seed: () => nums(1, 5), agents: [quick, slow] })
      const job = yield* Engine.start(program, {})
      yield* untilAtWork(job, 2)
      yield* TestClock.adjust("3 seconds")
      const now = yield* presentOf(job)
      const num = (n: number) => ({ kind: "Num", id: String(n) })
      expect(now).toEqual({
        cycle: 1,
        tasks: 10,
        running: [
          { agent: "slow", each: num(1), worker: 0, ms: 3_000, attempt: 1 },
          { agent: "slow", each: num(2), worker: 0, ms: 3_000, attempt: 1 }
        ],
        waiting: [3, 4, 5].map((n) => ({ agent: "slow", each: num(n), for: "concurrency", since: 0 })),
        waits: 3,
        // The clock of this test is at 0, which stands for a time that nobody recorded.
        began: undefined,
        // Five ended at once: they are counted, and too short to be named.
        ended: [],
        ends: 5,
        pool: { waiting: 0, busy: 0, size: 0 },
        since: 0,
        spentMs: expect.objectContaining({ idle: 0, executing: 3_000 }) as object
      })
      yield* gate.open
      yield* job.result
      expect(yield* presentOf(job)).toMatchObject({ cycle: 0, tasks: 0, running: [], waiting: [], waits: 0 })
    }).pipe(Effect.provide(engine()), Effect.orDie)
  )
})

describe("the time that a job has spent in each state", () => {
  it.effect("counts phases, pauses and the wait for a place, and stands still when the job has ended", () =>
    Effect.gen(function* () {
      const [first, second] = [makeGate(), makeGate()]
      const waits = (name: string, gate: ReturnType<typeof makeGate>) =>
        Program.make(name, {
          input: Schema.Struct({}),
          seed: () => nums(1, 2),
          agents: [Agent.make("wait", { each: Num, writes: [], execute: () => Effect.as(gate.arrive, {}) })]
        })
      const before = yield* Engine.start(waits("before", first), {})
      yield* first.arrived
      const job = yield* Engine.start(waits("after", second), {})
      yield* TestClock.adjust("2 seconds")
      expect(yield* presentOf(job)).toMatchObject({ since: 0, spentMs: { idle: 2_000 } })
      yield* first.open
      yield* before.result
      yield* second.arrived
      expect(yield* presentOf(job)).toMatchObject({ since: 2_000 })
      yield* TestClock.adjust("3 seconds")
      const pause = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* second.open
      yield* Fiber.join(pause)
      yield* TestClock.adjust("7 seconds")
      const rests = { since: 5_000, spentMs: { idle: 2_000, executing: 3_000, paused: 7_000 } }
      expect(yield* presentOf(job)).toMatchObject(rests)
      yield* job.resume
      yield* job.result
      yield* TestClock.adjust("60 seconds")
      const { since, spentMs } = yield* presentOf(job)
      expect(since).toBe(12_000)
      expect(Object.values(spentMs).reduce((sum, ms) => sum + ms, 0)).toBe(12_000)
      expect(spentMs).toMatchObject(rests.spentMs)
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })), Effect.orDie)
  )
})

describe("a worker that is stuck", () => {
  it.live("is named, with the task that holds it", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(hostileProgram, { deeds: ["loop"] })
      const stuck = Effect.map(presentOf(job), ({ running }) =>
        running.find(({ agent, ms }) => agent === "hostile" && ms > 0)
      )
      yield* until(
        Effect.map(stuck, (task) => task !== undefined),
        "a stuck worker",
        2_000_000
      )
      const task = yield* stuck
      expect(task).toMatchObject({ each: { kind: "Order", id: "loop" }, attempt: 1 })
      expect(task?.worker).toBeGreaterThan(0)
      yield* job.cancel
    }).pipe(
      Effect.provide(
        Engine.layer().pipe(Layer.provide(JobStore.layerMemory), Layer.provide(WorkerPool.layer({ size: 2 })))
      ),
      Effect.orDie
    )
  )
})
