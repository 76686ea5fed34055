/**
 * All metrics of the process, as Prometheus reads them.
 *
 * Boundary: asks the core for what is a state.
 */
import * as Effect from "effect/Effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { Core } from "./core.ts"
import { noteStates } from "./metrics.ts"

/** All metrics, as text. */
export const exposition: Effect.Effect<string, never, Core> = Effect.gen(function* () {
  const core = yield* Core
  const states: Array<string> = []
  for (const { job } of core.directory.known) states.push((yield* job.status).state)
  noteStates(core.streams.count, states)
  return yield* PrometheusMetrics.format()
})
