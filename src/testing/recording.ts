/**
 * Recordings: what the agents, the handlers and the senders of signals of a stored job gave, as plain data.
 *
 * A recording can be kept as JSON. `recorded`, `rehearse` and exported cases answer from it. Boundary: a journal in, plain data
 * out; the journal is verified on the way.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type CauseJson, causeJson } from "../journal/causes.ts"
import { decodeRow, type DecodedOutcome, type DecodedRow } from "../journal/decode.ts"
import { endIn } from "../journal/edges.ts"
import * as Journal from "../journal/Journal.ts"
import { readHeader } from "../journal/parts.ts"
import type { JournalHeader } from "../journal/records.ts"
import { rawKind } from "../journal/rawKind.ts"
import type { InvalidInput, JournalCorrupt, ProgramChanged, StoreError } from "../outcome/JobError.ts"
import type { Evaluation, Intent, IntentRef } from "../program/AgentEffect.ts"
import { approvalKind } from "../program/answerKinds.ts"
import type { BudgetName } from "../program/Budget.ts"
import type { ErasedKind } from "../program/erased.ts"
import type { FactRef } from "../program/Fact.ts"
import { partOf } from "../program/keys.ts"
import { JobStore, type StoredJournal } from "../store/index.ts"
import { parseJson } from "../values/parseJson.ts"
import { runSteps } from "../values/steps.ts"
import { blamedIn } from "./runs.ts"

/** A proposal in a recording: its value is the JSON of its kind. */
export interface RecordedProposal {
  readonly kind: string
  readonly value: unknown
  /** The commit positions of its reasons. Left out if it has none. */
  readonly because?: ReadonlyArray<number>
}

/** The effect that an agent gave, or the failure of its task. */
export interface RecordedTask {
  readonly agent: string
  readonly cycle: number
  readonly each?: FactRef
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
  readonly effect?: {
    readonly facts: ReadonlyArray<RecordedProposal>
    readonly intents: ReadonlyArray<Intent>
    readonly evaluations: ReadonlyArray<Evaluation>
    readonly trace?: unknown
    readonly tokens: number
  }
  readonly failure?: CauseJson
}

/** The answer to an intent, or the failure of its handler. */
export interface RecordedAnswer {
  readonly intent: IntentRef
  readonly facts: ReadonlyArray<RecordedProposal>
  readonly failure?: CauseJson
}

/** Facts that came from outside, in the cycle that took them up. */
export interface RecordedSignal {
  readonly cycle: number
  readonly facts: ReadonlyArray<RecordedProposal>
}

/** A fact at the end of a recorded job. `text` is the canonical JSON of its value. */
export interface RecordedFact extends FactRef {
  readonly text: string
  readonly agent: string
  readonly cycle: number
}

/** The limits of a recorded job, by the names that `BudgetExhausted` gives them; null: unlimited. Times are in milliseconds. */
export type RecordedBudget = { readonly [Name in BudgetName]?: number | null }

/** The beginning of a job that began with the context of another one, such as a fork, as its journal has it. */
export interface RecordedBase {
  /** JSON. */
  readonly header: string
  readonly text: string
  /** The context, in pieces of JSON. */
  readonly pieces: ReadonlyArray<string>
}

/** A version of the program that another one followed in the recorded job. */
export interface RecordedVersion {
  readonly version: string
  /** The last cycle that it committed. */
  readonly until: number
}

/** A stored job as plain data. */
export interface Recording {
  readonly format: 1
  readonly jobId: string
  readonly program: string
  /** The input, as its schema encodes it. */
  readonly input: unknown
  /** The number of committed cycles, and the hash after the last. */
  readonly cycles: number
  readonly hash: string
  /**
   * The way in which the job ended, and the `_tag` of its error. Left out for an unfinished job, and for one
   * without an error.
   */
  readonly status?: string
  readonly error?: string
  /** The agent, the invariant or the budget that the error names. Left out if there is none. */
  readonly blamed?: string
  /** The hash of the context that the job began with. Left out if it began with none. */
  readonly context?: string
  /** That context. Left out if the job began with none, and by earlier versions of this package. */
  readonly base?: RecordedBase
  /** The limits of the job. Left out by earlier versions of this package. */
  readonly budget?: RecordedBudget
  /** The version of the program that committed the last cycle. Left out if it has none. */
  readonly version?: string
  /** The versions before it, oldest first. Left out if there were none. */
  readonly earlier?: ReadonlyArray<RecordedVersion>
  /** The reason of the quarantine that the job is in. Left out if it is in none. */
  readonly quarantine?: string
  /** The facts that the job began with. */
  readonly seeds: ReadonlyArray<RecordedProposal>
  readonly tasks: ReadonlyArray<RecordedTask>
  readonly answers: ReadonlyArray<RecordedAnswer>
  readonly signals: ReadonlyArray<RecordedSignal>
  /** The kinds of intents that handlers performed. */
  readonly handled: ReadonlyArray<string>
  readonly facts: ReadonlyArray<RecordedFact>
}

/**
 * Reads a stored job as a recording. It verifies the journal, and executes nothing.
 *
 * Fails with `StoreError` (`missing`) and with `JournalCorrupt`.
 */
export const recording = (
  jobId: string
): Effect.Effect<Recording, StoreError | JournalCorrupt | ProgramChanged | InvalidInput, JobStore> =>
  Effect.gen(function* () {
    const store = yield* JobStore
    const { context, cycle, hash, input, program } = yield* Journal.replay(jobId)
    const journal = yield* store.load(jobId)
    const header = yield* readHeader(journal)
    const kinds = new Map(
      [...header.earlier.map((part) => part.header), header].flatMap((part) =>
        part.kinds.map((kind): [string, ErasedKind] => [kind.name, rawKind(kind)])
      )
    )
    const stored = yield* Stream.runCollect(store.rows(jobId, 0, cycle))
    // The replay has verified and decoded the same texts.
    const rows = stored.map(({ extra, text }) => runSteps(decodeRow(text, extra, (name) => kinds.get(name))))
    const end = yield* endIn(journal)
    return {
      format: 1,
      jobId,
      program,
      input,
      cycles: cycle,
      hash,
      ...(journal.status === undefined ? {} : { status: journal.status }),
      ...errorOf(end?.cause ?? undefined),
      ...beginningOf(journal.text),
      ...(yield* baseOf(store, journal, header)),
      ...standingOf(journal, header),
      ...partsOf(rows),
      facts: context.encoded().map(({ fact: { id, kind, provenance }, text }) => {
        const { agent, cycle } = provenance
        return { kind, id, text, agent, cycle }
      })
    }
  })

const baseOf = (
  store: JobStore["Service"],
  { bases, jobId, text }: StoredJournal,
  last: JournalHeader
): Effect.Effect<Pick<Recording, "base">, StoreError> => {
  if (!bases.includes(0)) return Effect.succeed({})
  // The first header has the beginning of the job.
  const header = last.earlier[0]?.header ?? last
  return Effect.map(Stream.runCollect(store.base(jobId, 0)), (pieces) => ({
    base: { header: JSON.stringify(header), text, pieces }
  }))
}

const standingOf = ({ attempts }: StoredJournal, { budget, earlier, version }: JournalHeader) => ({
  budget,
  ...(version === "" ? {} : { version }),
  ...(earlier.length === 0
    ? {}
    : { earlier: earlier.map(({ header, until }): RecordedVersion => ({ version: header.version, until })) }),
  ...(attempts?.quarantine === undefined ? {} : { quarantine: attempts.quarantine })
})

const errorOf = (cause: CauseJson | undefined): Pick<Recording, "error" | "blamed"> => {
  if (cause === undefined) return {}
  const blamed = blamedIn(cause)
  return { error: cause._tag, ...(blamed === "" ? {} : { blamed }) }
}

/** Reads the genesis text. The replay has verified its hash, so the cast gives its type. */
const beginningOf = (text: string): Pick<Recording, "seeds" | "context"> => {
  const { context, seeds } = parseJson(text) as {
    readonly context: string | null
    readonly seeds: ReadonlyArray<RecordedProposal>
  }
  return { seeds, ...(context === null ? {} : { context }) }
}

const partsOf = (rows: ReadonlyArray<DecodedRow>): Pick<Recording, "tasks" | "answers" | "signals" | "handled"> => ({
  tasks: rows.flatMap(({ cycle, outcomes }) => outcomes.map((outcome) => taskOf(outcome, cycle))),
  answers: rows.flatMap(({ signals }) => signals.flatMap(answerOf)),
  signals: rows.flatMap(({ cycle, signals }) =>
    signals.flatMap((outcome): ReadonlyArray<RecordedSignal> =>
      isSignal(outcome) && outcome.effect !== undefined ? [{ cycle, facts: proposalsOf(outcome) }] : []
    )
  ),
  handled: [...new Set(rows.flatMap(({ extra }) => extra.handled ?? []))]
})

/** A decision about an approval answers an intent, and comes as a signal. */
const isSignal = ({ answers }: DecodedOutcome): boolean => answers === undefined || answers.kind === approvalKind

const proposalsOf = ({ effect }: DecodedOutcome): ReadonlyArray<RecordedProposal> =>
  (effect?.facts ?? []).map(({ because, kind, text }) => ({
    kind: kind.name,
    value: parseJson(text),
    ...(because === undefined ? {} : { because })
  }))

const taskOf = (outcome: DecodedOutcome, cycle: number): RecordedTask => {
  const { agent, cause, each, effect, part } = outcome
  const name = { agent, cycle, ...(each === undefined ? {} : { each }), ...partOf(part) }
  if (cause !== undefined || effect === undefined) {
    return cause === undefined ? name : { ...name, failure: causeJson(cause) }
  }
  const { evaluations, intents, tokens, trace } = effect
  return {
    ...name,
    effect: {
      facts: proposalsOf(outcome),
      intents: intents.map(({ kind, payload }) => ({ kind, payload })),
      evaluations,
      ...(trace === undefined ? {} : { trace }),
      tokens
    }
  }
}

/** An approval has an answer here if its time limit ended the job. */
const answerOf = (outcome: DecodedOutcome): ReadonlyArray<RecordedAnswer> => {
  const { answers, cause } = outcome
  if (answers === undefined || (isSignal(outcome) && cause === undefined)) return []
  const failure = cause === undefined ? {} : { failure: causeJson(cause) }
  return [{ intent: answers, facts: proposalsOf(outcome), ...failure }]
}
