/**
 * The engine: runs jobs.
 *
 * One engine runs many jobs at a time, up to a limit; further ones wait in a bounded queue, and beyond that are refused.
 * It is a Layer: when its scope closes, it takes no more jobs, lets running ones end for as long as `drainTimeout` says,
 * cancels the rest and waits until they have let go.
 *
 * Boundary: the service and its layers. What it does is in makeEngine.ts.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { loadOnce } from "../platform/loadOnce.ts"
import { EngineInWorker, isWorker } from "../platform/workerMark.ts"
import {
  type Answer,
  type HandledIntent,
  type Handler,
  handler,
  type HandlerOptions,
  isHandler
} from "../intents/IntentHandler.ts"
import { describeError } from "../values/panic.ts"
import { InvalidProgram } from "../program/InvalidProgram.ts"
import type { Job } from "../job/Job.ts"
import { HandlerRejected, type JobError, type StartError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type { Program } from "../program/Program.ts"
import { type JobStore, layerMemory as storeMemory, type StoreError } from "../store/index.ts"
import { layer as poolLayer } from "../workers/index.ts"
import type { WorkerPool } from "../workers/WorkerPool.ts"
import type { EngineOptions, ForkOptions, Needs, StartOptions } from "./options.ts"
import type { InspectionObserver } from "../job/jobActor.ts"

export type { InspectionObserver } from "../job/jobActor.ts"
export type { EngineOptions, ForkOptions, StartOptions } from "./options.ts"
export {
  type Answer,
  type HandledIntent,
  type Handler,
  handler,
  type HandlerOptions
} from "../intents/IntentHandler.ts"

/** An XState inspection observer for every job's actor, such as the one of `effect-converge/inspector`. Default: none. */
export const inspect: Context.Reference<InspectionObserver | undefined> = Context.Reference<
  InspectionObserver | undefined
>("effect-converge/Engine/inspect", { defaultValue: () => undefined })

/**
 * Runs jobs. Provided by `layer` or `layerMemory`; used through `run` and `start`.
 *
 * - `start`, `resume`, `resumeAll`, `fork`: as the functions of these names, which call them
 * - `handle`: as `Engine.handle`, with a handler that `Engine.handler` made
 */
export class Engine extends Context.Service<
  Engine,
  {
    readonly start: <P extends Program.Any>(
      program: P,
      input: Program.Input<P>,
      options?: StartOptions
    ) => Effect.Effect<Job<P>, StartError | InvalidProgram, Needs<P>>
    readonly resume: <P extends Program.Any>(
      program: P,
      jobId: string
    ) => Effect.Effect<Job<P>, StartError | InvalidProgram, Needs<P>>
    readonly resumeAll: <P extends Program.Any>(
      programs: ReadonlyArray<P>
    ) => Effect.Effect<ReadonlyArray<Job<P>>, StoreError | InvalidProgram, Needs<P>>
    readonly fork: <P extends Program.Any>(
      program: P,
      jobId: string,
      options?: ForkOptions<Program.Kinds<P>, Program.Input<P>>
    ) => Effect.Effect<Job<P>, StartError | InvalidProgram, Needs<P>>
    readonly handle: <R>(handler: Handler<R>) => Effect.Effect<void, HandlerRejected, R>
    /** Jobs that run or wait at the moment. */
    readonly live: Effect.Effect<ReadonlyArray<{ readonly jobId: string; readonly program: string }>>
  }
>()("effect-converge/Engine") {}

/**
 * Starts a job and returns its handle. The job lives in the engine's scope: the caller may end, or be interrupted, without
 * it. Agents run with the services that the caller had.
 *
 * Fails with `InvalidInput` for an input or seeds that do not fit, `AdmissionRejected` when the engine's queue is full or
 * it is shutting down; and, for the id of a stored job, as `resume` does.
 */
export const start = <P extends Program.Any>(
  program: P,
  input: Program.Input<P>,
  options?: StartOptions
): Effect.Effect<Job<P>, StartError | InvalidProgram, Engine | Needs<P>> =>
  Effect.flatMap(Engine, (engine) => engine.start(program, input, options))

/**
 * Runs a job to its end. Interrupting it cancels the job and waits until it has let go.
 *
 * Fails with the typed error of how the job ended; every one carries `.partial`, the result as far as it came. The error
 * and requirement types are the union of those of the program's agents.
 */
export const run = <P extends Program.Any>(
  program: P,
  input: Program.Input<P>,
  options?: StartOptions
): Effect.Effect<
  JobResult<P>,
  JobError<Program.Error<P>, JobResult.Partial<P>> | StartError | InvalidProgram,
  Engine | Needs<P>
> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(start(program, input, options)), (job) =>
      Effect.onInterrupt(restore(job.result), () => job.cancel)
    )
  )

/**
 * Takes up a stored job where its journal ends, and returns its handle: a job that was under way goes on from its last
 * committed cycle, one that was paused is paused, one that has ended has its result. A job that is live here is the same.
 *
 * Fails with `StoreError` (`missing`; `held` while another engine runs it), with `JournalCorrupt` for a journal that is not
 * what was written, with `ProgramChanged` if the program's kinds are not those of the journal and it declares no `migrate`,
 * with `InvalidInput` for a job of another program, and with `AdmissionRejected` as `start` does.
 */
export const resume = <P extends Program.Any>(
  program: P,
  jobId: string
): Effect.Effect<Job<P>, StartError | InvalidProgram, Engine | Needs<P>> =>
  Effect.flatMap(Engine, (engine) => engine.resume(program, jobId))

/**
 * Resumes all unfinished jobs of some programs, one after the other, and returns the handles of those that were not live.
 * Jobs that another engine holds are left to it; one that cannot go on is logged as a warning, and hinders no other.
 */
export const resumeAll = <P extends Program.Any>(
  programs: ReadonlyArray<P>
): Effect.Effect<ReadonlyArray<Job<P>>, StoreError | InvalidProgram, Engine | Needs<P>> =>
  Effect.flatMap(Engine, (engine) => engine.resumeAll(programs))

/**
 * Starts a new job from a past cycle of a stored one, with changed facts. The context up to that cycle is the new job's
 * beginning, its agents have read what they had read by then, and the changed facts are new to them. What had been derived
 * from a fact that is changed stays. The stored job is left as it is. Fails as `resume` does.
 */
export const fork = <P extends Program.Any>(
  program: P,
  jobId: string,
  options?: ForkOptions<Program.Kinds<P>, Program.Input<P>>
): Effect.Effect<Job<P>, StartError | InvalidProgram, Engine | Needs<P>> =>
  Effect.flatMap(Engine, (engine) => engine.fork(program, jobId, options))

/**
 * Registers what performs the intents of a kind, for as long as the engine lives. `perform` is called once or more often for
 * every intent of the kind that is committed from now on, and for those that a resumed job still has to have answered; it
 * runs with the services that the caller of `handle` has. What it does outside should go by the intent's `idempotencyKey`.
 * The proposals that it gives come back as facts when the job has nothing else to do.
 *
 * Fails with `HandlerRejected` if there is a handler of that kind, or it cannot work.
 */
export const handle = <E = never, R = never, R2 = never>(
  kind: string,
  perform: (intent: HandledIntent) => Effect.Effect<Answer, E, R>,
  options?: HandlerOptions<NoInfer<E>, R2>
): Effect.Effect<void, HandlerRejected, Engine | R | R2> =>
  Effect.flatMap(Engine, (engine) =>
    Effect.flatMap(
      Effect.try({
        try: () => handler(kind, perform, options),
        catch: (error) => new HandlerRejected({ kind: describeError(kind), message: describeError(error) })
      }),
      (made) => engine.handle(made)
    )
  )

/**
 * What runs jobs is loaded when an engine is built: a worker, which imports this package for a program's definitions, never
 * builds one.
 */
const loadRuntime = loadOnce(() => import("./makeEngine.ts"))

/**
 * An engine over a `WorkerPool` and a `JobStore` of your choice.
 *
 * @throws InvalidProgram for two handlers of one kind, and for what is no handler
 */
export const layer = <P extends Program.Any = never, H = never>(
  options?: EngineOptions<P, H>
): Layer.Layer<Engine, never, WorkerPool | JobStore | Needs<P> | H> => {
  refuseHandlers(options?.handlers ?? [])
  return Layer.effect(
    Engine,
    Effect.suspend(() =>
      isWorker()
        ? Effect.die(new EngineInWorker())
        : Effect.flatMap(loadRuntime, ({ makeEngine }) => makeEngine(options ?? {}, inspect))
    )
  )
}

const refuseHandlers = (handlers: ReadonlyArray<unknown>): void => {
  const kinds = new Set<string>()
  for (const [index, handler] of handlers.entries()) {
    if (!isHandler(handler)) {
      throw new InvalidProgram({ program: "", message: `handlers[${index}] was not made by Engine.handler` })
    }
    if (kinds.has(handler.kind)) {
      throw new InvalidProgram({ program: "", message: `there are two handlers of ${JSON.stringify(handler.kind)}` })
    }
    kinds.add(handler.kind)
  }
}

/** An engine with the default pool (a worker per available core, started when first needed) and nothing durable. */
export const layerMemory: Layer.Layer<Engine> = layer().pipe(Layer.provide(poolLayer()), Layer.provide(storeMemory))
