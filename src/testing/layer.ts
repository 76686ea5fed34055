/**
 * `Testing.layer`: an engine for tests, with a process that can be killed.
 *
 *     journal in memory ◄── MortalStore ◄── engine of the first life ──┐
 *                      ◄── MortalStore ◄── engine of the second life ──┴── Engine, as tests see it
 *
 * A kill cuts the engine off from the journal and takes it down. The next engine begins on what was written by then. Boundary:
 * composition; the engine and its jobs are the real ones.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Engine from "../engine/Engine.ts"
import type { EngineOptions, Needs } from "../engine/options.ts"
import { withHandlers } from "../engine/handlerTypes.ts"
import type { HandlerOf } from "../program/intentKind.ts"
import type { Program } from "../program/Program.ts"
import { JobStore, layerMemoryJournal } from "../store/index.ts"
import { checkOptions, oneOf, type Rules, whole } from "../values/options.ts"
import { layer as threads, layerInline, type WorkerPool } from "../workers/index.ts"
import { mortal, type MortalStore } from "./mortalStore.ts"

/** The process that the engine of `layer` lives in. */
export class TestProcess extends Context.Service<
  TestProcess,
  {
    /** Kills it, and starts another one on the same journal. */
    readonly kill: Effect.Effect<void>
  }
>()("effect-converge/testing/TestProcess") {}

/** Options of `layer`: those of `Engine.layer`, and two of its own. */
export interface TestLayerOptions<
  P extends Program.Any = never,
  H = never,
  Name extends string = string
> extends EngineOptions<P, H, Name> {
  /** The number of threads for CPU agents. They work in real time, so a test with threads needs `clock: "caller"`. Default: 0. */
  readonly workers?: number | undefined
  /**
   * `"test"`: a `TestClock` of its own, which stands still until the test moves it. `"caller"`: the clock of the test, which is
   * the real one in `it.live`. Default: `"test"`.
   */
  readonly clock?: "test" | "caller" | undefined
}

const rules: Rules<Pick<TestLayerOptions, "workers" | "clock">> = {
  workers: whole(0, 256),
  clock: oneOf("test", "caller")
}

/** One life of the process. */
interface Life {
  readonly engine: Engine.Engine["Service"]
  readonly store: MortalStore
  readonly scope: Scope.Closeable
}

/**
 * An engine for tests: with a journal in memory, without threads unless `workers` has some, and with a `TestClock` unless `clock`
 * says otherwise.
 *
 * The journal lives as long as the layer. `Testing.kill` kills the process of the engine; `Engine.resume`, or a start of the same
 * id, then goes on from what was committed. Time stands still until `TestClock.adjust` moves it. Jobs of `programs` are resumed
 * by themselves after a kill, and `drainTimeout` plays no part. Building the layer dies with `InvalidOptions` if an option
 * cannot work.
 */
export const layer = <P extends Program.Any = never, H = never, Name extends string = never>(
  options?: TestLayerOptions<P, H, Name>
): Layer.Layer<
  Engine.Engine | HandlerOf<Name> | JobStore | TestProcess,
  never,
  Exclude<Needs<P>, HandlerOf<Name>> | H
> =>
  withHandlers<Name, Engine.Engine | JobStore | TestProcess, Exclude<Needs<P>, HandlerOf<Name>> | H>(
    Layer.suspend(() => {
      const { clock = "test", workers = 0, ...engine } = options ?? {}
      checkOptions("Testing.layer", { clock, workers }, rules)
      const pool = workers === 0 ? layerInline : threads({ size: workers })
      const context = Layer.effectContext(lives(engine, pool))
      return clock === "test" ? Layer.provideMerge(context, TestClock.layer()) : context
    })
  )

/** Kills the process of the engine of `layer`: nothing is written any more, and another engine starts on the same journal. */
export const kill: Effect.Effect<void, never, TestProcess> = Effect.flatMap(TestProcess, (process) => process.kill)

/** Starts a job, as `Engine.start` does. */
export const start: typeof Engine.start = Engine.start

/**
 * A journal that nobody asks for requests to cancel before there is one. An engine asks each second, and a test that moves its
 * clock by days would wait for each of these looks.
 */
const withoutPolling = (journal: JobStore["Service"]): JobStore["Service"] => {
  const asked = Deferred.makeUnsafe<void>()
  return {
    ...journal,
    requestCancel: (jobId) =>
      Effect.tap(journal.requestCancel(jobId), () => Effect.sync(() => Deferred.doneUnsafe(asked, Effect.void))),
    cancelRequests: Effect.andThen(Deferred.await(asked), journal.cancelRequests)
  }
}

const lives = <P extends Program.Any, H, Name extends string>(
  options: EngineOptions<P, H, Name>,
  pool: Layer.Layer<WorkerPool>
) =>
  Effect.gen(function* () {
    type R = Exclude<Needs<P>, HandlerOf<Name>> | H
    const outer = yield* Scope.Scope
    const services = yield* Effect.context<R>()
    const built = yield* Layer.buildWithScope(Layer.fresh(layerMemoryJournal), outer)
    const journal = withoutPolling(Context.get(built, JobStore))
    const begin: Effect.Effect<Life> = Effect.gen(function* () {
      const scope = yield* Scope.fork(outer)
      const store = mortal(journal)
      const below: Layer.Layer<WorkerPool | JobStore> = Layer.merge(pool, Layer.succeed(JobStore, store.store))
      const built = Layer.buildWithScope(
        Layer.fresh(Layer.provide(Engine.layer({ ...options, drainTimeout: 0 }), below)),
        scope
      )
      const context = yield* Effect.provideContext(built, services)
      return { engine: Context.get(context, Engine.Engine), store, scope }
    })
    let life = yield* begin
    const engine = Engine.Engine.of({
      start: (program, input, options) => Effect.suspend(() => life.engine.start(program, input, options)),
      resume: (program, jobId) => Effect.suspend(() => life.engine.resume(program, jobId)),
      resumeAll: (programs) => Effect.suspend(() => life.engine.resumeAll(programs)),
      fork: (program, jobId, options) => Effect.suspend(() => life.engine.fork(program, jobId, options)),
      handle: (handler) => Effect.suspend(() => life.engine.handle(handler)),
      live: Effect.suspend(() => life.engine.live)
    })
    const killed = Effect.gen(function* () {
      life.store.die()
      yield* Scope.close(life.scope, Exit.void)
      life = yield* begin
    })
    return Context.make(Engine.Engine, engine).pipe(
      Context.add(JobStore, journal),
      Context.add(TestProcess, { kill: Effect.uninterruptible(killed) })
    )
  })
