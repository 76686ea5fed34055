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
import { InvalidInput, type InvalidProgram, type StartError, type StoreError } from "../outcome/JobError.ts"
import { nextTurn } from "../platform/slices.ts"
import { Decision } from "../program/answerKinds.ts"
import { compiledOf } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import { JobStore, layerMemoryJournal } from "../store/index.ts"
import { canonicalText } from "../values/Canonical.ts"
import { describeError } from "../values/panic.ts"
import { beginning, engineOver } from "./kit.ts"
import { playedFrom, proposalOf, type Unanswered } from "./recorded.ts"
import type { RecordedSignal, Recording } from "./recording.ts"
import { recordOf, type RunRecord } from "./runs.ts"

/** A recording that was played with a program. */
export interface Played {
  readonly record: RunRecord
  /** Tasks, intents and approvals without a recorded answer, and signals that were not taken up. */
  readonly unanswered: ReadonlyArray<Unanswered>
}

/** The part of a recording that is played. */
export type Playable = Omit<Recording, "facts">

/**
 * Plays a recording. A task without a recorded answer adds nothing. Fails with `InvalidInput` for a recording of another program,
 * or of a job that began with the context of another one.
 */
export const play = (
  program: Program.Any,
  recording: Playable
): Effect.Effect<Played, StartError | InvalidProgram | StoreError> =>
  Effect.gen(function* () {
    const input = yield* inputOf(program, recording)
    const unanswered: Array<Unanswered> = []
    const missed = (output: unknown) => (missing: Unanswered) =>
      Effect.sync(() => {
        unanswered.push(missing)
        return output
      })
    const note = (why: string) => unanswered.push({ agent: "", each: undefined, cycle: 0, intent: "", why })
    const outside = new Outside(program, recording.signals, note, yield* Scope.Scope)
    const played = playedFrom(program, recording, {
      noTask: missed({}),
      noAnswer: missed([]),
      before: (cycle) => outside.before(cycle)
    })
    const { handlers } = played
    const store = yield* JobStore
    const record = yield* Effect.gen(function* () {
      const job = yield* beginning(played.program, input, { handlers }, "recorded")
      yield* Effect.forkScoped(outside.accompany(job), { startImmediately: true })
      return yield* recordOf(job)
    }).pipe(Effect.provide(engineOver({ handlers }, store)))
    outside.end()
    return { record, unanswered }
  }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layerMemoryJournal)))

const inputOf = (program: Program.Any, { context, input, jobId, program: name }: Playable) =>
  Effect.suspend((): Effect.Effect<unknown, InvalidInput> => {
    const refuse = (message: string) => Effect.fail(new InvalidInput({ program: program.name, message }))
    if (name !== program.name) return refuse(`job ${jobId} is of the program ${JSON.stringify(name)}`)
    if (context !== undefined) {
      return refuse(`job ${jobId} began with the context of another job, which a recording does not have`)
    }
    try {
      return Effect.succeed(compiledOf(program).inputCodec.decode(canonicalText(input)))
    } catch (error) {
      return refuse(`the input of job ${jobId} does not fit: ${describeError(error)}`)
    }
  })

const isDecision = ({ facts }: RecordedSignal): boolean => facts.some(({ kind }) => kind === Decision.name)

/** The senders of signals, and the persons who decide. */
class Outside {
  private readonly program: Program.Any
  private readonly note: (why: string) => void
  private readonly scope: Scope.Scope
  private readonly job = Deferred.makeUnsafe<Job<Program.Any>>()
  private readonly decisions: Array<RecordedSignal>
  private signals: ReadonlyArray<RecordedSignal>

  constructor(
    program: Program.Any,
    signals: ReadonlyArray<RecordedSignal>,
    note: (why: string) => void,
    scope: Scope.Scope
  ) {
    this.program = program
    this.note = note
    this.scope = scope
    this.decisions = signals.filter(isDecision)
    this.signals = signals.filter((signal) => !isDecision(signal))
  }

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
    for (const { cycle } of [...this.signals, ...this.decisions]) this.note(notTaken(cycle))
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
      // Without an open approval, handlers are at work.
      if (open.length === 0) return nextTurn
      this.note(`nobody decided about the approval ${open.join(", ")}`)
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
      Effect.catchCause(() => Effect.sync(() => this.note(notTaken(cycle))))
    )
  }
}

const notTaken = (cycle: number): string => `the signal of cycle ${cycle} was not taken up`

const approvalIn = ({ facts }: RecordedSignal): unknown => {
  const value = facts.find(({ kind }) => kind === Decision.name)?.value
  return typeof value === "object" && value !== null && "approval" in value ? value.approval : undefined
}
