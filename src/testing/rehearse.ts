/**
 * `Testing.rehearse`: new code over stored jobs, before it is deployed.
 *
 * Each job runs again from its input, with the program's own CPU agents, joins, folds, seeds and rules. What reaches outside of
 * the process is played from the recording. The facts at the end are compared with those of the recording. Boundary: jobs in
 * engines of its own, which keep nothing.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Job } from "../job/Job.ts"
import { InvalidInput, type InvalidProgram, type StartError, type StoreError } from "../outcome/JobError.ts"
import { nextTurn } from "../platform/slices.ts"
import { Violation } from "../program/Invariant.ts"
import { Decision } from "../program/answerKinds.ts"
import { compiledOf } from "../program/erased.ts"
import type { FactRef } from "../program/Fact.ts"
import { refKey } from "../program/keys.ts"
import type { Program } from "../program/Program.ts"
import { JobStore, layerMemoryJournal } from "../store/index.ts"
import { canonicalText } from "../values/Canonical.ts"
import { describeError } from "../values/panic.ts"
import { parseJson } from "../values/parseJson.ts"
import { beginning, engineOver } from "./kit.ts"
import { playedFrom, proposalOf, type Unanswered } from "./recorded.ts"
import type { RecordedSignal, Recording } from "./recording.ts"
import { recordOf, type RunRecord } from "./runs.ts"

/** A fact that comes out otherwise. */
export interface RehearsedFact {
  readonly what: "added" | "missing" | "changed"
  readonly fact: FactRef
  /** The agent that adds the fact with the new code, or that added the one that is missing; "" for a seed or a signal. */
  readonly agent: string
  /** The cycle of the new run, or that of the recording for a fact that is missing. */
  readonly cycle: number
  /** The value in the recording, and in the new run, as JSON; undefined where there is none. */
  readonly before: unknown
  readonly after: unknown
}

/** A stored job under the new code. */
export interface RehearsedJob {
  readonly jobId: string
  /**
   * The status or the `_tag` of the error with which the job ends, in the recording and in the new run.
   * "unfinished": not yet.
   */
  readonly before: string
  readonly after: string
  /** The message of the error that ends the new run. "" if it converges. */
  readonly message: string
  /** Whether the new run has the hash of the recording: nothing at all is otherwise. */
  readonly isSame: boolean
  /** The facts that come out otherwise, by the cycle in which they do first. */
  readonly facts: ReadonlyArray<RehearsedFact>
  /** Tasks and intents for which the recording has no answer. Such a task adds nothing. */
  readonly unanswered: ReadonlyArray<Unanswered>
}

/** The result of `rehearse`. */
export interface Rehearsed {
  readonly program: string
  readonly jobs: ReadonlyArray<RehearsedJob>
}

/**
 * Runs a program over recordings of stored jobs, and tells by fact what comes out otherwise, and in which cycle first.
 *
 * Fiber agents and intents answer from the recording, so nothing is asked, sent or paid; tasks without a recorded answer are
 * listed. Signals come at the beginning, decisions when their approvals are open. Child jobs are not rehearsed: an intent that
 * asks for one ends the job. A difference is a result, not a failure.
 *
 * Fails with `InvalidInput` if the program refuses the input of a recording, or is another one, and for a job that began with the
 * context of another job.
 */
export const rehearse = (
  program: Program.Any,
  recordings: ReadonlyArray<Recording>
): Effect.Effect<Rehearsed, StartError | InvalidProgram | StoreError> =>
  Effect.map(
    Effect.forEach(recordings, (recording) => rehearsed(program, recording)),
    (jobs) => ({ program: program.name, jobs })
  )

const rehearsed = (program: Program.Any, recording: Recording) =>
  Effect.gen(function* () {
    const unanswered: Array<Unanswered> = []
    const note = (output: unknown) => (missing: Unanswered) =>
      Effect.sync(() => {
        unanswered.push(missing)
        return output
      })
    const played = playedFrom(program, recording, { noTask: note({}), noAnswer: note([]) })
    const input = yield* inputOf(program, recording)
    const record = yield* playRecording(played, recording, input, (why) =>
      unanswered.push({ agent: "", each: undefined, cycle: 0, intent: "", why })
    )
    return { ...jobOf(recording, record), unanswered }
  })

/** Decodes the input of a recording for the program. A context that the job began with is in no recording. */
export const inputOf = (program: Program.Any, { context, input, jobId, program: name }: Recording) =>
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

/** Runs the played program to its end, with the recorded signals and decisions. `note` hears of what found no taker. */
export const playRecording = (
  { handlers, program }: ReturnType<typeof playedFrom>,
  { signals }: Pick<Recording, "signals">,
  input: unknown,
  note: (why: string) => void
): Effect.Effect<RunRecord, StartError | InvalidProgram | StoreError> =>
  Effect.flatMap(JobStore, (store) =>
    Effect.gen(function* () {
      const job = yield* beginning(program, input, { handlers }, "recorded")
      yield* Effect.forkChild(sendSignals(job, program, signals, note), { startImmediately: true })
      return yield* recordOf(job)
    }).pipe(Effect.provide(engineOver({ handlers }, store)))
  ).pipe(Effect.provide(Layer.fresh(layerMemoryJournal)))

/** Sends what came from outside: signals at once, and decisions as their approvals open. */
const sendSignals = (
  job: Job<Program.Any>,
  program: Program.Any,
  signals: ReadonlyArray<RecordedSignal>,
  note: (why: string) => void
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { kinds } = compiledOf(program)
    const isDecision = ({ facts }: RecordedSignal) => facts.some(({ kind }) => kind === Decision.name)
    const send = ({ cycle, facts }: RecordedSignal) =>
      Effect.suspend(() => job.signal(facts.map((fact) => proposalOf(fact, kinds)) as never)).pipe(
        Effect.catchCause(() => Effect.sync(() => note(`the signal of cycle ${cycle} was not taken up`)))
      )
    yield* Effect.forEach(
      signals.filter((signal) => !isDecision(signal)),
      (signal) => Effect.forkChild(send(signal), { startImmediately: true }),
      { discard: true }
    )
    const decisions = signals.filter(isDecision)
    for (;;) {
      yield* job.until("awaiting")
      const open = (yield* job.approvals).map(({ id }) => id)
      if (open.length === 0) {
        // Handlers are at work.
        yield* nextTurn
        continue
      }
      const next = decisions.findIndex((signal) => open.some((id) => approvalIn(signal) === id))
      if (next === -1) {
        note(`nobody decided about the approval ${open.join(", ")}`)
        return yield* job.cancel
      }
      yield* Effect.forEach(decisions.splice(next, 1), send)
    }
  }).pipe(Effect.ignore)

const approvalIn = ({ facts }: RecordedSignal): unknown => {
  const value = facts.find(({ kind }) => kind === Decision.name)?.value
  return typeof value === "object" && value !== null && "approval" in value ? value.approval : undefined
}

const jobOf = (recording: Recording, record: RunRecord): Omit<RehearsedJob, "unanswered"> => {
  const { error, hash, jobId, status = "unfinished" } = recording
  const before = new Map(
    recording.facts.filter(({ kind }) => kind !== Violation.name).map((fact) => [refKey(fact), fact])
  )
  const facts: Array<RehearsedFact> = []
  for (const { fact, text } of record.of.context.encoded()) {
    const key = refKey(fact)
    const present = before.get(key)
    before.delete(key)
    if (fact.kind === Violation.name || present?.text === text) continue
    const { agent, cycle } = fact.provenance
    facts.push({
      what: present === undefined ? "added" : "changed",
      fact: { kind: fact.kind, id: fact.id },
      agent,
      cycle,
      before: present && parseJson(present.text),
      after: parseJson(text)
    })
  }
  for (const { agent, cycle, id, kind, text } of before.values()) {
    facts.push({ what: "missing", fact: { kind, id }, agent, cycle, before: parseJson(text), after: undefined })
  }
  return {
    jobId,
    before: error ?? status,
    after: record.error ?? record.status,
    message: record.message,
    isSame: record.hash === hash,
    // The sort is stable: facts of one cycle stay in commit order.
    facts: facts.toSorted((a, b) => a.cycle - b.cycle)
  }
}
