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
import * as Schedule from "effect/Schedule"
import type { EncodedFact } from "../AgentEffect.ts"
import type { ResolvedBudget } from "../Budget.ts"
import { canonicalText } from "../Canonical.ts"
import type { EngineOptions, ForkOptions, InspectionObserver, StartOptions } from "../Engine.ts"
import type { InvalidProgram } from "../InvalidProgram.ts"
import type { Handler } from "../IntentHandler.ts"
import type { Job } from "../Job.ts"
import { Ledger } from "../JobContext.ts"
import { AdmissionRejected, HandlerRejected, InvalidInput, type StartError } from "../JobError.ts"
import type { Between } from "../journalExtra.ts"
import { Limits } from "../Limits.ts"
import { type CompiledProgram, compiledOf, type Program } from "../Program.ts"
import { JobStore, type StoredJournal, StoreError } from "../store/JobStore.ts"
import { WorkerPool } from "../workers/WorkerPool.ts"
import {
  budgetOf,
  compiledProgram,
  continueFrom,
  encodeFactsOf,
  encodeInput,
  encodeInputJson,
  encodeSeeds,
  freshBeginning,
  plantSeeds,
  refuseUnknown
} from "./beginning.ts"
import { type ChildStarter, childPerformer } from "./childJobs.ts"
import { runDetached } from "./fromEffect.ts"
import { approvalKind, childKind } from "./intentKinds.ts"
import { makeActor, makeEndedActor } from "./jobActor.ts"
import type { Beginning } from "./jobJournal.ts"
import { cancel, finishUndriven, fromSession } from "./jobHandle.ts"
import * as Telemetry from "./observability.ts"
import { replayAt } from "./migrate.ts"
import { Outbox, type Performer } from "./outbox.ts"
import { approvalPerformer, performerOf } from "./performers.ts"
import { JobSession } from "./session.ts"
import { endOfJournal, refuseOther, takeUp, type TakenUp } from "./storedJob.ts"

/** The service that `Engine.layer` provides; `inspect` is the Reference of that module. */
export const makeEngine = Effect.fnUntraced(function* (
  options: EngineOptions<Program.Any, unknown>,
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
  const performers = new Map<string, Performer>()
  const programs = new Map(
    [...(options.programs ?? []), ...(options.children ?? [])].map((it) => [it.name, compiledOf(it)])
  )
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

  /** A child needs no place: whoever waits for it has one. */
  const admission = (id: string, isChild = false): AdmissionRejected | undefined => {
    if (isShuttingDown) return new AdmissionRejected({ reason: "shutting-down" })
    const isFull = isChild
      ? sessions.size >= maxRunning + maxQueued
      : running >= maxRunning && queue.length >= maxQueued
    return isFull && !sessions.has(id) ? new AdmissionRejected({ reason: "queue-full" }) : undefined
  }

  const abandon = (session: JobSession): Effect.Effect<void> =>
    Effect.andThen(
      Effect.uninterruptible(session.letGo("cancelled")),
      Effect.sync(() => sessions.delete(session.jobId))
    )

  const invalidId = (compiled: CompiledProgram, jobId: unknown): InvalidInput | undefined => {
    const invalid = (message: string) => new InvalidInput({ program: compiled.name, message })
    if (typeof jobId !== "string" || jobId === "") return invalid("a job's id must be a string that is not empty")
    return sessions.has(jobId) ? invalid(`the job id ${JSON.stringify(jobId)} is that of a live job`) : undefined
  }

  /** Gives a session its actor and its place. */
  const launch = (session: JobSession, isPaused: boolean, isChild: boolean): JobSession => {
    const { services } = session.options
    session.actor = makeActor(session, Context.get(services, inspect), () => {
      if (session.driver === undefined && session.finished === undefined) runDetached(services, finishUndriven(session))
    })
    session.actor.start()
    if (isPaused) session.actor.send({ type: "PAUSE" })
    if (session.isClosed) return session
    if (isChild || running < maxRunning) begin(session)
    else queue.push(session)
    return session
  }

  /** Starts a job that is new. From here on everything is synchronous, but for what takes more than a slice, and the store. */
  const startNew = Effect.fnUntraced(function* (
    compiled: CompiledProgram,
    jobId: string,
    budget: ResolvedBudget,
    input: string,
    seeds: ReadonlyArray<EncodedFact>,
    beginning: Beginning,
    isChild = false
  ) {
    const services = yield* Effect.context<unknown>()
    const ledger = Ledger.make(compiled.name, compiled.triggers, beginning.context)
    const session = new JobSession({
      jobId,
      program: compiled,
      ledger,
      budget,
      services,
      pool,
      store,
      performers,
      fiberConcurrency,
      onFinished
    })
    const taken = invalidId(compiled, jobId)
    if (taken !== undefined) return yield* taken
    sessions.set(jobId, session)
    continueFrom(session, beginning)
    yield* Effect.onExit(plantSeeds(session, input, seeds, beginning), (exit) =>
      Exit.isFailure(exit) ? abandon(session) : Effect.void
    )
    const late = admission(isChild ? jobId : "", isChild)
    if (late !== undefined) {
      yield* abandon(session)
      return yield* late
    }
    return launch(session, false, isChild)
  })

  const startJob = Effect.fnUntraced(function* (program: Program.Any, input: unknown, startOptions: StartOptions) {
    const compiled = yield* compiledProgram(program)
    yield* refuseUnknown(compiled, startOptions, startKeys)
    const budget = yield* budgetOf(compiled, startOptions.budget)
    const jobId = startOptions.id ?? (yield* randomId)
    const encode = encodeInput(compiled, input)
    if (store.isDurable && typeof startOptions.id === "string") {
      const journal = yield* find(jobId)
      if (journal !== undefined) return yield* resumeStored(compiled, journal, (yield* encode).text)
    }
    const refused = admission(jobId) ?? invalidId(compiled, jobId)
    if (refused !== undefined) return yield* refused
    const encoded = yield* encode
    const seeds = yield* encodeSeeds(compiled, encoded.value)
    const { context } = startOptions
    return yield* startNew(compiled, jobId, budget, encoded.text, seeds, { ...freshBeginning, context })
  })

  const find = (jobId: string): Effect.Effect<StoredJournal | undefined, StoreError> =>
    Effect.catchTag(store.load(jobId), "StoreError", (error) =>
      error.reason === "missing" ? Effect.succeed(undefined) : Effect.fail(error)
    )

  /** Jobs that are being taken up: whoever asks for one meanwhile gets the same. */
  const resuming = new Map<string, Deferred.Deferred<JobSession, StartError>>()

  const resumeStored = (
    compiled: CompiledProgram,
    journal: StoredJournal,
    input: string | undefined,
    isChild = false
  ): Effect.Effect<JobSession, StartError, unknown> =>
    Effect.uninterruptibleMask((restore) => {
      const { jobId } = journal
      const other = refuseOther(journal, compiled, input)
      if (other !== undefined) return Effect.fail(other)
      const present = sessions.get(jobId)
      // One that is still being seeded has no actor to show.
      if (present !== undefined) {
        return present.isStarted ? Effect.succeed(present) : Effect.fail(invalidId(compiled, jobId)!)
      }
      const underWay = resuming.get(jobId)
      if (underWay !== undefined) return restore(Deferred.await(underWay))
      const taken = Deferred.makeUnsafe<JobSession, StartError>()
      resuming.set(jobId, taken)
      return Effect.onExit(restore(resumeAlone(compiled, journal, isChild)), (exit) =>
        Effect.sync(() => {
          resuming.delete(jobId)
          Deferred.doneUnsafe(taken, Exit.isSuccess(exit) || Cause.hasFails(exit.cause) ? exit : notResumed(jobId))
        })
      )
    })

  const resumeAlone = Effect.fnUntraced(function* (
    compiled: CompiledProgram,
    journal: StoredJournal,
    isChild: boolean
  ) {
    const { jobId } = journal
    const services = yield* Effect.context<unknown>()
    const sessionOf = ({ budget, ledger, log, replay }: TakenUp, onEnd: typeof onFinished): JobSession => {
      const replayed = { tracker: replay.tracker, log }
      const runs = { services, pool, store, performers, fiberConcurrency }
      const from = { jobId, program: compiled, ledger, budget, replayed, ...runs }
      const session = new JobSession({ ...from, onFinished: onEnd })
      session.resumeFrom(replay)
      return session
    }
    if (journal.status !== undefined) {
      const taken = yield* takeUp(store, journal, compiled, undefined)
      const { cause, output, usage } = endOfJournal(journal, compiled, taken)
      const session = sessionOf(taken, () => undefined)
      session.actor = makeEndedActor(session, journal.status, cause?._tag ?? null)
      for (const tag of taken.between) session.log.append({ _tag: tag, cycle: session.cycle })
      session.restoreEnd(journal.status, cause ?? undefined, usage, output)
      return session
    }
    const refused = admission(jobId, isChild)
    if (refused !== undefined) return yield* refused
    const fence = yield* store.lease(jobId)
    return yield* Effect.onExit(
      Effect.gen(function* () {
        // What was written between the first look and the lease counts.
        const current = yield* store.load(jobId)
        const taken = yield* takeUp(store, current, compiled, fence)
        const late = admission(jobId, isChild)
        if (late !== undefined) return yield* late
        const session = sessionOf(taken, onFinished)
        session.fence = fence
        session.kept = taken.kept
        sessions.set(jobId, session)
        const { pending } = taken.replay
        if (pending.size > 0) session.outbox = new Outbox(session, pending.values())
        session.between = betweenOf(taken.between)
        for (const tag of session.between) session.log.append({ _tag: tag, cycle: session.cycle })
        return launch(session, taken.between.at(-1) === "Paused", isChild)
      }),
      (exit) => (Exit.isFailure(exit) ? Effect.ignore(store.release(jobId, fence)) : Effect.void)
    )
  })

  const resumeJob = Effect.fnUntraced(function* (program: Program.Any, jobId: string) {
    const compiled = yield* compiledProgram(program)
    const present = sessions.get(jobId)
    if (present !== undefined && present.program === compiled && present.isStarted) return present
    return yield* resumeStored(compiled, yield* store.load(jobId), undefined)
  })

  /** The unfinished jobs of some programs, resumed as far as nobody else holds them. Each failure is told, and hinders no other. */
  const resumeAll = Effect.fnUntraced(function* (programs: ReadonlyArray<Program.Any>) {
    const resumed: Array<JobSession> = []
    for (const program of programs) {
      const compiled = yield* compiledProgram(program)
      let cursor: string | undefined
      do {
        const page = yield* store.list({ status: "unfinished", program: compiled.name, cursor })
        cursor = page.cursor
        for (const { jobId } of page.jobs) {
          const isNew = !sessions.has(jobId)
          const session = yield* Effect.matchEffect(resumeJob(program, jobId), {
            onFailure: (error) => Effect.as(tellNotResumed(jobId, error), undefined),
            onSuccess: Effect.succeed
          })
          if (session !== undefined && isNew) resumed.push(session)
        }
      } while (cursor !== undefined)
    }
    return resumed
  })

  const fork = Effect.fnUntraced(function* (
    program: Program.Any,
    jobId: string,
    forkOptions: ForkOptions<never, unknown>
  ) {
    const compiled = yield* compiledProgram(program)
    yield* refuseUnknown(compiled, forkOptions, forkKeys)
    const budget = yield* budgetOf(compiled, forkOptions.budget)
    const id = forkOptions.id ?? (yield* randomId)
    const refused = admission(id) ?? invalidId(compiled, id)
    if (refused !== undefined) return yield* refused
    const journal = yield* store.load(jobId)
    const other = refuseOther(journal, compiled, undefined)
    if (other !== undefined) return yield* other
    const given = forkOptions.input === undefined ? undefined : yield* encodeInput(compiled, forkOptions.input)
    const seeds = given === undefined ? [] : yield* encodeSeeds(compiled, given.value)
    const facts = yield* encodeFactsOf(compiled, "facts", () => forkOptions.facts ?? [])
    const { input, replay } = yield* replayAt(store, journal, compiled, forkOptions.at)
    for (const [agent, mark] of replay.marks) replay.ledger.marks.set(agent, mark)
    const context = replay.ledger.seal()
    const beginning = { context, executed: [...replay.executed], isForced: true }
    return yield* startNew(compiled, id, budget, given?.text ?? canonicalText(input), [...seeds, ...facts], beginning)
  })

  /** Starts the job of an intent, or takes it up: live, from its journal, or at its end. */
  const startChild: ChildStarter["start"] = (compiled, jobId, { budget: override, input }) => {
    const started: Effect.Effect<JobSession, StartError | InvalidProgram, unknown> = Effect.gen(function* () {
      const present = sessions.get(jobId)
      if (present !== undefined && present.program === compiled && present.isStarted) return present
      const refused = admission(jobId, true) ?? invalidId(compiled, jobId)
      if (refused !== undefined) return yield* refused
      const budget = yield* budgetOf(compiled, override)
      const encoded = yield* encodeInputJson(compiled, input)
      const journal = store.isDurable ? yield* find(jobId) : undefined
      if (journal !== undefined) return yield* resumeStored(compiled, journal, encoded.text, true)
      const seeds = yield* encodeSeeds(compiled, encoded.value)
      return yield* startNew(compiled, jobId, budget, encoded.text, seeds, freshBeginning, true)
    })
    // One that was taken up as any other may still wait for a place.
    const placed = Effect.tap(started, (session) =>
      Effect.sync(() => {
        const place = queue.indexOf(session)
        if (place >= 0) begin(queue.splice(place, 1)[0]!)
      })
    )
    // What the layer is built with has what the programs' agents need: its type says so.
    return Effect.provideContext(placed, own as Context.Context<unknown>)
  }

  performers.set(approvalKind, approvalPerformer)
  performers.set(
    childKind,
    childPerformer({
      programOf: (name) => programs.get(name),
      start: startChild,
      requestCancel: (jobId) => (store.isDurable ? Effect.ignore(store.requestCancel(jobId)) : Effect.void),
      services: own
    })
  )

  const register = (handler: Handler<unknown>, services: Context.Context<unknown>): void => {
    performers.set(handler.kind, performerOf(handler, services))
    for (const session of sessions.values()) session.outbox?.begin()
  }
  for (const handler of options.handlers ?? []) register(handler, own as Context.Context<unknown>)

  const handle = (handler: Handler<unknown>): Effect.Effect<void, HandlerRejected, unknown> =>
    Effect.flatMap(Effect.context<unknown>(), (services) => {
      if (!performers.has(handler.kind)) return Effect.sync(() => register(handler, services))
      const message = `there is a handler of ${JSON.stringify(handler.kind)} already`
      return Effect.fail(new HandlerRejected({ kind: handler.kind, message }))
    })

  if (store.isDurable) {
    const cancelAsked = Effect.flatMap(store.cancelRequests, (ids) =>
      Effect.forEach(
        ids.flatMap((id) => sessions.get(id) ?? []).filter(({ isStarted }) => isStarted),
        cancel,
        { concurrency: "unbounded", discard: true }
      )
    )
    const watched = Effect.catchCause(cancelAsked, (cause) => Effect.logWarning("the store could not be asked", cause))
    yield* Effect.forkScoped(Effect.repeat(watched, Schedule.spaced(Limits.cancelPollMs)))
    const resumable = options.programs ?? []
    if (resumable.length > 0) {
      // What the layer is built with has what their agents need: its type says so.
      const services = own as Context.Context<unknown>
      const scan = Effect.catchCause(Effect.provideContext(resumeAll(resumable), services), (cause) =>
        Effect.logWarning("unfinished jobs could not be looked for", cause)
      )
      yield* Effect.forkScoped(Effect.repeat(scan, Schedule.spaced(Limits.resumeScanMs)))
    }
  }

  /** Lets the jobs that are there end, or ends them; those of a durable store are left so that they can be resumed. */
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
    if (store.isDurable) for (const session of started) session.isSuspended = true
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
    resume: <P extends Program.Any>(program: P, jobId: string) =>
      Effect.map(resumeJob(program, jobId), (session) => fromSession<P>(session)) as Effect.Effect<
        Job<P>,
        StartError | InvalidProgram,
        Exclude<Program.Services<P>, Scope.Scope>
      >,
    resumeAll: <P extends Program.Any>(programs: ReadonlyArray<P>) =>
      Effect.map(resumeAll(programs), (resumed) => resumed.map((session) => fromSession<P>(session))) as Effect.Effect<
        ReadonlyArray<Job<P>>,
        StoreError | InvalidProgram,
        Exclude<Program.Services<P>, Scope.Scope>
      >,
    fork: <P extends Program.Any>(
      program: P,
      jobId: string,
      forkOptions?: ForkOptions<Program.Kinds<P>, Program.Input<P>>
    ) =>
      Effect.map(fork(program, jobId, forkOptions ?? {}), (session) => fromSession<P>(session)) as Effect.Effect<
        Job<P>,
        StartError | InvalidProgram,
        Exclude<Program.Services<P>, Scope.Scope>
      >,
    handle: <R>(handler: Handler<R>) => handle(handler) as Effect.Effect<void, HandlerRejected, R>,
    live: Effect.sync(() => [...sessions.values()].map(({ jobId, program }) => ({ jobId, program: program.name })))
  }
})

/** What happened since the last row and is not said again: where the job rests, or was just woken, it comes to rest anew. */
const betweenOf = (between: ReadonlyArray<Between>): Array<Between> => {
  const [before, last] = between.slice(-2)
  if (last === "Resumed") return between.slice(0, before === "Awaiting" ? -2 : undefined)
  return between.slice(0, -1)
}

const startKeys = ["id", "budget", "context"]
const forkKeys = ["at", "facts", "input", "id", "budget"]

/** What those get who waited for a job to be taken up, when that was interrupted. */
const notResumed = (jobId: string): Exit.Exit<never, StoreError> =>
  Exit.fail(new StoreError({ reason: "failed", message: `taking up the job ${jobId} was interrupted` }))

/** A job that another engine holds is not news: it is looked at again. */
const tellNotResumed = (jobId: string, error: StartError | InvalidProgram): Effect.Effect<void> =>
  error._tag === "StoreError" && error.reason === "held"
    ? Effect.logDebug(`the job ${jobId} is held by another engine`)
    : Effect.logWarning(`the job ${jobId} was not resumed: ${error.message}`)

const randomWord = Random.nextIntBetween(0, 0xffffffff)

const randomId: Effect.Effect<string> = Effect.flatMap(randomWord, (a) =>
  Effect.flatMap(randomWord, (b) =>
    Effect.map(
      Clock.currentTimeMillis,
      (at) => `${at.toString(36)}-${a.toString(36).padStart(7, "0")}${b.toString(36).padStart(7, "0")}`
    )
  )
)
