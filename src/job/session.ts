/**
 * A job's session: the state of a running job outside of its machine.
 *
 * The machine's context is small JSON. Facts, marks, mailbox and log are here, and are released together when the job halts
 * (G13). The driver (driver.ts) works on a session; the handle (jobHandle.ts) shows it.
 *
 * Invariants: only the driver writes the ledger; the stage changes only by the table of stage.ts; only the result outlives the
 * session. Boundary: state and its updates; driver.ts decides the phases of a cycle.
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
import { CombinedPairs } from "../cycle/combinedPairs.ts"
import { type AgentProgress, Candidates, noProgress } from "../cycle/eligibility.ts"
import { AdmissionRejected, InvalidInput, type JobError, JobHalted, type SignalRefused } from "../outcome/JobError.ts"
import type { ExplanationJson } from "../outcome/explanationJson.ts"
import type { CommittedIntent, JobResult } from "../outcome/JobResult.ts"
import { CycleMerge } from "../cycle/merge.ts"
import { Allotments, ownLimits, type OwnLimits } from "../cycle/sharedBudget.ts"
import type { Replay } from "../journal/replay.ts"
import type { JobStore, StoreErrorReason } from "../store/JobStore.ts"
import type { WorkerPool } from "../workers/WorkerPool.ts"
import type { Account } from "./account.ts"
import { at } from "./at.ts"
import { committedCounts, type CommittedFacts, committedFacts, explainCommitted, type FactQuery } from "./committed.ts"
import { EventLog } from "./eventLog.ts"
import type { Gates } from "./gates.ts"
import {
  type Awaited,
  Outbox,
  type OutboxHost,
  type Performers,
  type Restful,
  type UnansweredIntent
} from "../intents/outbox.ts"
import { isHeldOpen } from "./heldOpen.ts"
import { Mailbox } from "./mailbox.ts"
import * as Telemetry from "./observability.ts"
import { RunClock } from "./runClock.ts"
import { StateTimes } from "./stateTimes.ts"
import { queued, type Rest, type Stage, type StageEvent, transition } from "./stage.ts"
import { type TasksNow, tasksNow } from "./present.ts"
import { TelemetryHub } from "./telemetry.ts"
import { UnderWay } from "./underWay.ts"
import type { AgentServices } from "./wallet.ts"
import type { Holdings, IntentsOfJob, JobView, Staying, Unasked } from "./view.ts"
import { Tracker } from "../cycle/tracker.ts"
import { type Cause, isOfProcess, type Status } from "../outcome/Cause.ts"
import type { Counters } from "../outcome/CommittedCycle.ts"
import { Spent, usageByAgent } from "../outcome/Spent.ts"
import type { Ledger } from "../context/Ledger.ts"
import { childIdsOf } from "../intents/childIds.ts"
import { Descendants } from "../intents/descendants.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { Attributes } from "../program/attributes.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { Amounts, ResolvedBudget } from "../program/resolveBudget.ts"
import { runDetached } from "../platform/detached.ts"
import type { ForkOrigin, NoteTag } from "../journal/records.ts"
import { monotonicMs } from "../platform/monotonicMs.ts"

export type JobActor = Actor<typeof jobMachine>

/**
 * The end that a caller or the engine requested. `"cancel"`: the job ends for good. `"suspend"`: it ends here and is resumed from
 * its journal later, because its engine closes or its parent is suspended.
 */
export type Wanted = "nothing" | "cancel" | "suspend"

export interface SessionOptions {
  readonly jobId: string
  readonly program: CompiledProgram
  readonly ledger: Ledger
  readonly budget: ResolvedBudget
  /** The limits that the job's parent handed down. Default: none. */
  readonly handed?: Amounts | undefined
  /** The performers of intents. */
  readonly performers: Performers
  /** The services for agents, from the caller that started the job. */
  readonly services: Context.Context<unknown>
  readonly pool: WorkerPool["Service"]
  readonly store: JobStore["Service"]
  readonly fiberConcurrency: number
  /** The gates of the engine, for agents with a `concurrency`. */
  readonly gates: Gates
  /** Set when the job resumes from its journal: the time at which it began, and what replaying gave. */
  readonly replayed?: ReplayedJob | undefined
  /** Called once, when the job has released everything. */
  readonly onFinished: (session: JobSession, status: Status) => void
}

/** The part of its job's journal that a session has. */
export interface ReplayedJob {
  readonly createdAt: number
  readonly attributes: Attributes | undefined
  readonly forkOf: ForkOrigin | undefined
  readonly tracker: Tracker
  readonly log: EventLog
  /** The span in which the job began, as `traceparent` writes it. */
  readonly begunIn: string | undefined
}

/** A note on its way to the journal. */
export interface Noting {
  readonly tag: NoteTag
  readonly cycle: number
  readonly onNoted: () => void
  isWritten: boolean
}

export class JobSession implements JobView {
  readonly jobId: string
  readonly options: SessionOptions
  readonly program: CompiledProgram
  readonly ledger: Ledger
  /** The budget of the job and all jobs below it. */
  readonly budget: ResolvedBudget
  readonly handed: Amounts
  /** The limits of the job itself. */
  limits: OwnLimits
  /** The part of the budget that child jobs hold. */
  allotments = new Allotments()
  /** The spending of children whose answers are not committed, by the keys of their intents. */
  readonly spentBelow = new Map<string, Amounts>()
  /** In milliseconds since the epoch, as the journal says. 0 until the job has a journal. */
  createdAt = 0
  /** The texts by which lists find the job. Undefined if there are none. */
  attributes: Attributes | undefined
  /** The id of the job's parent. Undefined for a job that a caller started, or whose old journal does not name one. */
  parent: string | undefined
  /** The job and the cycle that a fork began with. Undefined of other jobs. */
  forkOf: ForkOrigin | undefined
  readonly counters: Counters = { facts: 0, agents: 0, tokens: 0 }
  /** The pairs of values that were combined. */
  readonly combined = new CombinedPairs()
  readonly progress: ReadonlyArray<AgentProgress>
  readonly candidates: Candidates
  readonly mailbox = new Mailbox()
  readonly telemetry = new TelemetryHub()
  readonly clock = new RunClock()
  readonly times: StateTimes
  readonly log: EventLog
  readonly tracker: Tracker
  /** The scope of resources that agents acquire, which live until the job ends. */
  readonly scope = Scope.makeUnsafe()
  readonly done = Deferred.makeUnsafe<JobResult, JobError>()

  /** The last committed cycle and its tier. */
  cycle = 0
  tier = -1
  cpuMs = 0
  /** Why the job halts after this cycle, if it does. */
  haltCause: Cause | undefined
  /** The cause to halt that the last row holds, so that a resumed job halts for it, too. */
  storedHalt: Cause | undefined
  /** Why the store did not take the note of the job's end. The job is then left as it is, and so are its children. */
  endRefused: StoreErrorReason | undefined
  wanted: Wanted = "nothing"
  /** The fence that our writes must carry. Undefined until the job has a journal. */
  fence: number | undefined
  /** The rest that an earlier process left the job in, until it comes to rest here. `at`: in milliseconds since the epoch. */
  restedBefore: { readonly why: "paused" | "awaiting"; readonly cycle: number; readonly at: number } | undefined
  /** The notes since the last committed cycle: rests, and their ends. */
  notes: Array<NoteTag> = []
  /** The notes that are not in the log yet, in the order of what they note. */
  readonly noting: Array<Noting> = []
  /** Results of tasks from a cycle that a crash left uncommitted, by task. */
  kept: ReadonlyMap<string, EncodedEffect> | undefined
  /** Depth in the tree of child jobs; 0 for a job that a caller started. */
  level = 0
  /** Counts the jobs of the tree of child jobs. */
  readonly descendants = new Descendants(() => this.outbox?.failChildren())
  /** Gives the id of the child job that the intent of a key asks for. */
  childId: (key: string) => string
  /** Names the driver that works on this session, if one does. */
  driver: object | undefined
  output: unknown
  /** The canonical text of the output, if the program declares a schema for it. */
  outputText: string | undefined
  /** The account of agents that reserve or pay. Undefined before the first one does. */
  account: Account | undefined
  readonly spent = new Spent()
  /** The tokens that committed effects reported. */
  readonly reported = new Spent()
  /** Holds intents that are performed. Undefined before the first one. */
  outbox: Outbox | undefined
  /** The facts that stay in a fork although it replaces what they come from. */
  staying: Staying | undefined
  /** The end's time in the journal, in milliseconds since the epoch. Undefined before the end is written. */
  haltedAt: number | undefined
  /** The intents without an answer that a fork leaves behind. */
  unasked: Unasked | undefined
  /** The children that run now, by the keys of their intents. */
  readonly #childrenNow = new Map<string, Restful>()
  /** Hears that the job, or a child, may have come to rest. */
  #onRest: (() => void) | undefined
  readonly pauseWaiters: Array<Deferred.Deferred<void, JobHalted>> = []
  #actor: JobActor | undefined
  #stage: Stage = queued

  /** The services of agents without `each`, by the index of the agent; made for the first fiber of each. */
  readonly agentContexts: Array<AgentServices | undefined> = []
  /** The services for fiber agents. */
  readonly taskServices: Context.Context<Scope.Scope>
  /** Whether the job has spans. Each task asks, so the services are asked once. */
  readonly isTraced: boolean

  constructor(options: SessionOptions) {
    this.options = options
    this.times = new StateTimes(this.shownMs)
    this.taskServices = Context.add(options.services, Scope.Scope, this.scope)
    this.isTraced = Telemetry.isTraced(options.services)
    this.jobId = options.jobId
    this.childId = childIdsOf(options.jobId, true)
    this.program = options.program
    this.ledger = options.ledger
    this.budget = options.budget
    this.handed = options.handed ?? {}
    this.limits = ownLimits(this.budget, this.handed)
    if (options.replayed !== undefined) {
      this.createdAt = options.replayed.createdAt
      this.attributes = options.replayed.attributes
      this.forkOf = options.replayed.forkOf
    }
    this.tracker = options.replayed?.tracker ?? new Tracker(options.jobId, options.program)
    this.log = options.replayed?.log ?? new EventLog()
    this.candidates = new Candidates(options.program)
    this.progress = options.program.agents.map(noProgress)
  }

  /** Resumes a job where its journal ends. */
  resumeFrom(replay: Replay): void {
    this.cycle = replay.cycle
    this.tier = replay.tier
    this.cpuMs = replay.cpuMs
    this.clock.restore(replay.ranMs)
    this.haltCause = replay.halt
    this.storedHalt = replay.halt
    this.allotments = replay.allotments
    this.limitOwn()
    Object.assign(this.counters, replay.counters)
    this.combined.take(replay.combined)
    this.spent.restore(replay.spent.sums)
    this.reported.restore(replay.reported.sums)
    this.program.agents.forEach(({ name }, index) => {
      const progress = at(this.progress, index)
      progress.mark = replay.marks.get(name) ?? 0
      progress.executed = replay.executed.has(name)
      progress.pruned = replay.prunedMarks.get(name) ?? 0
    })
  }

  /** Takes note that children hold another part of the budget. */
  limitOwn(): void {
    this.limits = ownLimits(this.budget, this.handed, this.allotments.held())
  }

  /** Milliseconds that the job has run, pauses excluded. */
  get durationMs(): number {
    return this.clock.elapsedMs(this.monotonicMs)
  }

  get usage(): Usage {
    return {
      cycles: this.cycle,
      facts: this.counters.facts,
      agents: this.counters.agents,
      durationMs: this.durationMs,
      cpuMs: this.cpuMs,
      contextBytes: this.ledger.contextBytes,
      tokens: this.counters.tokens + this.spent.tokens,
      cost: this.spent.cost,
      byAgent: usageByAgent(this.spent, this.reported)
    }
  }

  /** Takes a signal into the mailbox, or fails with the reason why not. */
  offer(effect: EncodedEffect): Effect.Effect<void, InvalidInput | SignalRefused | AdmissionRejected | JobHalted> {
    return Effect.suspend((): Effect.Effect<void, InvalidInput | SignalRefused | AdmissionRejected | JobHalted> => {
      if (this.isClosed) return Effect.fail(this.halted())
      return this.mailbox.offer(effect, this.clockMs, () => this.wake())
    })
  }

  /** The time of day by the clock of the job's services, for times that are stored or shown. */
  get clockMs(): number {
    return Context.get(this.options.services, Clock.Clock).currentTimeMillisUnsafe()
  }

  /** The monotonic time of the same clock, for durations. */
  get monotonicMs(): number {
    return monotonicMs(Context.get(this.options.services, Clock.Clock))
  }

  #shownMs = 0
  /** The same, for times that are only shown: a clock that fails here ends no job, and the last time counts. */
  get shownMs(): number {
    try {
      this.#shownMs = this.monotonicMs
    } catch {
      // The job asks the clock for its limits, too, and ends there.
    }
    return this.#shownMs
  }

  get stage(): Stage {
    return this.#stage
  }

  /**
   * Applies an event by the table of stages. Returns whether the stage has changed. An event that the table calls impossible is a
   * bug of the engine: it is logged, and changes nothing.
   */
  move(event: StageEvent): boolean {
    const before = this.#stage
    const after = transition(before, event)
    if (after === "impossible") {
      runDetached(
        this.options.services,
        Effect.logError(
          `${event._tag} is impossible in the stage ${before._tag} of job ${this.jobId}: a bug of the engine`
        )
      )
      return false
    }
    this.#stage = after
    this.#keepTime(event)
    return after !== before
  }

  #keepTime(event: StageEvent): void {
    switch (event._tag) {
      case "Admitted":
      case "Resumed":
        return this.times.enter("eligible", this.shownMs)
      case "Rested":
        return this.#rest(event.why)
      case "Finished":
        return this.times.end(this.shownMs)
      default:
    }
  }

  /** Comes to rest. A rest that a restart of the process interrupted began with the commit of the last cycle. */
  #rest(why: "paused" | "awaiting"): void {
    const [now, before] = [this.shownMs, this.restedBefore]
    this.restedBefore = undefined
    const isSame = before?.why === why && before.cycle === this.cycle
    this.times.enter(why, now, isSame ? now - Math.max(0, this.clockMs - before.at) : now)
  }

  /** The cycle under way, if there is one. */
  get underWay(): UnderWay | undefined {
    return this.#stage._tag === "Running" ? this.#stage.underWay : undefined
  }

  /** Begins the next cycle. */
  beginCycle(): UnderWay {
    const { combined, counters, cycle, ledger, limits, program, spent } = this
    const merge = new CycleMerge(cycle + 1, program, ledger, limits, counters, combined, spent)
    const underWay = new UnderWay(merge, ledger.version)
    if (this.#stage._tag === "Running") this.#stage.underWay = underWay
    return underWay
  }

  /** The cycle is committed: there is none under way. */
  endCycle(): void {
    if (this.#stage._tag === "Running") this.#stage.underWay = undefined
  }

  /** Undoes the cycle under way, if there is one. Nothing of it is committed, and its signals wait again. */
  discardCycle(): void {
    const { underWay } = this
    this.outbox?.unstage()
    if (underWay === undefined) return
    this.endCycle()
    underWay.open = false
    underWay.merge.discard()
    this.mailbox.unshift(...underWay.staged.map(({ signal }) => signal))
  }

  /** Closes the session to signals and events, and undoes the cycle under way. Returns whether the session was open. */
  close(status: Status): boolean {
    this.discardCycle()
    this.telemetry.close()
    return this.move({ _tag: "Finished", status })
  }

  /** The context's version after the last committed cycle. */
  get version(): number {
    return this.underWay?.version ?? this.ledger.version
  }

  /** The state in which the machine rests. Undefined if it does not rest. */
  get rest(): Rest | undefined {
    return this.#stage._tag === "Resting" ? this.#stage.why : undefined
  }

  /** The status with which the job ended. Undefined while it still takes signals in. */
  get finished(): Status | undefined {
    return this.#stage._tag === "Ended" ? this.#stage.status : undefined
  }

  /** Whether the engine gave the job a place. A job that ends in the queue never had one. */
  get isAdmitted(): boolean {
    return "isAdmitted" in this.#stage ? this.#stage.isAdmitted : this.#stage._tag !== "Queued"
  }

  get isPausing(): boolean {
    if (!this.isStarted || this.isClosed) return false
    const { context, value } = this.actor.getSnapshot()
    return context.pausing && value !== "paused"
  }

  get isBeginningRefused(): boolean {
    return this.haltCause?._tag === "StoreFailed" && this.fence === undefined
  }

  get isEndStored(): boolean {
    return "isStored" in this.#stage && this.#stage.isStored
  }

  /** Whether the job has an actor. It gets one after its seeds are planted. */
  get isStarted(): boolean {
    return this.#actor !== undefined
  }

  get actor(): JobActor {
    if (this.#actor === undefined) throw new Error(`the job ${this.jobId} has no actor yet`)
    return this.#actor
  }

  set actor(actor: JobActor) {
    this.#actor = actor
  }

  /** Whether the machine has reached a final state, or its driver has died. The job then takes in nothing more. */
  get isClosed(): boolean {
    return this.#stage._tag === "Ended" || this.actor.getSnapshot().status !== "active"
  }

  /**
   * Whether a job with this end is left in its journal, to be resumed, because its store failed, no thread was available, or its
   * engine closes.
   */
  isLeftAs(status: Status | undefined): boolean {
    if (isOfProcess(this.haltCause) || this.endRefused !== undefined) return true
    return this.wanted === "suspend" && status === "cancelled"
  }

  /** Whether the job was cancelled for good, and its journal does not say so. */
  get isCancelOwed(): boolean {
    const { fence, finished, haltCause, isEndStored, options, wanted } = this
    const isOwed = wanted === "cancel" && !isEndStored && options.store.isDurable && fence !== undefined
    return isOwed && (finished === "cancelled" || isOfProcess(haltCause))
  }

  /** Makes the outbox, with the unanswered intents of a journal. */
  openOutbox(unanswered: Iterable<UnansweredIntent>): Outbox {
    const { jobId, ledger, options, program } = this
    const { performers, services } = options
    const host: OutboxHost = {
      jobId,
      program,
      services,
      performers,
      level: () => this.level,
      childId: this.childId,
      descendants: this.descendants,
      shareOf: (key) => this.allotments.get(key),
      noteSpent: (key, spent) => void this.spentBelow.set(key, spent),
      noteChild: (key, child) => this.#noteChild(key, child),
      isLeft: () => this.isLeftAs("cancelled"),
      hasFact: (kind, id) => ledger.find(kind, id) !== undefined,
      isHalting: () => this.haltCause !== undefined,
      wake: () => this.wake()
    }
    return (this.outbox = new Outbox(host, unanswered))
  }

  #noteChild(key: string, child: Restful | undefined): void {
    if (child === undefined) this.#childrenNow.delete(key)
    else this.#childrenNow.set(key, child)
    if (this.#onRest !== undefined) child?.watch(this.#onRest)
    this.#onRest?.()
  }

  get restsFor(): ReadonlyArray<Awaited> | undefined {
    const stage = this.#stage
    if (stage._tag !== "Resting" || stage.why !== "awaiting" || !stage.isNoted || this.isClosed) return undefined
    return this.mailbox.length > 0 ? undefined : this.outbox?.restWith((key) => this.#childrenNow.get(key))
  }

  watch(listener: () => void): void {
    this.#onRest = listener
    for (const child of this.#childrenNow.values()) child.watch(listener)
    listener()
  }

  /** Wakes a job that awaits answers, if there is a signal, if all answers are there, or if there is nothing to wait for. */
  wake(): void {
    const stage = this.#stage
    if (stage._tag !== "Resting" || stage.why !== "awaiting" || !stage.isNoted || this.isClosed) return
    if (this.mailbox.length === 0) {
      const { outbox } = this
      if (outbox?.isDue === true) outbox.admit()
      else if ((outbox?.size ?? 0) > 0 || isHeldOpen(this)) return this.#onRest?.()
    }
    this.actor.send({ type: "WAKE" })
  }

  get leftFor(): JobView["leftFor"] {
    if (!this.isLeftAs(this.finished) || !this.options.store.isDurable) return undefined
    return this.wanted === "suspend" ? "shutting-down" : "store"
  }

  get awaited(): ReadonlyArray<CommittedIntent> {
    return this.outbox?.waiting ?? []
  }

  get intents(): IntentsOfJob {
    const { answers, intents } = this.tracker
    return { committed: intents, answers, unanswered: this.outbox?.unanswered ?? [] }
  }

  get holdings(): Holdings {
    const { ledger, log, tracker } = this
    const { answers, diagnostics, intents } = tracker
    return {
      textLength: Math.max(ledger.historyBytes, log.written),
      things: ledger.version + log.records + intents.length + answers.size + diagnostics.length,
      diagnostics
    }
  }

  get present(): Effect.Effect<TasksNow> {
    return tasksNow(this)
  }

  factText(version: number): string | undefined {
    return this.ledger.entryAt(version)?.text
  }

  get counts(): Readonly<Record<string, number>> {
    return committedCounts(this)
  }

  get inputText(): string {
    return this.ledger.job?.text ?? "{}"
  }

  get committed(): JobView["committed"] {
    return { context: this.ledger, version: this.version }
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
}
