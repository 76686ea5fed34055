/**
 * Samples the gauges of the server for all exporters, and writes all metrics of the process in the format of Prometheus.
 *
 * The server's gauges are sampled once a second for exporters that push, and once more for each scrape. Boundary: asks the core.
 */
import * as Effect from "effect/Effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import type * as Scope from "effect/Scope"
import * as Schedule from "effect/Schedule"
import { Limits } from "../Limits.ts"
import { Core, type SharedCore } from "./core.ts"
import { noteDamaged, noteStates } from "./metrics.ts"
import { ProcessMetrics } from "./processMetrics.ts"

const states = ({ damaged, directory, room, streams }: SharedCore): Effect.Effect<void> =>
  Effect.gen(function* () {
    const found = yield* Effect.forEach(directory.known, ({ job }) => Effect.map(job.status, ({ state }) => state))
    noteStates(streams.count, room.bytes, found)
    noteDamaged(yield* damaged.count)
  })

/** Samples the gauges for as long as the scope is open. */
export const sampling: Effect.Effect<void, never, Core | Scope.Scope> = Effect.gen(function* () {
  const core = yield* Core
  const ofProcess = yield* ProcessMetrics.open
  const sample = Effect.andThen(states(core), ofProcess.sample)
  const loop = Effect.repeat(sample, Schedule.spaced(Limits.houseKeepingMs))
  yield* Effect.forkScoped(Effect.withTracerEnabled(loop, false))
})

/** All metrics as text, with the server's gauges sampled now. */
export const exposition: Effect.Effect<string, never, Core> = Effect.gen(function* () {
  yield* states(yield* Core)
  return yield* PrometheusMetrics.format()
})
