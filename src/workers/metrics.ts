/**
 * The metrics of the pool (docs/events.md lists them).
 *
 * Tasks are counted when their outcomes arrive. States are sampled at intervals (pool.ts). Metrics go through Effect's Metric,
 * and the embedder's exporter reads them. Boundary: names, units and attributes; no decision depends on them.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { monitorEventLoopDelay } from "node:perf_hooks"
import type { RetireReason } from "../../machines/worker.machine.ts"
import { counter, gauge, histogram, tagged } from "../platform/metrics.ts"
import type { PoolStats } from "./stats.ts"

/** Boundaries in seconds, from 10 us to 100 s, three to a decade. */
const boundaries = Array.from({ length: 22 }, (_, i) => Number((0.000_01 * 10 ** (i / 3)).toPrecision(2)))

const waiting = gauge("converge_pool_tasks_waiting", "CPU tasks that wait for a worker")
const running = gauge("converge_pool_tasks_running", "Workers that run CPU tasks")
const claimed = counter("converge_pool_tasks_claimed_total", "CPU tasks that a worker ran")
const threads = gauge("converge_pool_threads", "Worker threads, by state")
const utilization = gauge(
  "converge_pool_worker_utilization",
  "Part of the time that a worker spent on tasks since the last sample, from 0 to 1"
)
const cpu = counter("converge_pool_worker_cpu_seconds_total", "CPU seconds of a worker's tasks", "s")
const taskWait = histogram(
  "converge_pool_task_wait_seconds",
  "Seconds from a batch's arrival to a task's start",
  boundaries
)
const taskRun = histogram("converge_pool_task_run_seconds", "Seconds that a task took on its worker", boundaries)
const kills = counter("converge_pool_kills_total", "Threads that the pool ended, by reason")
const crashes = counter("converge_pool_crashes_total", "Threads that a task ended")
const respawns = counter("converge_pool_respawns_total", "Threads started in place of lost ones")
const replicaBytes = gauge(
  "converge_pool_replica_bytes",
  "Length of the texts that the workers were sent for the replicas they hold",
  "By"
)
const quarantined = gauge("converge_pool_quarantined_agents", "Agents in quarantine")
const abandoned = gauge(
  "converge_pool_threads_abandoned",
  "Threads that were ended and do not end, because a native call holds them"
)
const loopDelay = gauge(
  "converge_event_loop_delay_seconds",
  "99th percentile, since the last sample, of the main thread's event-loop delay",
  "s"
)

/**
 * A histogram that is read on demand, because two metric updates for each task would cost as much as a small task. All pools
 * that report to one registry share the histogram of a name.
 */
class Histogram {
  static readonly #known = new WeakMap<object, Map<string, Histogram>>()
  readonly #counts = new Float64Array(boundaries.length + 1)
  #count = 0
  #sum = 0
  #min = Number.MAX_VALUE
  #max = -Number.MAX_VALUE

  /** The histogram of a metric in the registry of a context. */
  static of(metric: typeof taskWait, services: Context.Context<never>): Histogram {
    const registry = Context.get(services, Metric.MetricRegistry)
    let known = Histogram.#known.get(registry)
    if (known === undefined) Histogram.#known.set(registry, (known = new Map()))
    let histogram = known.get(metric.id)
    if (histogram === undefined) {
      known.set(metric.id, (histogram = new Histogram()))
      const { state } = histogram
      Metric.registerUnsafe(metric, services, { get: state, update: () => undefined, modify: () => undefined })
    }
    return histogram
  }

  observe(value: number): void {
    let bucket = 0
    while (bucket < boundaries.length && value > boundaries[bucket]!) bucket++
    this.#counts[bucket]! += 1
    this.#count++
    this.#sum += value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  /** Returns the state in the form of Effect's histograms, with cumulative buckets. */
  readonly state = () => {
    let below = 0
    const buckets = boundaries.map((boundary, index): [number, number] => [boundary, (below += this.#counts[index]!)])
    return { buckets, count: this.#count, min: this.#min, max: this.#max, sum: this.#sum }
  }
}

const states = ["spawning", "loading", "ready", "busy", "retiring"]

/** Tuning: milliseconds between two measurements of the event loop's delay. Shorter delays are not seen. */
const resolutionMs = 10

/** Returns the growth of a worker's milliseconds since the last sample. A new thread with an old number begins at 0. */
const sinceLast = (last: Map<number, number>, worker: number, ms: number): number => {
  const before = last.get(worker) ?? 0
  last.set(worker, ms)
  return ms >= before ? ms - before : ms
}

export class PoolMetrics {
  readonly #services: Context.Context<never>
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>
  readonly #busyMs = new Map<number, number>()
  readonly #cpuMs = new Map<number, number>()
  #respawned = 0
  readonly #taskWait: Histogram
  readonly #taskRun: Histogram
  #sampledAt: number

  constructor(services: Context.Context<never>, nowMs: number) {
    this.#services = services
    this.#sampledAt = nowMs
    this.#taskWait = Histogram.of(taskWait, services)
    this.#taskRun = Histogram.of(taskRun, services)
    this.#delay = monitorEventLoopDelay({ resolution: resolutionMs })
    this.#delay.enable()
  }

  noteClaimed(count: number): void {
    claimed.updateUnsafe(count, this.#services)
  }

  noteTask(waitMs: number, runMs: number): void {
    this.#taskWait.observe(waitMs / 1_000)
    this.#taskRun.observe(runMs / 1_000)
  }

  noteKill(reason: RetireReason): void {
    tagged(kills, { reason }).updateUnsafe(1, this.#services)
  }

  noteCrash(): void {
    crashes.updateUnsafe(1, this.#services)
  }

  sample(stats: PoolStats, respawned: number, nowMs: number): void {
    const services = this.#services
    const intervalMs = Math.max(nowMs - this.#sampledAt, 1)
    this.#sampledAt = nowMs
    waiting.updateUnsafe(stats.waiting, services)
    running.updateUnsafe(stats.running, services)
    respawns.updateUnsafe(respawned - this.#respawned, services)
    this.#respawned = respawned
    quarantined.updateUnsafe(stats.quarantined, services)
    abandoned.updateUnsafe(stats.abandoned, services)
    let bytes = 0
    for (const { busyMs, cpuMs, replicaBytes, worker } of stats.workers) {
      bytes += replicaBytes
      const share = Math.min(1, sinceLast(this.#busyMs, worker, busyMs) / intervalMs)
      const by = { worker: String(worker) }
      tagged(utilization, by).updateUnsafe(share, services)
      tagged(cpu, by).updateUnsafe(sinceLast(this.#cpuMs, worker, cpuMs) / 1_000, services)
    }
    replicaBytes.updateUnsafe(bytes, services)
    for (const state of states) {
      const count = stats.workers.filter((worker) => worker.state === state).length
      tagged(threads, { state }).updateUnsafe(count, services)
    }
    loopDelay.updateUnsafe(Math.max(0, this.#delay.percentile(99) / 1e6 - resolutionMs) / 1_000, services)
    this.#delay.reset()
  }

  close(): void {
    this.#delay.disable()
  }
}
