/**
 * Plays a recording with a program: its agents and intents answer from it, and its signals come as they came.
 *
 *     signals of the first cycle ──► at the start
 *     signals of cycle n ──► before the first played task of cycle n - 1 ends, so that cycle n takes them up
 *     what is left, and decisions ──► when the job rests, in their order; a decision when its approval is open
 *
 * Boundary: one job in an engine of its own, which keeps nothing.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { Job } from "../job/Job.ts"
import type { HandledIntent } from "../intents/IntentHandler.ts"
import type { InvalidProgram, StartError, StoreError } from "../outcome/JobError.ts"
import { nextTurn } from "../platform/slices.ts"
import { childKind, Decision } from "../program/answerKinds.ts"
import { compiledOf } from "../program/erased.ts"
import type { FactRef } from "../program/Fact.ts"
import { partOf, refKey } from "../program/keys.ts"
import type { Program } from "../program/Program.ts"
import { JobStore, layerMemoryJournal } from "../store/index.ts"
import { engineOver } from "./kit.ts"
import { intentKeyOf, playedFrom, proposalOf, type Unanswered } from "./recorded.ts"
import { begunAs } from "./recordedBeginning.ts"
import type { RecordedAnswer, RecordedSignal, RecordedTask, Recording } from "./recording.ts"
import { stopOf } from "./stopping.ts"
import { recordOf, type RunRecord } from "./runs.ts"

/** A task that answered from the recording. */
export interface Answered {
  readonly agent: string
  readonly each: FactRef
}

/** A recording that was played with a program. */
export interface Played {
  readonly record: RunRecord
  /** Whether the run was stopped where the recording ends, because the end is not played. */
  readonly isCut: boolean
  /** Sentences about effects that no journal has. */
  readonly notes: ReadonlyArray<string>
  /** The tasks with an each-fact that answered from the recording. */
  readonly answered: ReadonlyArray<Answered>
  /** Tasks, intents and approvals without a recorded answer, and signals that were not taken up. */
  readonly unanswered: ReadonlyArray<Unanswered>
  /** The tasks and answers of the recording that the run asked for. */
  readonly used: ReadonlySet<RecordedTask | RecordedAnswer>
}

/** The part of a recording that is played. */
export type Playable = Omit<Recording, "facts">

/**
 * Plays a recording. A task without a recorded answer adds nothing. A job that stopped for a reason outside is played up to its
 * last recorded cycle. Fails with `InvalidInput` for a recording of another program, or with an input that does not fit.
 */
export const play = (
  program: Program.Any,
  recording: Playable
): Effect.Effect<Played, StartError | InvalidProgram | StoreError> =>
  Effect.gen(function* () {
    const unanswered: Array<Unanswered> = []
    const missed = (output: unknown) => (missing: Unanswered) =>
      Effect.sync(() => {
        unanswered.push(missing)
        return output
      })
    const note = (why: string) => unanswered.push({ agent: "", each: undefined, cycle: 0, intent: "", why })
    const isOpen = stopOf(program, recording) !== undefined
    const notes: Array<string> = []
    const answered = new Map<string, Answered>()
    const used = new Set<RecordedTask | RecordedAnswer>()
    const outside = new Outside(program, recording.signals, { note, isOpen }, yield* Scope.Scope)
    const wasAsked = asksFor(recording)
    const played = playedFrom(program, recording, {
      noTask: missed({}),
      // The answer was not there yet when the recorded job stopped.
      noAnswer: (missing, intent) =>
        isOpen && wasAsked(intent) ? outside.awaitAnswer : Effect.suspend(() => missed([])(missing)),
      before: (cycle) => outside.before(cycle),
      // New code may ask for child jobs, which no agent declares. None is started.
      kinds: [childKind],
      discarded: ({ why }) =>
        Effect.sync(() => {
          notes.push(`${why}, and no journal has its effect: it adds nothing here`)
          return {}
        }),
      used: (item) => used.add(item),
      answered: (agent, each) => {
        if (each !== undefined) answered.set(JSON.stringify([agent, refKey(each)]), { agent, each })
      }
    })
    const { handlers } = played
    const store = yield* JobStore
    const record = yield* Effect.gen(function* () {
      const job = yield* begunAs(played.program, recording, isOpen ? recording.cycles : undefined)
      yield* Effect.forkScoped(outside.accompany(job), { startImmediately: true })
      return yield* recordOf(job)
    }).pipe(Effect.provide(engineOver({ handlers }, store)))
    const hasEnded = recording.status !== undefined
    const isCut = isOpen && (outside.isStopped || isAtLimit(record) || (hasEnded && record.status === "converged"))
    outside.end()
    return { record, unanswered, isCut, notes, answered: [...answered.values()], used }
  }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layerMemoryJournal)))

const isAtLimit = ({ blamed, error }: RunRecord): boolean => error === "BudgetExhausted" && blamed === "cycles"

/** Tells whether a recorded job asked for an intent. */
const asksFor = ({ tasks }: Playable): ((intent: HandledIntent) => boolean) => {
  const asked = new Set(
    tasks.flatMap(({ agent, each, effect, part }) =>
      (effect?.intents ?? []).map(({ kind }, index) => intentKeyOf({ agent, each, index, kind, ...partOf(part) }))
    )
  )
  return (intent) => asked.has(intentKeyOf(intent))
}

const isDecision = ({ facts }: RecordedSignal): boolean => facts.some(({ kind }) => kind === Decision.name)

/** Where a job says what it misses, and whether it may rest for ever, as the recorded one did. */
interface Host {
  readonly note: (why: string) => void
  readonly isOpen: boolean
}

/** The senders of signals, and the persons who decide. */
class Outside {
  /** Whether it has cancelled a job that rests as the recorded one did. */
  isStopped = false
  private readonly program: Program.Any
  private readonly host: Host
  /** The number of intents whose answers were not there yet when the recorded job stopped. */
  private unanswered = 0
  private readonly scope: Scope.Scope
  private readonly job = Deferred.makeUnsafe<Job<Program.Any>>()
  private readonly decisions: Array<RecordedSignal>
  private signals: ReadonlyArray<RecordedSignal>

  constructor(program: Program.Any, signals: ReadonlyArray<RecordedSignal>, host: Host, scope: Scope.Scope) {
    this.program = program
    this.host = host
    this.scope = scope
    this.decisions = signals.filter(isDecision)
    this.signals = signals.filter((signal) => !isDecision(signal))
  }

  /** Waits for ever: the recorded job had no answer when it stopped. */
  readonly awaitAnswer: Effect.Effect<never> = Effect.suspend(() => {
    this.unanswered++
    return Effect.never
  })

  /** Sends what the next cycle takes up. A task of the cycle waits for it. */
  before(cycle: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const due = this.take((signal) => signal.cycle <= cycle + 1)
      if (due.length === 0) return Effect.void
      return Effect.flatMap(Deferred.await(this.job), (job) => this.queue(job, due))
    })
  }

  /** Sends the first signals, and later what is left whenever the job rests. */
  accompany(job: Job<Program.Any>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      yield* this.queue(
        job,
        this.take(({ cycle }) => cycle <= 1)
      )
      yield* Deferred.succeed(this.job, job)
      for (;;) {
        yield* job.until("awaiting")
        yield* this.rest(job)
      }
    }).pipe(Effect.ignore)
  }

  /** The job has ended. What was not sent by then found no taker. */
  end(): void {
    for (const { cycle } of [...this.signals, ...this.decisions]) this.host.note(notTaken(cycle))
  }

  /** Gives a job that rests the next that it waits for. */
  private rest(job: Job<Program.Any>): Effect.Effect<void> {
    return Effect.flatMap(job.approvals, (approvals) => {
      const open = approvals.map(({ id }) => id)
      const next = this.decisions.findIndex((signal) => open.some((id) => approvalIn(signal) === id))
      const decision = next === -1 ? undefined : this.decisions[next]
      const [signal] = this.signals
      if (signal !== undefined && (decision === undefined || signal.cycle < decision.cycle)) {
        this.take((other) => other === signal)
        return this.send(job, signal)
      }
      if (decision !== undefined) {
        this.decisions.splice(next, 1)
        return this.send(job, decision)
      }
      // Without an open approval, handlers are at work. None is admitted while one of them has no answer.
      if (open.length === 0 && this.unanswered === 0) return nextTurn
      if (this.host.isOpen) this.isStopped = true
      else this.host.note(`nobody decided about the approval ${open.join(", ")}`)
      return job.cancel
    })
  }

  private take(isWanted: (signal: RecordedSignal) => boolean): ReadonlyArray<RecordedSignal> {
    const taken = this.signals.filter(isWanted)
    this.signals = this.signals.filter((signal) => !taken.includes(signal))
    return taken
  }

  /** Puts signals into the mailbox of the job, and does not wait for the cycle that takes them up. */
  private queue(job: Job<Program.Any>, signals: ReadonlyArray<RecordedSignal>): Effect.Effect<void> {
    return Effect.forEach(
      signals,
      (signal) =>
        Effect.andThen(Effect.forkIn(this.send(job, signal), this.scope, { startImmediately: true }), nextTurn),
      { discard: true }
    )
  }

  private send(job: Job<Program.Any>, { cycle, facts }: RecordedSignal): Effect.Effect<void> {
    const { kinds } = compiledOf(this.program)
    return Effect.suspend(() => job.signal(facts.map((fact) => proposalOf(fact, kinds)) as never)).pipe(
      Effect.catchCause(() => Effect.sync(() => this.host.note(notTaken(cycle))))
    )
  }
}

const notTaken = (cycle: number): string => `the signal of cycle ${cycle} was not taken up`

const approvalIn = ({ facts }: RecordedSignal): unknown => {
  const value = facts.find(({ kind }) => kind === Decision.name)?.value
  return typeof value === "object" && value !== null && "approval" in value ? value.approval : undefined
}
