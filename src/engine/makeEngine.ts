/**
 * The engine behind `Engine.layer`, which loads this file when it is built, and with it everything that runs jobs.
 *
 * Boundary: puts the parts together. Each verb of the service is a file: starting, resuming, forking; beside them stand
 * admission, handlers, child jobs, the watch over the store, and shutdown.
 */
import * as Effect from "effect/Effect"
import type { Handler } from "../intents/IntentHandler.ts"
import { approvalPerformer } from "../intents/performers.ts"
import { Gates } from "../job/gates.ts"
import * as Telemetry from "../job/observability.ts"
import type { JobSession, SessionOptions } from "../job/session.ts"
import { Limits } from "../Limits.ts"
import type { HandlerRejected, StartError } from "../outcome/JobError.ts"
import { SingleFlight } from "../platform/singleFlight.ts"
import { Turns } from "../platform/turns.ts"
import { EngineInWorker, isWorker } from "../platform/workerMark.ts"
import { approvalKind, childKind } from "../program/answerKinds.ts"
import { compiledOf } from "../program/erased.ts"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import type { Program } from "../program/Program.ts"
import { JobStore, type StoreError } from "../store/JobStore.ts"
import { WorkerPool } from "../workers/WorkerPool.ts"
import { Admission } from "./admission.ts"
import { childPerformer } from "./childJobs.ts"
import { childStarter } from "./childStarter.ts"
import { endStored } from "./cancellation.ts"
import type { EngineState } from "./engineState.ts"
import { jobOf, jobsOf, layerServices, requiring } from "./erased.ts"
import { forkJob } from "./forking.ts"
import { Handlers } from "./handlers.ts"
import { LiveJobs } from "./liveJobs.ts"
import { checkEngine } from "./optionRules.ts"
import type { EngineOptions, ForkOptions, StartOptions } from "./options.ts"
import { OwedCancellations } from "./owedCancellations.ts"
import { resumeAll, resumeJob } from "./resuming.ts"
import { shutDown } from "./shutdown.ts"
import { startJob } from "./starting.ts"
import { Suspects } from "./suspects.ts"
import { watchStore } from "./storeWatch.ts"

type Options = EngineOptions<Program.Any, unknown>

/** Makes the service that `Engine.layer` provides. */
export const makeEngine = Effect.fnUntraced(function* (options: Options) {
  if (isWorker()) return yield* Effect.die(new EngineInWorker())
  // The check throws for invalid options, which is a defect when the layer is built.
  yield* Effect.sync(() => checkEngine(options))
  const { engine, handlers } = yield* makeState(options)
  addPerformers(engine, handlers, options)
  if (engine.store.isDurable) yield* watchStore(engine, options.programs ?? [])
  yield* Effect.addFinalizer(() => shutDown(engine, options.drainTimeout ?? 0))
  return service(engine, handlers)
})

const makeState = Effect.fnUntraced(function* (options: Options) {
  const pool = yield* WorkerPool
  const store = yield* JobStore
  const services = yield* layerServices
  // The gauges are there before a task waits.
  Telemetry.noteWaiting(services, "concurrency", 0)
  Telemetry.noteWaiting(services, "budget", 0)
  const live = new LiveJobs()
  const handlers = new Handlers(live)
  const admission = new Admission({
    live,
    services,
    maxRunning: options.maxRunningJobs ?? Limits.runningJobs,
    maxQueued: options.maxQueuedJobs ?? Limits.queuedJobs,
    maxLiveContextBytes: options.maxLiveContextBytes
  })
  const resuming = new SingleFlight<JobSession, StartError>()
  const owed = new OwedCancellations((jobId) => endStored({ live, resuming, store }, jobId))
  const fiberConcurrency = options.fiberConcurrency ?? Limits.fiberConcurrency
  const onFinished: SessionOptions["onFinished"] = (session, status) => {
    live.delete(session.jobId)
    owed.note(session)
    try {
      const ranMs = session.durationMs
      Telemetry.noteHalted(services, { program: session.program.name, ranMs, status })
      Telemetry.noteDiagnostics(services, session.program.name, session.tracker.diagnostics)
    } finally {
      // The clock of the job's own services may fail. Its place must be free even so.
      admission.release(session)
    }
  }
  const engine: EngineState = {
    services,
    store,
    live,
    admission,
    turns: new Turns(),
    resuming,
    owed,
    suspects: new Suspects(live, options.maxAttempts ?? Limits.attempts),
    runs: { pool, store, performers: handlers, fiberConcurrency, gates: new Gates() },
    onFinished
  }
  return { engine, handlers }
})

/** Adds the engine's own performers, and the handlers from its options. */
const addPerformers = (engine: EngineState, handlers: Handlers, options: Options): void => {
  const children = [...(options.programs ?? []), ...(options.children ?? [])]
  const programs = new Map(children.map((program) => [program.name, compiledOf(program)]))
  const limits = {
    most: options.maxChildJobs ?? Limits.childJobs,
    deepest: options.maxDepth ?? Limits.childDepth,
    mostBelow: options.maxDescendants ?? Limits.descendants
  }
  handlers.setBuiltIn(approvalKind, approvalPerformer)
  handlers.setBuiltIn(childKind, childPerformer(childStarter(engine, { ...limits, programs })))
  for (const handler of options.handlers ?? []) handlers.register(handler, engine.services)
}

/** Options that may be left out. Null is not left out: it is refused with the options that cannot work. */
const given = <O extends object>(options: O | undefined): O | Record<string, never> =>
  options === undefined ? {} : options

/** The public operations of an engine. */
const service = (engine: EngineState, handlers: Handlers) => ({
  start: <P extends Program.Any>(program: P, input: Program.Input<P>, options?: StartOptions) =>
    jobOf<P, StartError | InvalidProgram>(startJob(engine, program, input, given(options))),
  resume: <P extends Program.Any>(program: P, jobId: string) =>
    jobOf<P, StartError | InvalidProgram>(resumeJob(engine, program, jobId)),
  resumeAll: <P extends Program.Any>(programs: ReadonlyArray<P>) =>
    jobsOf<P, StoreError | InvalidProgram>(resumeAll(engine, programs)),
  fork: <P extends Program.Any>(program: P, jobId: string, options?: ForkOptions<Program.Kinds<P>, Program.Input<P>>) =>
    jobOf<P, StartError | InvalidProgram>(forkJob(engine, program, jobId, given(options))),
  handle: <R>(handler: Handler<R>): Effect.Effect<void, HandlerRejected, R> => requiring(handlers.add(handler)),
  live: Effect.sync(() => [...engine.live.all].map(({ jobId, program }) => ({ jobId, program: program.name })))
})
