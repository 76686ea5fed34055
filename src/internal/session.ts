/**
 * A job's session: everything a running job holds outside of its machine.
 *
 * The machine's context is small JSON; facts, marks, mailbox and log live here, and are let go together when the job halts
 * (G13). The driver (driver.ts) works on a session; the handle (jobHandle.ts) shows it.
 *
 * Invariants: only the driver writes the ledger; `finish` happens once; nothing here outlives the session but its result.
 * Boundary: state and its bookkeeping; no phase of a cycle is decided here.
 */
import type * as EffectCause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Actor } from "xstate"
import type { jobMachine } from "../../machines/job.machine.ts"
import type { EncodedEffect } from "../AgentEffect.ts"
import type { ResolvedBudget, Usage } from "../Budget.ts"
import { type AgentProgress, Candidates, type Selection } from "../eligibility.ts"
import { AdmissionRejected, InvalidInput, type JobError, JobHalted } from "../JobError.ts"
import type { JobTelemetry } from "../JobEvent.ts"
import type { JobResult } from "../JobResult.ts"
import { Limits } from "../Limits.ts"
import type { CycleMerge } from "../merge.ts"
import type { Replay } from "../replay.ts"
import type { JobStore } from "../store/JobStore.ts"
import type { WorkerPool } from "../workers/WorkerPool.ts"
import type { Gate } from "./contextView.ts"
import type { Between } from "../journalExtra.ts"
import { endChildren } from "./endStored.ts"
import { EventLog } from "./eventLog.ts"
import type { RunningGroup } from "./fiberGroup.ts"
import type { Outbox, Performers } from "./outbox.ts"
import { endJournal } from "./jobJournal.ts"
import { Tracker } from "./tracker.ts"
import type { Cause, Status } from "./Cause.ts"
import type { Counters, MergedOutcome, TaskOutcome } from "./CommittedCycle.ts"
import { fromCause } from "./fromCause.ts"
import type { CompiledProgram } from "./compile.ts"
import type { Ledger } from "./Ledger.ts"

export type JobActor = Actor<typeof jobMachine>

/** A signal that waits, or is staged in the current cycle, and the caller that waits for it. */
export interface PendingSignal {
  readonly effect: EncodedEffect
  /** When it came, in milliseconds since the epoch. */
  readonly at: number
  /** Characters of its facts. */
  readonly length: number
  readonly committed: Deferred.Deferred<void, InvalidInput | JobHalted>
}

interface TelemetryListener {
  readonly report: (item: JobTelemetry) => void
  readonly end: () => void
}

/** Where a job stands that does not run, but is neither queued nor at its end. */
export type Rest = "paused" | "awaiting"

const noKinds: ReadonlyArray<string> = Object.freeze([])

export interface SessionOptions {
  readonly jobId: string
  readonly program: CompiledProgram
  readonly ledger: Ledger
  readonly budget: ResolvedBudget
  /** Who performs intents. */
  readonly performers: Performers
  /** What agents run with: the services of the caller that started the job. */
  readonly services: Context.Context<unknown>
  readonly pool: WorkerPool["Service"]
  readonly store: JobStore["Service"]
  readonly fiberConcurrency: number
  /** Of a job that is taken up where its journal ends: when it began, and what its replay made. */
  readonly replayed?: { readonly createdAt: number; readonly tracker: Tracker; readonly log: EventLog } | undefined
  /** Called once, when the job has let go of everything. */
  readonly onFinished: (session: JobSession, status: Status) => void
}

export class JobSession {
  readonly jobId: string
  readonly options: SessionOptions
  readonly program: CompiledProgram
  readonly ledger: Ledger
  readonly budget: ResolvedBudget
  /** In milliseconds since the epoch: what its journal says, from when it has one. */
  createdAt = 0
  readonly counters: Counters = { facts: 0, agents: 0, tokens: 0 }
  readonly progress: ReadonlyArray<AgentProgress>
  readonly candidates: Candidates
  readonly mailbox: Array<PendingSignal> = []
  readonly log: EventLog
  readonly tracker: Tracker
  /** Resources that agents acquire live until the job ends. */
  readonly scope = Scope.makeUnsafe()
  readonly done = Deferred.makeUnsafe<JobResult, JobError>()
  actor!: JobActor

  /** The last committed cycle and its tier. */
  cycle = 0
  tier = -1
  /** The context's version after it. */
  version = 0
  cpuMs = 0
  /** Why the job halts after this cycle, if it does. */
  haltCause: Cause | undefined
  /** Under which the store takes writes of this job; undefined while it has no journal of it. */
  fence: number | undefined
  /** What happened since the last committed cycle. */
  between: Array<Between> = []
  /** What tasks gave in a cycle that the process did not live to commit, by task. */
  kept: ReadonlyMap<string, EncodedEffect> | undefined
  /** The engine closes: the job is left in its journal, to be resumed. */
  isSuspended = false
  /** Somebody wants the job to end for good. */
  isCancelAsked = false
  /** The journal has the job's end. */
  isEndStored = false
  /** How far the job is below one that nobody's intent started. */
  level = 0
  /** Whether the engine gave the job a place, rather than leave it in its queue. */
  isAdmitted = false
  /** Names the driver that works on this session at the moment, if one does. */
  driver: object | undefined
  finished: Status | undefined
  output: unknown
  /** The state that the machine rests in, outside of `running`; and whether the log says so. */
  rest: Rest | undefined
  isRestTold = false
  /** Whether a driver has worked on this session: before that, no intent is performed. */
  isBegun = false
  /** Intents that are performed; undefined while there were none. */
  outbox: Outbox | undefined
  /** The kinds of intents of the cycle being committed that are performed, and when it is. */
  performed: ReadonlyArray<string> = noKinds
  committedAt = 0
  readonly pauseWaiters: Array<Deferred.Deferred<void, JobHalted>> = []

  // The cycle under way.
  merge: CycleMerge | undefined
  staged: Array<{ readonly signal: PendingSignal; readonly outcome: MergedOutcome }> = []
  selection: Selection | undefined
  /** The names of the selected agents. */
  agents: ReadonlyArray<string> = []
  begin = 0
  gate: Gate = { open: false }
  outcomes: ReadonlyArray<TaskOutcome> = []
  /** The fibers of the tasks under way. */
  group: RunningGroup<Scope.Scope> | undefined
  /** Stops the tasks under way, with the cause that ends the job. */
  stopTasks: ((cause: Cause) => void) | undefined

  /** What fiber agents run with. */
  readonly taskServices: Context.Context<Scope.Scope>
  /** Made when the first reader comes. */
  #listeners: Set<TelemetryListener> | undefined
  #hasLetGo = false
  #ranMs = 0
  #runningSince: number | undefined

  constructor(options: SessionOptions) {
    this.options = options
    this.taskServices = Context.add(options.services, Scope.Scope, this.scope)
    this.jobId = options.jobId
    this.program = options.program
    this.ledger = options.ledger
    this.budget = options.budget
    if (options.replayed !== undefined) this.createdAt = options.replayed.createdAt
    this.tracker = options.replayed?.tracker ?? new Tracker(options.jobId, options.program)
    this.log = options.replayed?.log ?? new EventLog()
    this.candidates = new Candidates(options.program)
    this.progress = options.program.agents.map(() => ({ mark: 0, executed: false }))
  }

  /** Live progress, from when it is first pulled until the job has ended. A slow reader loses the oldest items. */
  get telemetry(): Stream.Stream<JobTelemetry> {
    return Stream.callback<JobTelemetry>(
      (queue) => {
        const listener: TelemetryListener = {
          report: (item) => void Queue.offerUnsafe(queue, item),
          end: () => void Queue.endUnsafe(queue)
        }
        return Effect.acquireRelease(
          Effect.sync(() => {
            if (this.finished === undefined) (this.#listeners ??= new Set()).add(listener)
            else listener.end()
          }),
          () => Effect.sync(() => this.#listeners?.delete(listener))
        )
      },
      { bufferSize: Limits.telemetryBuffer, strategy: "sliding" }
    )
  }

  /** Where to report progress, or undefined while nobody listens. */
  get report(): ((item: JobTelemetry) => void) | undefined {
    const listeners = this.#listeners
    if (listeners === undefined || listeners.size === 0) return undefined
    return (item) => {
      for (const listener of listeners) listener.report(item)
    }
  }

  /** Starts or goes on with the duration clock. */
  startClock(nowMs: number): void {
    this.#runningSince ??= nowMs
  }

  stopClock(nowMs: number): void {
    if (this.#runningSince === undefined) return
    this.#ranMs += nowMs - this.#runningSince
    this.#runningSince = undefined
  }

  /** Takes up a job where its journal ends. */
  resumeFrom(replay: Replay): void {
    this.cycle = replay.cycle
    this.tier = replay.tier
    this.version = this.ledger.version
    this.cpuMs = replay.cpuMs
    this.#ranMs = replay.ranMs
    this.haltCause = replay.halt
    Object.assign(this.counters, replay.counters)
    this.program.agents.forEach(({ name }, index) => {
      const progress = this.progress[index]!
      progress.mark = replay.marks.get(name) ?? 0
      progress.executed = replay.executed.has(name)
    })
  }

  /** Takes up a job that has ended: nothing of it runs any more. */
  restoreEnd(status: Status, cause: Cause | undefined, usage: Usage, output: unknown): void {
    this.finished = status
    this.isEndStored = true
    this.#hasLetGo = true
    this.output = output
    this.#ranMs = usage.durationMs
    this.cpuMs = usage.cpuMs
    this.#end(status, cause, this.#outcome(status, cause, 0))
  }

  /** Milliseconds that the job has run, pauses excluded. */
  durationMs(nowMs: number): number {
    return this.#ranMs + (this.#runningSince === undefined ? 0 : nowMs - this.#runningSince)
  }

  usage(nowMs: number): Usage {
    return {
      cycles: this.cycle,
      facts: this.counters.facts,
      agents: this.counters.agents,
      durationMs: this.durationMs(nowMs),
      cpuMs: this.cpuMs,
      contextBytes: this.ledger.contextBytes,
      tokens: this.counters.tokens
    }
  }

  /** Takes a signal into the mailbox, or says why not. */
  offer(effect: EncodedEffect): Effect.Effect<void, InvalidInput | AdmissionRejected | JobHalted> {
    return Effect.suspend((): Effect.Effect<void, InvalidInput | AdmissionRejected | JobHalted> => {
      if (this.isClosed) return Effect.fail(this.halted())
      const length = effect.facts.reduce((sum, { text }) => sum + text.length, 0)
      if (this.#isMailboxFull(length)) return Effect.fail(new AdmissionRejected({ reason: "queue-full" }))
      const signal: PendingSignal = { effect, at: this.clockMs, length, committed: Deferred.makeUnsafe() }
      this.mailbox.push(signal)
      this.wake()
      return Effect.onInterrupt(Deferred.await(signal.committed), () =>
        Effect.sync(() => {
          const index = this.mailbox.indexOf(signal)
          if (index >= 0) this.mailbox.splice(index, 1)
        })
      )
    })
  }

  /** Whether a signal of so many characters finds no room. */
  #isMailboxFull(length: number): boolean {
    const { mailbox } = this
    if (mailbox.length === 0) return false
    const sum = mailbox.reduce((sum, waiting) => sum + waiting.length, length)
    return mailbox.length >= Limits.mailboxSignals || sum > Limits.mailboxLength
  }

  /** The time by the clock of the job's services. */
  get clockMs(): number {
    return Context.get(this.options.services, Clock.Clock).currentTimeMillisUnsafe()
  }

  /** Lets a job go on that awaits answers, if there is something for it: a signal, or all the answers. */
  wake(): void {
    if (this.rest !== "awaiting" || !this.isRestTold || this.isClosed) return
    if (this.mailbox.length === 0) {
      if (this.outbox?.isDue !== true) return
      this.outbox.admit()
    }
    this.actor.send({ type: "WAKE" })
  }

  /** Whether the job has an actor yet: its seeds are planted first. */
  get isStarted(): boolean {
    return this.actor !== undefined
  }

  /** Whether the machine has reached a final state, or its driver died: nothing more is taken in. */
  get isClosed(): boolean {
    return this.finished !== undefined || this.actor.getSnapshot().status !== "active"
  }

  /** Whether a job that ends so is left in its journal, to be resumed: its store failed, or its engine closes. */
  isLeftAs(status: Status | undefined): boolean {
    return this.haltCause?._tag === "StoreFailed" || (this.isSuspended && status === "cancelled")
  }

  /** Whether it was cancelled for good, and its journal does not say so. */
  get isCancelOwed(): boolean {
    const { fence, finished, haltCause, isCancelAsked, isEndStored, isSuspended, options } = this
    const isOwed = isCancelAsked && !isEndStored && !isSuspended && options.store.isDurable && fence !== undefined
    return isOwed && (finished === "cancelled" || haltCause?._tag === "StoreFailed")
  }

  halted(): JobHalted {
    return new JobHalted({ jobId: this.jobId, status: this.finished ?? this.#statusOfMachine() })
  }

  #statusOfMachine(): Status {
    return this.actor.getSnapshot().context.halt?.status ?? "cancelled"
  }

  /** Undoes the cycle under way, if there is one: nothing of it is committed. */
  discardCycle(): void {
    this.gate.open = false
    this.merge?.discard()
    this.merge = undefined
    this.selection = undefined
    this.outcomes = []
    this.outbox?.unstage()
  }

  /** As `discardCycle`, for a cycle that a pause put off: its signals wait again. */
  unstage(): void {
    this.discardCycle()
    this.mailbox.unshift(...this.staged.splice(0).map(({ signal }) => signal))
  }

  /**
   * Ends the session: undoes what is not committed, lets go of fibers, threads and resources, and gives the result to
   * whoever waits. Runs once; later calls do nothing.
   */
  finish(status: Status, cause: Cause | undefined, nowMs: Effect.Effect<number>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.finished !== undefined) return Effect.void
      this.finished = status
      this.discardCycle()
      return Effect.uninterruptible(this.#release(status, cause, nowMs))
    })
  }

  /** A bug of the engine: the job ends as a defect. */
  finishDefect(defect: EffectCause.Cause<never>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.finished !== undefined) return Effect.void
      this.finished = "failed"
      this.discardCycle()
      return Effect.uninterruptible(
        Effect.andThen(
          this.letGo("failed"),
          Effect.sync(() => this.#end("failed", undefined, Effect.failCause(defect)))
        )
      )
    })
  }

  /** Ends the handlers of intents, closes the job's scope, releases its replicas and ends its journal. Does it once. */
  letGo(status: Status): Effect.Effect<void> {
    if (this.#hasLetGo) return Effect.void
    this.#hasLetGo = true
    return (this.outbox?.close ?? Effect.void).pipe(
      Effect.andThen(Effect.suspend(() => endChildren(this, status))),
      Effect.andThen(Scope.close(this.scope, Exit.void)),
      Effect.andThen(this.options.pool.release(this.jobId)),
      Effect.andThen(Effect.suspend(() => endJournal(this, status))),
      Effect.catchTag("StoreError", (error) =>
        Effect.logWarning(`the store did not take the end of job ${this.jobId}: ${error.message}`)
      ),
      Effect.catchCause((failure) => Effect.logWarning(`job ${this.jobId} let go with an error`, failure))
    )
  }

  #release(status: Status, cause: Cause | undefined, nowMs: Effect.Effect<number>): Effect.Effect<void> {
    return this.letGo(status).pipe(
      Effect.andThen(nowMs),
      Effect.map((now) => this.#outcome(status, cause, now)),
      Effect.matchCause({
        onFailure: (defect) => this.#end(status, cause, Effect.failCause(defect)),
        onSuccess: (outcome) => this.#end(status, cause, outcome)
      })
    )
  }

  #outcome(status: Status, cause: Cause | undefined, nowMs: number): Effect.Effect<JobResult, JobError> {
    const result = this.#result(status, nowMs)
    return cause === undefined
      ? Effect.succeed(result)
      : Effect.fail(fromCause(cause, this.jobId, { ...result, output: undefined }))
  }

  /** The last step of every end: the log's last event, and the answer to whoever waits. */
  #end(status: Status, cause: Cause | undefined, outcome: Effect.Effect<JobResult, JobError>): void {
    // Whoever waits goes on at once, in the middle of this: its place and its id are free by then.
    this.options.onFinished(this, status)
    const { hash, version } = this.ledger
    this.log.append({ _tag: "Halted", cycle: this.cycle, tier: this.tier, status, version, hash, cause })
    this.#settle()
    Deferred.doneUnsafe(this.done, outcome)
  }

  /** Answers everybody who waits for something that will not happen any more. */
  #settle(): void {
    const signals = [...this.staged.map(({ signal }) => signal), ...this.mailbox]
    const waiters = this.pauseWaiters.splice(0)
    this.staged = []
    this.mailbox.length = 0
    // Mostly nobody waits, and an error costs its stack.
    if (signals.length + waiters.length > 0) {
      const halted = Effect.fail(this.halted())
      for (const { committed } of signals) Deferred.doneUnsafe(committed, halted)
      for (const waiter of waiters) Deferred.doneUnsafe(waiter, halted)
    }
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener.end()
  }

  #result(status: Status, nowMs: number): JobResult {
    const cycles = status === "converged" ? this.cycle + 1 : this.cycle
    this.program.agents.forEach((agent, index) => this.ledger.marks.set(agent.name, this.progress[index]!.mark))
    return Object.freeze({
      jobId: this.jobId,
      program: this.program.name,
      status,
      cycles,
      version: this.ledger.version,
      hash: this.ledger.hash,
      usage: Object.freeze({ ...this.usage(nowMs), cycles }),
      context: this.ledger.seal(),
      output: this.output,
      intents: Object.freeze([...this.tracker.intents]),
      diagnostics: Object.freeze([...this.tracker.diagnostics])
    })
  }
}
