/**
 * G13, job-scoped memory: when a job halts, however it does, everything that it held is released: fibers, timers, replicas,
 * resources, readers, its place and its id.
 */
import { describe, expect, it } from "@effect/vitest"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Agent, Engine, Invariant, Limits, Program } from "../../src/index.ts"
import type { CpuBatch } from "../../src/workers/WorkerPool.ts"
import { counter, engine, engineOver, eventsOf, noInput, num, Num, turns, until } from "../support/behaviour/harness.ts"
import { node } from "../support/node.ts"

/** A pool whose tasks never end, that keeps a replica of each job until it is told to forget it. */
const hoarder = () => {
  const seen = { running: 0, stopped: 0, releases: 0, replicas: new Set<string>() }
  const execute = (batch: CpuBatch) =>
    Effect.suspend(() => {
      seen.replicas.add(batch.jobId)
      seen.running++
      return Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          seen.running--
          seen.stopped++
        })
      )
    })
  const release = (jobId: string) =>
    Effect.sync(() => {
      seen.releases++
      seen.replicas.delete(jobId)
    })
  return { seen, pool: { execute, release } }
}

/** A journal that counts what is open. */
const journals = () => {
  const open = new Set<string>()
  const of = (change: (jobId: string) => unknown) => (jobId: string) => Effect.asVoid(Effect.sync(() => change(jobId)))
  return {
    open,
    store: {
      create: ({ jobId }: { readonly jobId: string }) => Effect.as(of((id) => open.add(id))(jobId), 1),
      append: of(() => 0),
      halt: of((id) => open.delete(id))
    }
  }
}

/** A job with a resource, a timer, a fiber that waits, a forked fiber, and a task on the pool. */
const greedy = () => {
  const seen = { acquired: 0, released: 0, sleeping: 0, woken: 0 }
  const program = Program.make("greedy", {
    module: import.meta.url,
    input: noInput,
    agents: [
      Agent.make("acquires", {
        execute: () =>
          Effect.as(
            Effect.acquireRelease(
              Effect.sync(() => seen.acquired++),
              () => Effect.sync(() => seen.released++)
            ),
            {}
          )
      }),
      Agent.make("sleeps", {
        timeout: "1 hour",
        execute: () =>
          Effect.gen(function* () {
            seen.sleeping++
            yield* Effect.forkScoped(Effect.onInterrupt(Effect.sleep("2 hours"), () => Effect.sync(() => seen.woken++)))
            yield* Effect.sleep("1 day")
            return {}
          })
      }),
      Agent.cpu("computes", { execute: () => ({}) })
    ],
    budget: { maxDuration: "1 day" },
    kinds: [Num],
    seed: () => [num(1)]
  })
  return { program, seen }
}

const resources = (): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1
  return {
    timers: counts["Timeout"] ?? 0,
    handles: Object.values(counts).reduce((a, b) => a + b, 0) - (counts["Timeout"] ?? 0) - (counts["Immediate"] ?? 0)
  }
}

const jobs = 1_000

describe(`${jobs} jobs that are cancelled`, () => {
  const queued = 100
  it.live("leave no fiber, timer, replica, resource, journal or reader behind", () => {
    const { pool, seen: threads } = hoarder()
    const { open, store } = journals()
    const { program, seen } = greedy()
    return Effect.gen(function* () {
      yield* turns(5)
      const before = resources()
      const handles = yield* Effect.forEach(Array.from({ length: jobs + queued }), () => Engine.start(program, {}))
      const readers = yield* Effect.forEach(handles, (job) =>
        Effect.forkChild(
          Effect.all(
            [
              Stream.runDrain(job.events),
              Stream.runDrain(job.telemetry),
              Effect.exit(job.result),
              Effect.exit(job.pause)
            ],
            {
              concurrency: "unbounded"
            }
          ),
          { startImmediately: true }
        )
      )
      yield* until(
        () => threads.running === jobs && seen.sleeping === jobs && seen.acquired === jobs,
        "all are under way"
      )
      expect(open.size).toBe(jobs + queued)
      expect(resources()["timers"]).toBeGreaterThan(before["timers"]! + jobs)
      const live = Effect.flatMap(Engine.Engine, (service) => service.live)
      expect(yield* live).toHaveLength(jobs + queued)

      // The queued ones first: a place that is free would be theirs.
      for (const some of [handles.slice(jobs), handles.slice(0, jobs)]) {
        yield* Effect.forEach(some, (job) => job.cancel, { concurrency: "unbounded", discard: true })
      }
      expect(yield* live).toEqual([])
      expect(threads).toMatchObject({ running: 0, stopped: jobs, releases: jobs + queued })
      expect(threads.replicas.size).toBe(0)
      expect(open.size).toBe(0)
      expect(seen).toEqual({ acquired: jobs, released: jobs, sleeping: jobs, woken: jobs })
      yield* Effect.forEach(readers, Fiber.join, { discard: true })
      yield* turns(5)
      // The test runner has timers of its own, which come and go.
      expect(resources()["timers"]).toBeLessThanOrEqual(before["timers"]! + 2)
      expect(resources()["handles"]).toBe(before["handles"])
      const again = yield* Engine.start(counter(1), {}, { id: handles[0]!.id })
      expect((yield* again.result).status).toBe("converged")
    }).pipe(Effect.provide(engineOver({ pool, store })))
  })
})

/** How a job ends that has a resource, and how its result says so. */
const ends: Readonly<
  Record<string, { readonly execute: Effect.Effect<object>; readonly budget?: object; readonly never?: string }>
> = {
  converged: { execute: Effect.succeed({}) },
  "failed by a panic": { execute: Effect.die(new Error("panic")) },
  "failed by an invariant": { execute: Effect.succeed({}), never: "never" },
  "exhausted its cycles": { execute: Effect.succeed({ facts: [num(2)] }), budget: { maxCycles: 1 } },
  "ran out of time": { execute: Effect.never, budget: { maxDuration: "20 millis" } }
}

for (const [what, { budget, execute, never }] of Object.entries(ends)) {
  it.live(`a job that ${what} has released what its agents acquired before its result is there`, () => {
    const seen: Array<string> = []
    const { open, store } = journals()
    const releases: Array<string> = []
    const pool = { release: (jobId: string) => Effect.sync(() => void releases.push(jobId)) }
    const program = Program.make("acquires", {
      input: noInput,
      agents: [
        Agent.make("acquires", {
          each: Num,
          writes: [Num],
          execute: () =>
            Effect.andThen(
              Effect.acquireRelease(
                Effect.sync(() => seen.push("acquired")),
                () => Effect.as(Effect.sleep("5 millis"), seen.push("released"))
              ),
              execute
            )
        })
      ],
      invariants: never === undefined ? [] : [Invariant.acceptance(never, () => never)],
      budget,
      seed: () => [num(1)]
    })
    return Effect.gen(function* () {
      const job = yield* Engine.start(program, {}, { id: "x" })
      yield* Effect.exit(job.result)
      expect(seen).toEqual(["acquired", "released"])
      expect(releases).toEqual(["x"])
      expect(open.size).toBe(0)
      expect(yield* Effect.flatMap(Engine.Engine, ({ live }) => live)).toEqual([])
    }).pipe(Effect.provide(engineOver({ pool, store })))
  })
}

describe("a halted job", () => {
  it.effect("can still be read, and holds no reader", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(counter(3), {})
      yield* job.result
      expect(yield* Stream.runCollect(job.telemetry)).toEqual([])
      const events = yield* eventsOf(job)
      expect(events.at(-1)?._tag).toBe("JobHalted")
      expect(yield* eventsOf(job)).toEqual(events)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("frees its place for one that waits, many times over", () =>
    Effect.gen(function* () {
      const started = yield* Effect.forEach(Array.from({ length: 300 }), () => Engine.start(counter(2), {}))
      const results = yield* Effect.forEach(started, (job) => job.result)
      expect(new Set(results.map(({ hash }) => hash)).size).toBe(1)
      expect(yield* Effect.flatMap(Engine.Engine, ({ live }) => live)).toEqual([])
    }).pipe(Effect.provide(engine({ maxRunningJobs: 2, maxQueuedJobs: Limits.queuedJobs })))
  )

  it("is found by the garbage collector, when only its result is held", async () => {
    const script = fileURLToPath(new URL("../support/behaviour/letsGo.ts", import.meta.url))
    const { code, stderr, stdout } = await node(["--expose-gc", "--no-warnings", script])
    expect(stderr).toBe("")
    expect(code).toBe(0)
    // The log comes before it, on the same stream.
    expect(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")).toEqual({
      held: 2,
      seen: ["converged", "exhausted", "cancelled", "interrupted"],
      alive: []
    })
  })
})
