/**
 * Metrics of the process of a server: memory, CPU, the event loop, and the build.
 *
 * Boundary: the file that asks Node about the process; names and units.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { monitorEventLoopDelay } from "node:perf_hooks"
import process from "node:process"
import { counter, gauge, tagged } from "../platform/metrics.ts"
import { packageVersion } from "../platform/packageVersion.ts"

const resident = gauge("converge_process_resident_memory_bytes", "Memory of the process, of all its threads", "By")
const heapUsed = gauge("converge_process_heap_used_bytes", "Memory in use on the heap of the main thread", "By")
const heapLimit = gauge("converge_process_heap_total_bytes", "Memory of the heap of the main thread", "By")
const cpu = counter("converge_process_cpu_seconds_total", "CPU time of the process, of all its threads", "s")
// The pool has the same metric. If there are threads, both record the same event loop.
const loopDelay = gauge(
  "converge_event_loop_delay_seconds",
  "99th percentile, since the last sample, of the main thread's event-loop delay",
  "s"
)
const build = gauge("converge_build_info", "1, for the version of this package and of Node")

const empty = Context.empty()

/** Tuning: milliseconds between two measurements of the event loop's delay. Shorter delays are not seen. */
const resolutionMs = 10

export class ProcessMetrics {
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs })
  #cpuSeconds = 0

  /** Measures for as long as the scope is open. */
  static readonly open: Effect.Effect<ProcessMetrics, never, Scope.Scope> = Effect.gen(function* () {
    const version = packageVersion
    tagged(build, { version, node: process.versions.node }).updateUnsafe(1, empty)
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        const metrics = new ProcessMetrics()
        metrics.#delay.enable()
        return metrics
      }),
      (metrics) => Effect.sync(() => metrics.#delay.disable())
    )
  })

  get sample(): Effect.Effect<void> {
    return Effect.sync(() => {
      const { heapTotal, heapUsed: used, rss } = process.memoryUsage()
      resident.updateUnsafe(rss, empty)
      heapUsed.updateUnsafe(used, empty)
      heapLimit.updateUnsafe(heapTotal, empty)
      const { system, user } = process.cpuUsage()
      const seconds = (system + user) / 1_000_000
      cpu.updateUnsafe(seconds - this.#cpuSeconds, empty)
      this.#cpuSeconds = seconds
      loopDelay.updateUnsafe(Math.max(0, this.#delay.percentile(99) / 1e6 - resolutionMs) / 1_000, empty)
      this.#delay.reset()
    })
  }
}
