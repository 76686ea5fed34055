/** A pool that adds up the time in which it had CPU tasks: from each call of `execute` to its outcomes. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Source from "../../../src/index.ts"
import { WorkerPool } from "../converge.ts"

export interface Stopwatch {
  /** Milliseconds since it was last set to 0. */
  ms: number
}

export const timedPool = (
  pool: Layer.Layer<Source.WorkerPool.WorkerPool>,
  watch: Stopwatch
): Layer.Layer<Source.WorkerPool.WorkerPool> =>
  Layer.effect(WorkerPool.WorkerPool)(
    Effect.map(WorkerPool.WorkerPool, (inner) => ({
      ...inner,
      execute: (batch) =>
        Effect.suspend(() => {
          const began = performance.now()
          return Effect.onExit(inner.execute(batch), () => Effect.sync(() => (watch.ms += performance.now() - began)))
        })
    }))
  ).pipe(Layer.provide(pool))
