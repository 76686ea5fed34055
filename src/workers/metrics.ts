/**
 * The metrics of the pool (docs/events.md lists them).
 *
 * Tasks are counted as their outcomes come in. States, unlike events, are sampled at intervals (pool.ts). Metrics go
 * through Effect's Metric and are read by whatever exporter the embedder has. Boundary: names, units and attributes; no
 * decision depends on them.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { monitorEventLoopDelay } from "node:perf_hooks"
import type { RetireReason } from "../../machines/worker.machine.ts"
import type { PoolStats } from "./stats.ts"

/** Boundaries from 10 us to 100 s, three to a decade. */
const boundaries = Array.from({ length: 22 }, (_, i) => Number((0.01 * 10 ** (i / 3)).toPrecision(2)))

const waiting = Metric.gauge("converge_pool_tasks_waiting", { description: "CPU tasks that wait for a worker" })
const running = Metric.gauge("converge_pool_tasks_running", { description: "Workers that run CPU tasks" })
const claimed = Metric.counter("converge_pool_tasks_claimed_total", { description: "CPU tasks that a worker ran" })
const threads = Metric.gauge("converge_pool_threads", { description: "Worker threads, by state" })
const utilization = Metric.gauge("converge_pool_worker_utilization", {
  description: "Part of the time that a worker spent on tasks since the last sample, from 0 to 1"
})
const cpu = Metric.gauge("converge_pool_worker_cpu_ms", { description: "CPU milliseconds of a worker's tasks" })
const taskWait = Metric.histogram("converge_pool_task_wait_ms", {
  description: "Milliseconds from a batch's arrival to a task's start",
  boundaries
})
const taskRun = Metric.histogram("converge_pool_task_run_ms", {
  description: "Milliseconds that a task took on its worker",
  boundaries
})
const kills = Metric.counter("converge_pool_kills_total", { description: "Threads that the pool ended, by reason" })
const crashes = Metric.counter("converge_pool_crashes_total", { description: "Threads that a task ended" })
const respawns = Metric.gauge("converge_pool_respawns", { description: "Threads started in place of lost ones" })
const replicaBytes = Metric.gauge("converge_pool_replica_bytes", {
  description: "Length of the texts that the workers were sent for the replicas they hold"
})
const quarantined = Metric.gauge("converge_pool_quarantined_agents", { description: "Agents in quarantine" })
const loopDelay = Metric.gauge("converge_event_loop_delay_ms", {
  description: "99th percentile, since the last sample, of the main thread's event-loop delay"
})

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

  /** The state as Effect's histograms have it, with cumulative buckets. */
  readonly state = () => {
    let below = 0
    const buckets = boundaries.map((boundary, index): [number, number] => [boundary, (below += this.#counts[index]!)])
    return { buckets, count: this.#count, min: this.#min, max: this.#max, sum: this.#sum }
  }
}

const states = ["spawning", "loading", "ready", "busy", "retiring"]

/** Tuning: milliseconds between two measurements of the event loop's delay. Shorter delays are not seen. */
const resolutionMs = 10

export class PoolMetrics {
  readonly #services: Context.Context<never>
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>
  readonly #busyMs = new Map<number, number>()
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
    this.#taskWait.observe(waitMs)
    this.#taskRun.observe(runMs)
  }

  noteKill(reason: RetireReason): void {
    Metric.withAttributes(kills, { reason }).updateUnsafe(1, this.#services)
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
    respawns.updateUnsafe(respawned, services)
    quarantined.updateUnsafe(stats.quarantined, services)
    let bytes = 0
    for (const { busyMs, cpuMs, replicaBytes, worker } of stats.workers) {
      bytes += replicaBytes
      const before = this.#busyMs.get(worker) ?? 0
      // A new thread of an old number begins at 0.
      const share = Math.min(1, (busyMs >= before ? busyMs - before : busyMs) / intervalMs)
      this.#busyMs.set(worker, busyMs)
      const by = { worker: String(worker) }
      Metric.withAttributes(utilization, by).updateUnsafe(share, services)
      Metric.withAttributes(cpu, by).updateUnsafe(cpuMs, services)
    }
    replicaBytes.updateUnsafe(bytes, services)
    for (const state of states) {
      const count = stats.workers.filter((worker) => worker.state === state).length
      Metric.withAttributes(threads, { state }).updateUnsafe(count, services)
    }
    loopDelay.updateUnsafe(Math.max(0, this.#delay.percentile(99) / 1e6 - resolutionMs), services)
    this.#delay.reset()
  }

  close(): void {
    this.#delay.disable()
  }
}
