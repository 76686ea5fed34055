/**
 * What an engine does, behind `Engine.layer`, which loads this file and with it everything that runs jobs.
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
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { EncodedFact } from "../AgentEffect.ts"
import { type Budget, resolve, type ResolvedBudget } from "../Budget.ts"
import type { EngineOptions, InspectionObserver, StartOptions } from "../Engine.ts"
import { InvalidProgram } from "../InvalidProgram.ts"
import { Violation } from "../Invariant.ts"
import type { Job } from "../Job.ts"
import { type JobContext, Ledger } from "../JobContext.ts"
import { AdmissionRejected, InvalidInput, type StartError } from "../JobError.ts"
import { describePanic } from "./panic.ts"
import { Limits } from "../Limits.ts"
import { genesisText, type TextPieces } from "../journalText.ts"
import { CycleMerge } from "../merge.ts"
import { type CompiledProgram, compiledOf, isProgram, type Program } from "../Program.ts"
import { JobStore } from "../store/JobStore.ts"
import { WorkerPool } from "../workers/WorkerPool.ts"
import { EffectFault, encodeFacts } from "./encodeEffect.ts"
import { runDetached } from "./fromEffect.ts"
import { makeActor } from "./jobActor.ts"
import { cancel, finishUndriven, fromSession, settled } from "./jobHandle.ts"
import { isInvalidValue } from "./InvalidValue.ts"
import * as Telemetry from "./observability.ts"
import { JobSession } from "./session.ts"
import { sha256Pieces } from "./sha256.ts"
import { inSlices, inSlicesThen, type Pending } from "./slices.ts"

/** The service that `Engine.layer` provides; `inspect` is the Reference of that module. */
export const makeEngine = Effect.fnUntraced(function* (
  options: EngineOptions,
  inspect: Context.Reference<InspectionObserver | undefined>
) {
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

  /** Lets the jobs that are there end, or ends them. */
  const drain = Effect.fnUntraced(function* (drainMs: number) {
    if (drainMs > 0) {
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

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isShuttingDown = true
      const drainMs = Duration.toMillis(Duration.fromInputUnsafe(options.drainTimeout ?? 0))
      return sessions.size === 0 ? Effect.void : drain(drainMs)
    })
  )

  return {
    start: <P extends Program.Any>(program: P, input: Program.Input<P>, startOptions?: StartOptions) =>
      Effect.map(startJob(program, input, startOptions ?? {}), (session) => fromSession<P>(session)) as Effect.Effect<
        Job<P>,
        StartError | InvalidProgram,
        Exclude<Program.Services<P>, Scope.Scope>
      >,
    live: Effect.sync(() => [...sessions.values()].map(({ jobId, program }) => ({ jobId, program: program.name })))
  }
})

const startKeys = ["id", "budget", "context"]

const randomWord = Random.nextIntBetween(0, 0xffffffff)

const randomId: Effect.Effect<string> = Effect.flatMap(randomWord, (a) =>
  Effect.flatMap(randomWord, (b) =>
    Effect.map(
      Clock.currentTimeMillis,
      (at) => `${at.toString(36)}-${a.toString(36).padStart(7, "0")}${b.toString(36).padStart(7, "0")}`
    )
  )
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
        message: `input: ${isInvalidValue(error) ? error.message : String(error)}`
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
  Effect.suspend(
    () =>
      inSlicesThen(plantSteps(session, input, seeds, context), (pieces) => journalBegins(session, pieces)) ??
      Effect.void
  )

function* plantSteps(
  session: JobSession,
  input: string,
  seeds: ReadonlyArray<EncodedFact>,
  context: JobContext | undefined
): Generator<void, TextPieces> {
  const { budget, counters, ledger, program } = session
  const merge = new CycleMerge(0, program, ledger, budget, counters)
  const effect = { facts: seeds, intents: [], evaluations: [], trace: undefined, tokens: 0 }
  const planted = yield* merge.stage(effect, "seed")
  const row = yield* merge.finish(0, [])
  const pieces = yield* genesisText(program.name, input, seeds, context?.hash)
  ledger.setHash(yield* sha256Pieces("", pieces))
  session.haltCause = merge.halt ?? haltOfSeeds(program, planted.cause)
  yield* session.tracker.commit(row, ledger, yield* merge.commitSteps(), session.haltCause)
  session.version = ledger.version
  session.log.append({
    _tag: "Started",
    program: program.name,
    version: ledger.version,
    hash: ledger.hash,
    seeds: planted.facts,
    violations: row.violations
  })
  return pieces
}

const journalBegins = (session: JobSession, pieces: TextPieces): Pending => {
  const { jobId, ledger, program } = session
  const created = session.options.store.create({
    jobId,
    program: program.name,
    text: () => pieces.join(""),
    hash: ledger.hash
  })
  if (Exit.isExit(created) && Exit.isSuccess(created)) {
    session.isJournaled = true
    return undefined
  }
  // An interrupted start has to know whether there is a journal to be ended.
  return Effect.uninterruptible(
    Effect.matchCause(created, {
      onSuccess: () => {
        session.isJournaled = true
      },
      onFailure: (cause) => {
        const { message } = describePanic(Cause.squash(cause), Limits.errorTextLength)
        session.haltCause ??= { _tag: "StoreFailed", cycle: 0, message }
      }
    })
  )
}

const haltOfSeeds = (program: CompiledProgram, cause: JobSession["haltCause"]): JobSession["haltCause"] => {
  if (cause?._tag !== "InvariantViolated") return cause
  const invariant = program.structural.find(({ name }) => name === cause.name)
  return invariant?.onViolation === "discard" ? undefined : cause
}
