/** A pool as an operator sees it: metrics, one line at the start, a warning for what repeats. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import { lookUntil } from "../support/until.ts"
import { batch, execute, ledgerOf, pool, task } from "../support/workers/harness.ts"

/** Metrics of its own for each test. */
const alone = Effect.provideServiceEffect(
  Metric.MetricRegistry,
  Effect.sync(() => new Map())
)

interface Seen {
  readonly value: number | undefined
  readonly count: number | undefined
}

const seen: Effect.Effect<ReadonlyMap<string, Seen>> = Effect.map(
  Metric.snapshot,
  (snapshots) =>
    new Map(
      snapshots.map(({ attributes, id, state }): [string, Seen] => {
        const named = Object.entries(attributes ?? {}).filter(([name]) => name !== "unit")
        const by = named.map(([name, value]) => `${name}=${value}`)
        const value = "value" in state ? Number(state.value) : "count" in state ? Number(state.count) : undefined
        return [[id, ...by].join(" "), { value, count: "count" in state ? Number(state.count) : undefined }]
      })
    )
)

describe("the pool's metrics", () => {
  it.live("tell of tasks, threads, what they hold, what it cost and what went wrong", () =>
    Effect.gen(function* () {
      yield* execute(
        batch(
          ledgerOf(15, 0),
          ["square", "slow", "slow", "square"].map((agent) => task(agent, "0"))
        )
      )
      yield* execute(batch(ledgerOf(3), [task("loop", "0"), task("exit", "0")], { jobId: "other" }))
      yield* execute(batch(ledgerOf(3), [task("square", "0")], { jobId: "last" }))
      // States are sampled once in a second.
      const all = yield* lookUntil(
        seen,
        (now) =>
          now.get("converge_pool_tasks_running")?.value === 0 &&
          Number(now.get("converge_pool_threads state=ready")?.value) > 0 &&
          Number(now.get("converge_pool_replica_bytes")?.value) > 0
      )
      const value = (name: string) => all.get(name)?.value
      expect(all.get("converge_pool_task_wait_seconds")?.count).toBe(5)
      expect(all.get("converge_pool_task_run_seconds")?.count).toBe(5)
      expect(value("converge_pool_tasks_claimed_total")).toBe(5)
      expect(value("converge_pool_tasks_waiting")).toBe(0)
      expect(value("converge_pool_tasks_running")).toBe(0)
      expect(value("converge_pool_kills_total reason=timeout")).toBe(1)
      expect(value("converge_pool_crashes_total")).toBe(1)
      expect(value("converge_pool_respawns_total")).toBeGreaterThanOrEqual(1)
      expect(value("converge_pool_threads state=ready")).toBeGreaterThanOrEqual(1)
      expect(value("converge_pool_replica_bytes")).toBeGreaterThan(0)
      expect(value("converge_pool_quarantined_agents")).toBe(0)
      expect(value("converge_event_loop_delay_seconds")).toBeGreaterThanOrEqual(0)
      expect(value("converge_pool_threads_abandoned")).toBe(0)
      const workers = [...all.keys()].filter((name) => name.startsWith("converge_pool_worker_utilization"))
      expect(workers.length).toBeGreaterThanOrEqual(1)
      for (const name of workers) expect(value(name)).toBeLessThanOrEqual(1)
      expect([...all.keys()].some((name) => name.startsWith("converge_pool_worker_cpu_seconds_total"))).toBe(true)
    }).pipe(Effect.provide(pool(2)), alone)
  )
})

describe("the pool's log", () => {
  it.live("begins with its size and profile, and names an agent that it quarantines", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel}: ${String(message)}`))
    return Effect.gen(function* () {
      yield* execute(
        batch(
          ledgerOf(3),
          ["0", "0"].map((id) => task("crash", id))
        )
      ).pipe(Effect.provide(pool(1, { profile: "memory", quarantine: { crashes: 2 } })))
      expect(lines[0]).toMatch(/^Debug: worker pool: up to 1 threads, profile memory/)
      expect(lines.filter((line) => line.includes('Warn: agent "crash" is quarantined'))).toHaveLength(1)
    }).pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "Debug"))
  })
})
