/**
 * A job's session: everything a running job holds outside of its machine.
 *
 * The machine's context is small JSON; facts, marks, mailbox and log live here, and are let go together when the job halts
 * (G13). The driver (driver.ts) works on a session; the handle (jobHandle.ts) shows it.
 *
 * Invariants: only the driver writes the ledger; `finish` happens once; nothing here outlives the session but its result.
 * Boundary: state and its bookkeeping; no phase of a cycle is decided here.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Actor } from "xstate"
import type { jobMachine } from "../../machines/job.machine.ts"
import type { FactRef } from "../program/Fact.ts"
import type { Usage } from "../program/Budget.ts"
import { type AgentProgress, Candidates, type Selection } from "../cycle/eligibility.ts"
import { AdmissionRejected, InvalidInput, type JobError, JobHalted } from "../outcome/JobError.ts"
import type { ExplanationJson } from "../outcome/explanationJson.ts"
import type { CommittedIntent, JobResult } from "../outcome/JobResult.ts"
import type { CycleMerge } from "../cycle/merge.ts"
import type { Replay } from "../journal/replay.ts"
import type { JobStore } from "../store/JobStore.ts"
import type { WorkerPool } from "../workers/WorkerPool.ts"
import type { Gate } from "../context/contextView.ts"
import type { Between } from "../journal/extra.ts"
import { type CommittedFacts, committedFacts, explainCommitted, type FactQuery } from "./committed.ts"
import { EventLog } from "./eventLog.ts"
import type { RunningGroup } from "./fiberGroup.ts"
import { Outbox, type OutboxHost, type Pending, type Performers } from "../intents/outbox.ts"
import { Mailbox, type PendingSignal } from "./mailbox.ts"
import { RunClock } from "./runClock.ts"
import { TelemetryHub } from "./telemetry.ts"
import type { Holdings, JobView } from "./view.ts"
import { Tracker } from "../cycle/tracker.ts"
import type { Cause, Status } from "../outcome/Cause.ts"
import type { Counters, MergedOutcome, TaskOutcome } from "../outcome/CommittedCycle.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"

export type JobActor = Actor<typeof jobMachine>

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

export class JobSession implements JobView {
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
  readonly mailbox = new Mailbox()
  readonly telemetry = new TelemetryHub()
  readonly clock = new RunClock()
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
  /** Whether the job has let go of everything, or is about to. */
  hasLetGo = false

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

  /** Takes up a job where its journal ends. */
  resumeFrom(replay: Replay): void {
    this.cycle = replay.cycle
    this.tier = replay.tier
    this.version = this.ledger.version
    this.cpuMs = replay.cpuMs
    this.clock.restore(replay.ranMs)
    this.haltCause = replay.halt
    Object.assign(this.counters, replay.counters)
    this.program.agents.forEach(({ name }, index) => {
      const progress = this.progress[index]!
      progress.mark = replay.marks.get(name) ?? 0
      progress.executed = replay.executed.has(name)
    })
  }

  /** Milliseconds that the job has run, pauses excluded. */
  durationMs(nowMs: number): number {
    return this.clock.elapsedMs(nowMs)
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
      return this.mailbox.offer(effect, this.clockMs, () => this.wake())
    })
  }

  /** The time by the clock of the job's services. */
  get clockMs(): number {
    return Context.get(this.options.services, Clock.Clock).currentTimeMillisUnsafe()
  }

  /** The outbox for intents that wait: with those that a journal says, or none yet. */
  openOutbox(pending: Iterable<Pending>): Outbox {
    const { jobId, ledger, options, program } = this
    const { performers, services } = options
    const host: OutboxHost = {
      jobId,
      program,
      services,
      performers,
      level: () => this.level,
      isLeft: () => this.isLeftAs("cancelled"),
      hasFact: (kind, id) => ledger.find(kind, id) !== undefined,
      canBegin: () => this.isBegun && this.haltCause === undefined,
      wake: () => this.wake()
    }
    return (this.outbox = new Outbox(host, pending))
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

  get leftFor(): JobView["leftFor"] {
    if (!this.isLeftAs(this.finished) || !this.options.store.isDurable) return undefined
    return this.isSuspended ? "shutting-down" : "store"
  }

  get awaited(): ReadonlyArray<CommittedIntent> {
    return this.outbox?.waiting ?? []
  }

  get holdings(): Holdings {
    const { ledger, log, tracker } = this
    const { diagnostics, intents } = tracker
    return {
      textLength: Math.max(ledger.historyBytes, log.written),
      things: ledger.version + log.records + intents.length + diagnostics.length,
      diagnostics
    }
  }

  factText(version: number): string | undefined {
    return this.ledger.entryAt(version)?.text
  }

  facts(query: FactQuery): CommittedFacts {
    return committedFacts(this, query)
  }

  explain(ref: FactRef): ExplanationJson | null {
    return explainCommitted(this, ref)
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

  /** From here on nothing is taken in, and what is not committed is undone. */
  close(status: Status): void {
    this.finished = status
    this.telemetry.close()
    this.discardCycle()
  }
}
