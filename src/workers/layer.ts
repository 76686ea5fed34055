/**
 * Builds `WorkerPool.layer`: the pool of threads, from the options, the configuration and the machine.
 *
 * Boundary: composition. It loads when the layer is built, and with it everything that owns threads.
 */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { WorkerPlatform } from "effect/workers/Worker"
import { availableParallelism } from "node:os"
import { monotonicMs } from "../platform/monotonicMs.ts"
import { unrefClock } from "../platform/unrefClock.ts"
import { Limits } from "../Limits.ts"
import { CostModel } from "./costModel.ts"
import { inline } from "./inline.ts"
import { PoolMetrics } from "./metrics.ts"
import { check, type Options, profileOf, type Resolved, resolve } from "./options.ts"
import { Placement } from "./placement.ts"
import { Pool } from "./pool.ts"
import { watchPool } from "./watching.ts"
import { WorkerPool } from "./WorkerPool.ts"

const profileVariable = "CONVERGE_PROFILE"

const profileConfig = Config.String(profileVariable).pipe(Config.withDefault("cpu"))

/** Does a pool's housekeeping at intervals, without keeping the process alive. */
const keepHouse = (pool: Pool, clock: Clock.Clock, options: Resolved): Effect.Effect<never> => {
  const intervalMs = Math.max(Limits.houseKeepingLeastMs, Math.min(Limits.houseKeepingMs, options.idleTimeoutMs))
  let isStarving = false
  const look = Effect.suspend(() => {
    const starving = pool.keepHouse()
    const isNews = starving !== undefined && !isStarving
    isStarving = starving !== undefined
    return isNews ? Effect.logWarning("CPU tasks starve: they wait although workers are free", starving) : Effect.void
  })
  return Effect.provideService(
    Effect.forever(Effect.andThen(Effect.sleep(Duration.millis(intervalMs)), look)),
    Clock.Clock,
    unrefClock(clock)
  )
}

/** A pool of threads that lives in the scope. `resolved.size` is at least 1. */
const makePool = (resolved: Resolved): Effect.Effect<WorkerPool["Service"], never, Scope.Scope | WorkerPlatform> =>
  Effect.gen(function* () {
    // It is made first, so it ends after the workers.
    const inspect = yield* watchPool
    const options = inspect === undefined ? resolved : { ...resolved, inspect }
    const fork = yield* FiberSet.makeRuntime<WorkerPlatform, void, never>()
    const clock = yield* Clock.Clock
    const costs = new CostModel(options.size)
    const metrics = new PoolMetrics(yield* Effect.context<never>(), monotonicMs(clock))
    const pool = new Pool(options, fork, clock, costs, metrics)
    const placement = new Placement(costs, pool.execute, pool.lacking)
    yield* Effect.addFinalizer(() => pool.close)
    yield* Effect.forkScoped(keepHouse(pool, clock, options))
    const { heapLimitMb, minSize, profile, size } = options
    yield* Effect.logDebug(`worker pool: up to ${size} threads, profile ${profile}`, { minSize, heapLimitMb })
    if (minSize > 0) pool.warm()
    return WorkerPool.of({
      size,
      execute: placement.execute,
      release: pool.release,
      stats: Effect.sync(() => pool.stats)
    })
  })

/** The implementation of `layer` in index.ts. */
export const layer = (options: Options): Layer.Layer<WorkerPool> =>
  Layer.effect(WorkerPool)(
    Effect.gen(function* () {
      yield* Effect.sync(() => check(options))
      const configured = options.profile ?? (yield* Effect.orDie(profileConfig))
      const resolved = yield* Effect.sync(() =>
        resolve(options, options.profile ?? profileOf(profileVariable, configured), availableParallelism())
      )
      return resolved.size === 0 ? inline : yield* makePool(resolved)
    })
  ).pipe(Layer.provide(NodeWorker.layerPlatform))
