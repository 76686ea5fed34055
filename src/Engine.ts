/**
 * The engine: runs jobs.
 *
 * One engine runs many jobs at a time, up to a limit; further ones wait in a bounded queue, and beyond that are refused.
 * It is a Layer: when its scope closes, it takes no more jobs, lets running ones end for as long as `drainTimeout` says,
 * cancels the rest and waits until they have let go.
 *
 * Boundary: admission, the start and the end of jobs. What a job does in between is its machine's and its driver's.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { EncodedFact } from "./AgentEffect.ts"
import { type Budget, resolve, type ResolvedBudget } from "./Budget.ts"
import { EffectFault, encodeFacts } from "./internal/encodeEffect.ts"
import { runDetached } from "./internal/fromEffect.ts"
import { type InspectionObserver, makeActor } from "./internal/jobActor.ts"
import { InvalidValue } from "./internal/kindCodec.ts"
import * as Telemetry from "./internal/observability.ts"
import { JobSession } from "./internal/session.ts"
import { sha256Pieces } from "./internal/sha256.ts"
import { inSlices } from "./internal/slices.ts"
import { EngineInWorker, isWorker } from "./internal/workerMark.ts"
import { InvalidProgram } from "./InvalidProgram.ts"
import { Violation } from "./Invariant.ts"
import { cancel, finishUndriven, fromSession, type Job, settled } from "./Job.ts"
import { type JobContext, Ledger } from "./JobContext.ts"
import { AdmissionRejected, describePanic, InvalidInput, type JobError, type StartError } from "./JobError.ts"
import type { JobResult } from "./JobResult.ts"
import { Limits } from "./Limits.ts"
import { genesisText } from "./journalText.ts"
import { CycleMerge } from "./merge.ts"
import { type CompiledProgram, compiledOf, isProgram, type Program } from "./Program.ts"
import { JobStore, layerMemory as storeMemory } from "./store/JobStore.ts"
import { layer as poolLayer } from "./workers/index.ts"
import { WorkerPool } from "./workers/WorkerPool.ts"

/** An XState inspection observer for every job's actor, such as the one of `effect-converge/inspector`. Default: none. */
export const inspect: Context.Reference<InspectionObserver | undefined> = Context.Reference<
  InspectionObserver | undefined
>("effect-converge/Engine/inspect", { defaultValue: () => undefined })

export type { InspectionObserver } from "./internal/jobActor.ts"

/** Options of one job. */
export interface StartOptions {
  /** The job's id; must not be that of a live job. Default: a random UUID. */
  readonly id?: string | undefined
  /** Overrides the program's budget, field by field. */
  readonly budget?: Budget | undefined
  /**
   * The context of an earlier result, to go on from. Its facts are there from the beginning, and are new only to agents
   * that had not read them: those of another program, or that were not eligible before the earlier job ended.
   */
  readonly context?: JobContext | undefined
}

/** Options of an engine. */
export interface EngineOptions {
  /** Jobs that run at a time. Default 1,000. */
  readonly maxRunningJobs?: number | undefined
  /** Jobs that wait for a place; one more is refused with `AdmissionRejected`. Default 10,000. */
  readonly maxQueuedJobs?: number | undefined
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
    /** Jobs that run or wait at the moment. */
    readonly live: Effect.Effect<ReadonlyArray<{ readonly jobId: string; readonly program: string }>>
  }
>()("effect-converge/Engine") {}

/**
 * Starts a job and returns its handle. The job lives in the engine's scope: the caller may end, or be interrupted, without
 * it. Agents run with the services that the caller had.
 *
 * Fails with `InvalidInput` for an input or seeds that do not fit, `AdmissionRejected` when the engine's queue is full or
 * it is shutting down.
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

const makeEngine = Effect.fnUntraced(function* (options: EngineOptions) {
  if (isWorker()) return yield* Effect.die(new EngineInWorker())
  const pool = yield* WorkerPool
  const store = yield* JobStore
  const own = yield* Effect.context<never>()
  const sessions = new Map<string, JobSession>()
  const queue: Array<JobSession> = []
  const maxRunning = options.maxRunningJobs ?? Limits.runningJobs
  const maxQueued = options.maxQueuedJobs ?? Limits.queuedJobs
  const fiberConcurrency = options.fiberConcurrency ?? Limits.fiberConcurrency
  let running = 0
  let isShuttingDown = false

  const begin = (session: JobSession): void => {
    running++
    Telemetry.noteRunning(own, running)
    session.isAdmitted = true
    session.actor.send({ type: "START" })
  }

  /** Gives free places to the jobs that have waited longest. Those that were cancelled meanwhile are passed over. */
  const beginNext = (): void => {
    if (isShuttingDown || running >= maxRunning) return
    const next = queue.shift()
    if (next === undefined) return
    if (!next.isClosed) begin(next)
    beginNext()
  }

  const onFinished = (session: JobSession): void => {
    sessions.delete(session.jobId)
    Telemetry.noteHalted(own, session.finished ?? "failed")
    if (!session.isAdmitted) {
      const place = queue.indexOf(session)
      if (place >= 0) queue.splice(place, 1)
      return
    }
    running--
    Telemetry.noteRunning(own, running)
    beginNext()
  }

  const admission = (id: string): AdmissionRejected | undefined => {
    if (isShuttingDown) return new AdmissionRejected({ reason: "shutting-down" })
    if (running >= maxRunning && queue.length >= maxQueued && !sessions.has(id)) {
      return new AdmissionRejected({ reason: "queue-full" })
    }
    return undefined
  }

  const abandon = (session: JobSession): Effect.Effect<void> =>
    Effect.andThen(
      Effect.uninterruptible(session.letGo("cancelled")),
      Effect.sync(() => sessions.delete(session.jobId))
    )

  const startJob = Effect.fnUntraced(function* (program: Program.Any, input: unknown, startOptions: StartOptions) {
    const compiled = yield* compiledProgram(program)
    const unknown = Object.keys(startOptions).find((key) => !startKeys.includes(key))
    if (unknown !== undefined) {
      return yield* new InvalidInput({
        program: compiled.name,
        message: `there is no start option ${JSON.stringify(unknown)}`
      })
    }
    const budget = yield* budgetOf(compiled, startOptions.budget)
    const jobId = startOptions.id ?? (yield* randomId)
    const refused = admission(jobId)
    if (refused !== undefined) return yield* refused
    const invalid = (message: string) => new InvalidInput({ program: compiled.name, message })
    if (typeof jobId !== "string" || jobId === "")
      return yield* invalid("a job's id must be a string that is not empty")
    if (sessions.has(jobId)) return yield* invalid(`the job id ${JSON.stringify(jobId)} is that of a live job`)
    const encoded = yield* encodeInput(compiled, input)
    const seeds = yield* encodeSeeds(compiled, encoded.value)
    const services = yield* Effect.context<unknown>()

    // From here on everything is synchronous up to the actor's start, but for seeds that take more than a slice.
    const ledger = Ledger.make(compiled.name, compiled.triggers, startOptions.context)
    const session = new JobSession({
      jobId,
      program: compiled,
      ledger,
      budget,
      services,
      pool,
      store,
      fiberConcurrency,
      onFinished
    })
    if (sessions.has(jobId)) return yield* invalid(`the job id ${JSON.stringify(jobId)} is that of a live job`)
    sessions.set(jobId, session)
    continueFrom(session, startOptions.context)
    yield* Effect.onExit(plantSeeds(session, encoded.text, seeds, startOptions.context), (exit) =>
      Exit.isFailure(exit) ? abandon(session) : Effect.void
    )
    const late = admission("")
    if (late !== undefined) {
      yield* abandon(session)
      return yield* late
    }
    session.actor = makeActor(session, Context.get(services, inspect), () => {
      if (session.driver === undefined && session.finished === undefined) runDetached(services, finishUndriven(session))
    })
    session.actor.start()
    if (session.isClosed) return session
    if (running < maxRunning) begin(session)
    else queue.push(session)
    return session
  })

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      isShuttingDown = true
      const drainMs = Duration.toMillis(Duration.fromInputUnsafe(options.drainTimeout ?? 0))
      if (drainMs > 0 && sessions.size > 0) {
        const ended = Effect.forEach(
          [...sessions.values()].filter(({ isAdmitted }) => isAdmitted),
          (session) => Effect.exit(Deferred.await(session.done)),
          { concurrency: "unbounded", discard: true }
        )
        yield* Effect.timeoutOption(ended, drainMs)
      }
      // A job that is still being seeded has no actor yet: its start finds the door closed and lets go of it.
      const started = [...sessions.values()].filter(({ isStarted }) => isStarted)
      yield* Effect.forEach(started, cancel, { concurrency: "unbounded", discard: true })
    })
  )

  return Engine.of({
    start: <P extends Program.Any>(program: P, input: Program.Input<P>, startOptions?: StartOptions) =>
      Effect.map(startJob(program, input, startOptions ?? {}), (session) => fromSession<P>(session)) as Effect.Effect<
        Job<P>,
        StartError | InvalidProgram,
        Needs<P>
      >,
    live: Effect.sync(() => [...sessions.values()].map(({ jobId, program }) => ({ jobId, program: program.name })))
  })
})

const startKeys = ["id", "budget", "context"]

const randomId: Effect.Effect<string> = Effect.map(
  Effect.all([Random.nextIntBetween(0, 0xffffffff), Random.nextIntBetween(0, 0xffffffff), Clock.currentTimeMillis]),
  ([a, b, at]) => `${at.toString(36)}-${a.toString(36).padStart(7, "0")}${b.toString(36).padStart(7, "0")}`
)

const compiledProgram = (program: unknown): Effect.Effect<CompiledProgram, InvalidProgram> =>
  isProgram(program)
    ? Effect.succeed(compiledOf(program))
    : Effect.fail(new InvalidProgram({ program: "", message: "it was not made by Program.make" }))

const budgetOf = (
  program: CompiledProgram,
  override: Budget | undefined
): Effect.Effect<ResolvedBudget, InvalidInput> =>
  Effect.try({
    try: () => resolve(program.name, program.budget, override),
    catch: (error) =>
      new InvalidInput({ program: program.name, message: describePanic(error, Limits.errorTextLength).message })
  })

/** Validates an input; what the job is given is what decoding its canonical text gives. */
const encodeInput = (program: CompiledProgram, input: unknown) =>
  Effect.try({
    try: () => program.inputCodec.encode(input),
    catch: (error) =>
      new InvalidInput({
        program: program.name,
        message: `input: ${error instanceof InvalidValue ? error.message : String(error)}`
      })
  })

const encodeSeeds = (
  program: CompiledProgram,
  input: unknown
): Effect.Effect<ReadonlyArray<EncodedFact>, InvalidInput> =>
  Effect.suspend(() => {
    const invalid = (message: string) =>
      Effect.fail(new InvalidInput({ program: program.name, message: `seed: ${message}` }))
    let proposals: unknown
    try {
      proposals = program.seed(input)
    } catch (error) {
      return invalid(describePanic(error, Limits.errorTextLength).message)
    }
    if (!Array.isArray(proposals)) return invalid("it must return an array of proposals")
    // The built-in kind is the engine's own to write.
    const kindOf = (name: string) => (name === Violation.name ? undefined : program.kinds.get(name))
    return Effect.flatMap(inSlices(settled(encodeFacts(proposals, kindOf))), (facts) =>
      facts instanceof EffectFault ? invalid(facts.message) : Effect.succeed(facts)
    )
  })

/** Agents of the same program go on from where the earlier job's had come to; to others everything is new. */
const continueFrom = (session: JobSession, context: JobContext | undefined): void => {
  if (context === undefined || context.program !== session.program.name) return
  session.program.agents.forEach((agent, index) => {
    session.progress[index]!.mark = context.marks.get(agent.name) ?? 0
  })
}

/** Cycle 0: the seeds, as one effect, the first hash of the chain, and the journal's beginning. */
const plantSeeds = (
  session: JobSession,
  input: string,
  seeds: ReadonlyArray<EncodedFact>,
  context: JobContext | undefined
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { budget, counters, ledger, program } = session
    const merge = new CycleMerge(0, program, ledger, budget, counters)
    const effect = { facts: seeds, intents: [], evaluations: [], trace: undefined, tokens: 0 }
    const planted = yield* inSlices(merge.stage(effect, "seed"))
    const row = yield* inSlices(merge.finish(0, []))
    const pieces = yield* inSlices(genesisText(program.name, input, seeds, context?.hash))
    ledger.setHash(yield* inSlices(sha256Pieces("", pieces)))
    session.haltCause = merge.halt ?? haltOfSeeds(program, planted.cause)
    yield* inSlices(session.tracker.commit(row, ledger, yield* inSlices(merge.commitSteps()), session.haltCause))
    session.version = ledger.version
    session.log.append({
      _tag: "Started",
      program: program.name,
      version: ledger.version,
      hash: ledger.hash,
      seeds: planted.facts,
      violations: row.violations
    })
    const create = session.options.store.create({
      jobId: session.jobId,
      program: program.name,
      text: () => pieces.join(""),
      hash: ledger.hash
    })
    // An interrupted start has to know whether there is a journal to be ended.
    const stored = yield* Effect.uninterruptible(
      Effect.tap(Effect.exit(create), (exit) => Effect.sync(() => (session.isJournaled = Exit.isSuccess(exit))))
    )
    if (Exit.isFailure(stored)) {
      const { message } = describePanic(Cause.squash(stored.cause), Limits.errorTextLength)
      session.haltCause ??= { _tag: "StoreFailed", cycle: 0, message }
    }
  })

const haltOfSeeds = (program: CompiledProgram, cause: JobSession["haltCause"]): JobSession["haltCause"] => {
  if (cause?._tag !== "InvariantViolated") return cause
  const invariant = program.structural.find(({ name }) => name === cause.name)
  return invariant?.onViolation === "discard" ? undefined : cause
}

/** An engine over a `WorkerPool` and a `JobStore` of your choice. */
export const layer = (options?: EngineOptions): Layer.Layer<Engine, never, WorkerPool | JobStore> =>
  Layer.effect(Engine, makeEngine(options ?? {}))

/** An engine with the default pool (a worker per available core, started when first needed) and nothing durable. */
export const layerMemory: Layer.Layer<Engine> = layer().pipe(Layer.provide(poolLayer()), Layer.provide(storeMemory))
