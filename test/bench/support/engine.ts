/** Engines and pools that live as long as a contender. Boundary: composition, through the public layers. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as References from "effect/References"
import type * as Source from "../../../src/index.ts"
import { Engine, JobStore, WorkerPool } from "../converge.ts"

type PoolService = Source.WorkerPool.WorkerPool
type EngineService = Source.Engine.Engine
type Store = Layer.Layer<Source.JobStore.JobStore, Source.JobStore.StoreError>

export interface LiveEngine {
  readonly run: <A, E>(effect: Effect.Effect<A, E, EngineService | PoolService>) => Promise<A>
  readonly stop: () => Promise<void>
}

/** A pool of some threads; 0 is the inline one. Threads do not inherit flags of this process. */
export const poolOf = (size: number): Layer.Layer<PoolService> =>
  size === 0 ? WorkerPool.layerInline : WorkerPool.layer({ size, execArgv: [] })

/** An engine over a pool and a store; nothing is durable unless the store is. */
export const startEngine = (
  pool: Layer.Layer<PoolService> = poolOf(0),
  options: Source.Engine.EngineOptions = {},
  store: Store = JobStore.layerMemory
): LiveEngine => {
  // Jobs that use up their cycles on purpose are no news.
  const quiet = Layer.succeed(References.MinimumLogLevel, "None")
  const engine = Engine.layer(options).pipe(Layer.provide(store), Layer.provideMerge(pool), Layer.provideMerge(quiet))
  const runtime = ManagedRuntime.make(engine)
  return { run: (effect) => runtime.runPromise(effect), stop: () => runtime.dispose() }
}

/** An engine that several contenders share, one after the other. It ends when the last of them stops it. */
export const sharedEngine = (size: number): (() => LiveEngine) => {
  let engine: LiveEngine | undefined
  let users = 0
  return () => {
    const live = (engine ??= startEngine(poolOf(size)))
    users++
    return {
      run: live.run,
      stop: async () => {
        if (--users > 0) return
        engine = undefined
        await live.stop()
      }
    }
  }
}

/** The context at the end of a job that converged or used up its cycles. Any other end is an error. */
export const contextAfter = <P extends Source.Program.Program.Any>(
  program: P,
  input: Source.Program.Program.Input<P>,
  options?: Source.Engine.StartOptions
): Effect.Effect<Source.JobContext.JobContext, unknown, EngineService | Source.Program.Program.Services<P>> =>
  Effect.matchEffect(Engine.run(program, input, options), {
    onSuccess: (result) => Effect.succeed(result.context),
    onFailure: (error) =>
      error._tag === "BudgetExhausted" && error.budget === "cycles"
        ? Effect.succeed(error.partial.context)
        : Effect.fail(error)
  }) as Effect.Effect<Source.JobContext.JobContext, unknown, EngineService | Source.Program.Program.Services<P>>

/** The milliseconds of a call, and its result. */
export const timed = async <A>(body: () => Promise<A>): Promise<readonly [ms: number, value: A]> => {
  const began = performance.now()
  const value = await body()
  return [performance.now() - began, value]
}
