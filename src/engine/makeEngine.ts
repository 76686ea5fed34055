/**
 * What an engine does, behind `Engine.layer`, which loads this file and with it everything that runs jobs.
 *
 * Boundary: admission, the start and the end of jobs. What a job does in between is its machine's and its driver's.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Schedule from "effect/Schedule"
import { canonicalText } from "../values/Canonical.ts"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import type { Handler } from "../intents/IntentHandler.ts"
import type { Job } from "../job/Job.ts"
import { AdmissionRejected, HandlerRejected, InvalidInput, type StartError } from "../outcome/JobError.ts"
import { Limits } from "../Limits.ts"
import { type Program } from "../program/Program.ts"
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
  randomId,
  refuseUnknown,
  unfitId
} from "./beginning.ts"
import { type ChildStarter, childPerformer } from "./childJobs.ts"
import { letGo } from "../job/ending.ts"
import { endOrAsk } from "../job/endStored.ts"
import { approvalKind, childKind } from "../program/answerKinds.ts"
import { makeActor, type InspectionObserver } from "../job/jobActor.ts"
import { endIn } from "../journal/edges.ts"
import type { Beginning } from "../job/journaling.ts"
import { JobQueue } from "./jobQueue.ts"
import { cancel, finishUndriven, fromSession } from "../job/jobHandle.ts"
import * as Telemetry from "../job/observability.ts"
import { replayAt } from "../journal/migrate.ts"
import { OwedEnds } from "./owedEnds.ts"
import { type Performer } from "../intents/outbox.ts"
import { approvalPerformer, performerOf } from "../intents/performers.ts"
import { JobSession } from "../job/session.ts"
import { takeUp } from "./takeUp.ts"
import { betweenOf, endedSession, notResumed, sessionFrom, tellNotResumed } from "./resumed.ts"
import { Turns } from "../platform/turns.ts"
import type { EngineOptions, ForkOptions, StartOptions } from "./options.ts"
import { findJournal, refuseOther } from "../journal/find.ts"
import { Ledger } from "../context/Ledger.ts"
import { runDetached } from "../platform/detached.ts"
import type { EncodedFact } from "../program/encoded.ts"
import { type CompiledProgram, compiledOf } from "../program/erased.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"

/** The service that `Engine.layer` provides; `inspect` is the Reference of that module. */
export const makeEngine = Effect.fnUntraced(function* (
  options: EngineOptions<Program.Any, unknown>,
  inspect: Context.Reference<InspectionObserver | undefined>
) {
  const pool = yield* WorkerPool
  const store = yield* JobStore
  const own = yield* Effect.context<never>()
  const sessions = new Map<string, JobSession>()
  const queue = new JobQueue()
  const maxRunning = options.maxRunningJobs ?? Limits.runningJobs
  const maxQueued = options.maxQueuedJobs ?? Limits.queuedJobs
  const fiberConcurrency = options.fiberConcurrency ?? Limits.fiberConcurrency
  const performers = new Map<string, Performer>()
  const programs = new Map(
    [...(options.programs ?? []), ...(options.children ?? [])].map((it) => [it.name, compiledOf(it)])
  )
  const runs = { pool, store, performers, fiberConcurrency }
  const turns = new Turns()
  let running = 0
  /** Jobs that are admitted and not begun: they have their places. */
  let starting = 0
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
    owed.note(session)
    Telemetry.noteHalted(own, session.finished ?? "failed")
    if (!session.isAdmitted) {
      queue.remove(session)
      return
    }
    running--
    Telemetry.noteRunning(own, running)
    beginNext()
  }

  /** A child needs no place: whoever waits for it has one. How many there are is for childJobs.ts to say. */
  const admission = (id: string, isChild = false): AdmissionRejected | undefined => {
    if (isShuttingDown) return new AdmissionRejected({ reason: "shutting-down" })
    if (isChild || sessions.has(id)) return undefined
    const free = Math.max(0, maxRunning - running)
    const isFull =
      starting >= free + maxQueued - queue.length || (free === 0 && queue.textLength >= Limits.queuedLength)
    if (isFull) return new AdmissionRejected({ reason: "queue-full" })
    return isUnderPressure() ? new AdmissionRejected({ reason: "memory-pressure" }) : undefined
  }

  const isUnderPressure = (): boolean => {
    const { maxLiveContextBytes } = options
    if (maxLiveContextBytes === undefined) return false
    let bytes = 0
    for (const { ledger } of sessions.values()) bytes += ledger.contextBytes
    return bytes >= maxLiveContextBytes
  }

  const abandon = (session: JobSession): Effect.Effect<void> =>
    Effect.andThen(
      Effect.uninterruptible(letGo(session, "cancelled")),
      Effect.sync(() => sessions.delete(session.jobId))
    )

  const invalidId = (compiled: CompiledProgram, jobId: string): InvalidInput | undefined => {
    if (!sessions.has(jobId)) return unfitId(compiled, jobId)
    const message = `the job id ${JSON.stringify(jobId)} is that of a live job`
    return new InvalidInput({ program: compiled.name, message })
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
    hasOwnId: boolean,
    isChild = false
  ) {
    const services = yield* Effect.context<unknown>()
    const ledger = Ledger.make(compiled.name, compiled.triggers, beginning.context)
    const session = new JobSession({ jobId, program: compiled, ledger, budget, services, ...runs, onFinished })
    // Whoever calls this has asked before the input was encoded, which may have taken turns.
    const refused = invalidId(compiled, jobId) ?? admission(jobId, isChild)
    if (refused !== undefined) return yield* refused
    sessions.set(jobId, session)
    if (!isChild) starting++
    continueFrom(session, beginning)
    yield* Effect.onExit(plantSeeds(session, input, seeds, beginning), (exit) => {
      if (!isChild) starting--
      return Exit.isFailure(exit) ? abandon(session) : Effect.void
    })
    if (isShuttingDown) {
      // What has an id of its own can be started again by it.
      session.isSuspended = store.isDurable && hasOwnId
      yield* abandon(session)
      return yield* new AdmissionRejected({ reason: "shutting-down" })
    }
    return launch(session, false, isChild)
  })

  const startJob = Effect.fnUntraced(function* (program: Program.Any, input: unknown, startOptions: StartOptions) {
    const compiled = yield* compiledProgram(program)
    yield* refuseUnknown(compiled, startOptions, startKeys)
    const budget = yield* budgetOf(compiled, startOptions.budget)
    const jobId = startOptions.id ?? (yield* randomId)
    const hasOwnId = startOptions.id !== undefined
    const unfit = unfitId(compiled, jobId)
    if (unfit !== undefined) return yield* unfit
    const { context } = startOptions
    const begin = Effect.gen(function* () {
      const encode = encodeInput(compiled, input)
      if (store.isDurable && hasOwnId) {
        const journal = yield* findJournal(store, jobId)
        if (journal !== undefined) return yield* resumeStored(compiled, journal, (yield* encode).text)
      }
      const refused = admission(jobId) ?? invalidId(compiled, jobId)
      if (refused !== undefined) return yield* refused
      const encoded = yield* encode
      const seeds = yield* encodeSeeds(compiled, encoded.value)
      return yield* startNew(compiled, jobId, budget, encoded.text, seeds, { ...freshBeginning, context }, hasOwnId)
    })
    if (!store.isDurable || !hasOwnId) return yield* begin
    // Whoever comes second, here or in another process, takes up what the first has begun.
    const again = Effect.catchTag(begin, "StoreError", (error) =>
      error.reason === "exists" ? begin : Effect.fail(error)
    )
    return yield* turns.take(jobId, again)
  })

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
    const end = yield* endIn(journal)
    if (end !== undefined) return yield* endedSession(runs, compiled, journal, end)
    yield* owed.settle(jobId)
    const refused = admission(jobId, isChild)
    if (refused !== undefined) return yield* refused
    const fence = yield* Effect.catchTag(store.lease(jobId), "StoreError", (error) =>
      error.reason === "missing" ? Effect.succeed(undefined) : Effect.fail(error)
    )
    if (fence === undefined) {
      // It has ended since it was looked at.
      const ended = yield* store.load(jobId)
      const end = yield* endIn(ended)
      if (end !== undefined) return yield* endedSession(runs, compiled, ended, end)
      return yield* new StoreError({ reason: "missing", message: `there is no unfinished job ${jobId}` })
    }
    return yield* Effect.onExit(
      Effect.gen(function* () {
        // What was written between the first look and the lease counts.
        const current = yield* store.load(jobId)
        const taken = yield* takeUp(store, current, compiled, fence)
        const late = admission(jobId, isChild)
        if (late !== undefined) return yield* late
        const session = sessionFrom({ ...runs, services, onFinished }, compiled, jobId, taken)
        session.fence = fence
        session.kept = taken.kept
        sessions.set(jobId, session)
        const { pending } = taken.replay
        if (pending.size > 0) session.openOutbox(pending.values())
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
          if (sessions.has(jobId)) continue
          const session = yield* Effect.matchCauseEffect(resumeJob(program, jobId), {
            onFailure: (cause) => Effect.as(tellNotResumed(jobId, cause), undefined),
            onSuccess: Effect.succeed
          })
          if (session !== undefined) resumed.push(session)
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
    return yield* startNew(
      compiled,
      id,
      budget,
      given?.text ?? canonicalText(input),
      [...seeds, ...facts],
      beginning,
      forkOptions.id !== undefined
    )
  })

  /** Starts the job of an intent, or takes it up: live, from its journal, or at its end. */
  const startChild: ChildStarter["start"] = (compiled, jobId, { budget: override, input }, parent) => {
    const started: Effect.Effect<JobSession, StartError | InvalidProgram, unknown> = Effect.gen(function* () {
      const present = sessions.get(jobId)
      if (present !== undefined && present.program === compiled && present.isStarted) return present
      const refused = admission(jobId, true) ?? invalidId(compiled, jobId)
      if (refused !== undefined) return yield* refused
      const budget = yield* budgetOf(compiled, override)
      const encoded = yield* encodeInputJson(compiled, input)
      const journal = store.isDurable ? yield* findJournal(store, jobId) : undefined
      if (journal !== undefined) return yield* resumeStored(compiled, journal, encoded.text, true)
      const seeds = yield* encodeSeeds(compiled, encoded.value)
      const beginning = { ...freshBeginning, parent }
      return yield* startNew(compiled, jobId, budget, encoded.text, seeds, beginning, true, true)
    })
    // One that was not taken up as a child may still wait for a place.
    const placed = Effect.tap(started, (session) =>
      Effect.sync(() => {
        if (queue.remove(session)) begin(session)
      })
    )
    // What the layer is built with has what the programs' agents need: its type says so.
    return Effect.provideContext(placed, own as Context.Context<unknown>)
  }

  /** Ends a job of the store for good: live here, held elsewhere, or held by nobody. */
  const endJob = (jobId: string): ReturnType<typeof endOrAsk> =>
    Effect.gen(function* () {
      const underWay = resuming.get(jobId)
      if (underWay !== undefined) yield* Effect.exit(Deferred.await(underWay))
      const present = sessions.get(jobId)
      if (present?.isStarted === true) yield* cancel(present)
      // A job that its closing engine has let go of is still to be ended.
      yield* endOrAsk(store, jobId, endJob)
    })
  const owed = new OwedEnds((jobId) => endOrAsk(store, jobId, endJob))

  performers.set(approvalKind, approvalPerformer)
  performers.set(
    childKind,
    childPerformer({
      most: options.maxChildJobs ?? Limits.childJobs,
      programOf: (name) => programs.get(name),
      start: startChild,
      end: endJob,
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
    const watched = Effect.catchCause(Effect.andThen(cancelAsked, owed.settleAll), (cause) =>
      Effect.logWarning("the store could not be asked", cause)
    )
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
    if (store.isDurable) for (const session of started) session.isSuspended = !session.isCancelAsked
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

const startKeys = ["id", "budget", "context"]
const forkKeys = ["at", "facts", "input", "id", "budget"]
