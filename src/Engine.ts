/**
 * The engine: runs jobs.
 *
 * One engine runs many jobs at a time, up to a limit; further ones wait in a bounded queue, and beyond that are refused.
 * It is a Layer: when its scope closes, it takes no more jobs, lets running ones end for as long as `drainTimeout` says,
 * cancels the rest and waits until they have let go.
 *
 * Boundary: the service and its layers. What it does is in internal/engine.ts.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { InspectionEvent, Observer } from "xstate"
import type { Budget } from "./Budget.ts"
import type { Kind, ProposalOf } from "./Fact.ts"
import { loadOnce } from "./internal/loadOnce.ts"
import { EngineInWorker, isWorker } from "./internal/workerMark.ts"
import {
  type Answer,
  type HandledIntent,
  type Handler,
  handler,
  type HandlerOptions,
  isHandler
} from "./IntentHandler.ts"
import { describeError } from "./internal/panic.ts"
import { InvalidProgram } from "./InvalidProgram.ts"
import type { Job } from "./Job.ts"
import type { JobContext } from "./JobContext.ts"
import { HandlerRejected, type JobError, type StartError } from "./JobError.ts"
import type { JobResult } from "./JobResult.ts"
import type { Program } from "./Program.ts"
import { type JobStore, layerMemory as storeMemory, type StoreError } from "./store/index.ts"
import { layer as poolLayer } from "./workers/index.ts"
import type { WorkerPool } from "./workers/WorkerPool.ts"

export { type Answer, type HandledIntent, type Handler, handler, type HandlerOptions } from "./IntentHandler.ts"

/** An XState inspection observer for every job's actor, such as the one of `effect-converge/inspector`. Default: none. */
export const inspect: Context.Reference<InspectionObserver | undefined> = Context.Reference<
  InspectionObserver | undefined
>("effect-converge/Engine/inspect", { defaultValue: () => undefined })

export type InspectionObserver = Observer<InspectionEvent> | ((event: InspectionEvent) => void)

/** Options of one job. */
export interface StartOptions {
  /**
   * The job's id; must not be that of a live job. Default: a random one. If a durable store has a job of that id, of the same
   * program and with the same input, it is taken up as `resume` does, live or not, and other options are ignored: so what
   * starts a job can be done again after a crash.
   */
  readonly id?: string | undefined
  /** Overrides the program's budget, field by field. */
  readonly budget?: Budget | undefined
  /**
   * The context of an earlier result, to go on from. Its facts are there from the beginning, and are new only to agents
   * that had not read them: those of another program, or that were not eligible before the earlier job ended.
   */
  readonly context?: JobContext | undefined
}

/** Options of a fork. `K` are the kinds of the program, `I` is its input. */
export interface ForkOptions<K extends Kind.Any, I = never> {
  /** The cycle after which the new job begins; 0: after the seeds. Default: the last. */
  readonly at?: number | undefined
  /** Facts that the new job begins with. One that is there with another value is revised, whatever its kind's rule. */
  readonly facts?: ReadonlyArray<ProposalOf<K>> | undefined
  /** Another input: the new job's own, and what it seeds comes before `facts`. Default: that of the stored job, seeds nothing. */
  readonly input?: I | undefined
  /** The new job's id. Default: a random one. */
  readonly id?: string | undefined
  /** Overrides the program's budget, field by field. */
  readonly budget?: Budget | undefined
}

/** Options of an engine. */
export interface EngineOptions<P extends Program.Any = never, H = never> {
  /**
   * Programs whose unfinished jobs the engine resumes: those in the store when it starts and, since it goes on looking,
   * those whose engine died later. Default: none. Jobs are resumed one after the other, in the background; agents run with
   * the services that the layer is built with.
   */
  readonly programs?: ReadonlyArray<P> | undefined
  /** Further programs whose jobs may be started as children (`Intent.child`). Agents run with the layer's services. */
  readonly children?: ReadonlyArray<P> | undefined
  /** Handlers of intents that are there before any job is: those of `programs`, too, that are resumed at the start. */
  readonly handlers?: ReadonlyArray<Handler<H>> | undefined
  /** Jobs that run at a time. Default 1,000. */
  readonly maxRunningJobs?: number | undefined
  /** Jobs that wait for a place; one more is refused with `AdmissionRejected`. Default 10,000. */
  readonly maxQueuedJobs?: number | undefined
  /**
   * Bytes of canonical text in the contexts of all live jobs together from which on a further job is refused with
   * `AdmissionRejected`, `memory-pressure`. Those that are live, and their children, go on and may grow: what bounds one is
   * its budget. In memory, facts take a few times as much. Default: unlimited.
   */
  readonly maxLiveContextBytes?: number | undefined
  /**
   * Child jobs that are under way at a time, of those equally far below the jobs that were started: a child never waits for
   * what its own children need. One more waits. Default 1,000.
   */
  readonly maxChildJobs?: number | undefined
  /** Fiber tasks of one job that are under way at a time. Default 256. */
  readonly fiberConcurrency?: number | undefined
  /** How long running jobs may go on when the engine shuts down, before they are cancelled. Default: not at all. */
  readonly drainTimeout?: Duration.Input | undefined
}

/** What an agent need not be provided with: the engine gives each job a scope of its own. */
type Needs<P extends Program.Any> = Exclude<Program.Services<P>, Scope.Scope>

/** Runs jobs. Provided by `layer` or `layerMemory`; used through `run` and `start`. */
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
const loadRuntime = loadOnce(() => import("./internal/engine.ts"))

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
