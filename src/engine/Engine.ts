/**
 * The engine: runs jobs.
 *
 * One engine runs many jobs at a time, up to a limit. Further jobs wait in a bounded queue; when the queue is full, they are
 * refused. The engine is a Layer: when its scope closes, it admits no more jobs, lets running jobs go on for at most
 * `drainTimeout`, cancels the rest and waits until they have let go.
 *
 * Boundary: the service and its layers. The work is done behind makeEngine.ts.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { loadOnce } from "../platform/loadOnce.ts"
import {
  type Answer,
  type AnswerOf,
  type HandledIntent,
  type Handler,
  type HandlerOptions
} from "../intents/IntentHandler.ts"
import { handlerContext, untypedHandler, withHandlers } from "./handlerTypes.ts"
import { type HandlerOf, type IntentKind, isIntentKind } from "../program/intentKind.ts"
import type { Kind } from "../program/Fact.ts"
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
import { inspection, type InspectionObserver } from "../platform/inspection.ts"

export type { InspectionObserver } from "../platform/inspection.ts"
export type { EngineOptions, ForkOptions, StartOptions } from "./options.ts"
export {
  type Answer,
  type AnswerOf,
  type HandledIntent,
  type Handler,
  handler,
  type HandlerOptions
} from "../intents/IntentHandler.ts"

/**
 * An XState inspection observer for every job's actor, such as that of `effect-converge/inspector`. Default: none.
 *
 * The observer of a job is that of its caller, or else that of its parent job, or else that with which the engine's layer was
 * built. A pool whose layer is built with an observer shows its workers to it. Child jobs are shown below their parents, and
 * workers below their pool.
 */
export const inspect: Context.Reference<InspectionObserver | undefined> = inspection

/**
 * The service that runs jobs. `layer` and `layerMemory` provide it; `run` and `start` use it.
 *
 * - `start`, `resume`, `resumeAll`, `fork`: the operations behind the functions of these names
 * - `handle`: the operation behind `Engine.handle`; it takes a handler from `Engine.handler`
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
 * Starts a job and returns its handle. The job lives in the engine's scope: it goes on when the caller ends or is
 * interrupted. Agents run with the services of the caller.
 *
 * Fails with `InvalidInput` for an input or seeds that do not fit, and with `AdmissionRejected` when the queue is full, live
 * contexts hold `maxLiveContextBytes`, or the engine is shutting down. For the id of a stored job it fails as `resume` does.
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
 * Fails with the typed error of the job's end. Each error carries `.partial`, the result as far as it came. The error and
 * requirement types are the unions of those of the program's agents.
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
 * Takes up a stored job where its journal ends, and returns its handle. A job that was under way continues from its last
 * committed cycle, a paused job is paused, and an ended job has its result. If the job is live here, the result is the handle of
 * the live job.
 *
 * Fails with `StoreError` (`missing`; `held` while another engine runs it), with `JournalCorrupt` for a corrupt journal, with
 * `ProgramChanged` if the journal has other kinds and the program declares no `migrate`, with `InvalidInput` for a job of
 * another program, and with `AdmissionRejected` as `start` does.
 */
export const resume = <P extends Program.Any>(
  program: P,
  jobId: string
): Effect.Effect<Job<P>, StartError | InvalidProgram, Engine | Needs<P>> =>
  Effect.flatMap(Engine, (engine) => engine.resume(program, jobId))

/**
 * Resumes all unfinished jobs of some programs, one after the other, and returns the handles of the jobs that were not live.
 * It skips jobs that other engines hold. If a job cannot be resumed, it logs a warning and continues with the next.
 */
export const resumeAll = <P extends Program.Any>(
  programs: ReadonlyArray<P>
): Effect.Effect<ReadonlyArray<Job<P>>, StoreError | InvalidProgram, Engine | Needs<P>> =>
  Effect.flatMap(Engine, (engine) => engine.resumeAll(programs))

/**
 * Starts a new job from a past cycle of a stored one, with changed facts. The new job begins with the context up to
 * that cycle. Its agents have the marks of that cycle, and the changed facts are new to them. Facts that were derived from a
 * changed fact stay. The stored job does not change. Fails as `resume` does.
 */
export const fork = <P extends Program.Any>(
  program: P,
  jobId: string,
  options?: ForkOptions<Program.Kinds<P>, Program.Input<P>>
): Effect.Effect<Job<P>, StartError | InvalidProgram, Engine | Needs<P>> =>
  Effect.flatMap(Engine, (engine) => engine.fork(program, jobId, options))

/**
 * Registers the handler of a kind of intents, for as long as the engine lives. The engine calls `perform` at least once for
 * every intent of the kind that is committed from now on, and for every intent of a resumed job that is not answered yet.
 * `perform` runs with the services of the caller of `handle`. It may be called again for an intent, so its work outside of
 * the job should be keyed by the intent's `idempotencyKey`. The proposals that it returns become facts when the job has
 * nothing else to do.
 *
 * Returns a context that provides `Intent.Handler` of the kind, for programs whose agents declare it:
 * `Engine.run(program, input).pipe(Effect.provide(yield* Engine.handle(Pay, ...)))`.
 *
 * Fails with `HandlerRejected` if the kind has a handler already, or if the handler cannot work.
 */
export function handle<
  Name extends string,
  T,
  Answers extends Kind.Any,
  IsRecord extends boolean,
  E = never,
  R = never,
  R2 = never
>(
  kind: IntentKind<Name, T, Answers, IsRecord>,
  perform: (intent: HandledIntent<T>) => Effect.Effect<AnswerOf<NoInfer<Answers>>, E, R>,
  options?: HandlerOptions<NoInfer<E>, R2>
): Effect.Effect<Context.Context<HandlerOf<Name>>, HandlerRejected, Engine | R | R2>
export function handle<const Name extends string, E = never, R = never, R2 = never>(
  kind: Name,
  perform: (intent: HandledIntent) => Effect.Effect<Answer, E, R>,
  options?: HandlerOptions<NoInfer<E>, R2>
): Effect.Effect<Context.Context<HandlerOf<Name>>, HandlerRejected, Engine | R | R2>
export function handle(
  kind: string | IntentKind.Any,
  perform: unknown,
  options?: object
): Effect.Effect<Context.Context<unknown>, HandlerRejected, Engine> {
  return Effect.flatMap(Engine, (engine) =>
    Effect.flatMap(
      Effect.try({
        try: () => untypedHandler(kind, perform, options),
        catch: (error) =>
          new HandlerRejected({
            kind: isIntentKind(kind) ? kind.name : describeError(kind),
            message: describeError(error)
          })
      }),
      (made) => Effect.as(engine.handle(made), handlerContext)
    )
  )
}

/**
 * The runtime is loaded when an engine is built. A worker imports this package for a program's definitions, and never builds
 * an engine.
 */
const loadRuntime = loadOnce(() => import("./makeEngine.ts"))

/**
 * An engine over a `WorkerPool` and a `JobStore` of your choice.
 *
 * Dies with `InvalidOptions`, which names the option, if an option is invalid, such as a limit of `NaN` or an unknown name. Two
 * handlers of one kind, or two programs of one name, are such defects, too. The layer dies when it is built.
 *
 * `handlers` provide `Intent.Handler` of their kinds, which programs need whose agents declare intents (`Intent.kind`).
 */
export const layer = <P extends Program.Any = never, H = never, Name extends string = never>(
  options?: EngineOptions<P, H, Name>
): Layer.Layer<Engine | HandlerOf<Name>, never, WorkerPool | JobStore | Exclude<Needs<P>, HandlerOf<Name>> | H> =>
  withHandlers(
    Layer.effect(
      Engine,
      Effect.flatMap(loadRuntime, ({ makeEngine }) => makeEngine(options === undefined ? {} : options))
    )
  )

/** An engine with the default pool (a worker per available core, started when first needed) and nothing durable. */
export const layerMemory: Layer.Layer<Engine> = layer().pipe(Layer.provide(poolLayer()), Layer.provide(storeMemory))
