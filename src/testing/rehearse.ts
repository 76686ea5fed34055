/**
 * `Testing.rehearse`: new code over stored jobs, before it is deployed.
 *
 * Each job runs again from its input, with the program's own CPU agents, joins, folds, seeds and rules. What reaches outside of
 * the process is played from the recording. The facts at the end are compared with those of the recording. Boundary: jobs in
 * engines of its own, which keep nothing.
 */
import * as Effect from "effect/Effect"
import type { InvalidProgram, StartError, StoreError } from "../outcome/JobError.ts"
import type { FactRef } from "../program/Fact.ts"
import { Violation } from "../program/Invariant.ts"
import { refKey } from "../program/keys.ts"
import type { Program } from "../program/Program.ts"
import { parseJson } from "../values/parseJson.ts"
import { play } from "./playing.ts"
import type { Unanswered } from "./recorded.ts"
import type { Recording } from "./recording.ts"
import type { RunRecord } from "./runs.ts"

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
 * listed. Signals come in the cycle in which they came, as far as the new run has it, and decisions when approvals are open.
 * Child jobs are not rehearsed: an intent that asks for one ends the job. A difference is a result, not a failure.
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
  Effect.map(play(program, recording), ({ record, unanswered }) => ({ ...jobOf(recording, record), unanswered }))

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
