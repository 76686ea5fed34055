/**
 * Compares a recording with the run of new code: facts, intents, and the end.
 *
 * Facts are compared by kind, id and text. Intents are compared by kind, agent, each-fact and payload, wherever they stand: the
 * cycle and the place among others play no part. Boundary: pure.
 */
import { childKind, ChildResult } from "../program/answerKinds.ts"
import { compiledOf } from "../program/erased.ts"
import type { FactRef } from "../program/Fact.ts"
import { Violation } from "../program/Invariant.ts"
import { refKey } from "../program/keys.ts"
import type { Program } from "../program/Program.ts"
import { canonicalText } from "../values/Canonical.ts"
import { parseJson } from "../values/parseJson.ts"
import { withoutKey } from "./childResults.ts"
import type { Unanswered } from "./recorded.ts"
import type { Played } from "./playing.ts"
import type { Recording } from "./recording.ts"
import { stopOf } from "./stopping.ts"
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

/** An intent that comes out otherwise: another charge, another letter, another question, another child job. */
export interface RehearsedIntent {
  readonly what: "added" | "missing" | "changed"
  /** Its kind: `"Approval"` for a question, `"ChildJob"` for a child job. */
  readonly intent: string
  readonly agent: string
  /** The fact that the agent's task was about; undefined for an agent without `each`. */
  readonly each: FactRef | undefined
  /** The cycle of the new run, or that of the recording for an intent that is missing. */
  readonly cycle: number
  /** The payload in the recording, and in the new run, as JSON; undefined where there is none. */
  readonly before: unknown
  readonly after: unknown
}

/** A stored job under the new code. */
export interface RehearsedJob {
  readonly jobId: string
  readonly program: string
  /**
   * The status or the `_tag` of the error with which the job ends, in the recording and in the new run. "unfinished": not yet.
   * `after` is the `_tag` of the refusal if the new code cannot begin the job, such as `"InvalidInput"`.
   */
  readonly before: string
  readonly after: string
  /** The message of the error that ends the new run. "" if there is none. */
  readonly message: string
  /** Whether a user would see something else: another end, fact or intent, or a question that the recording does not answer. */
  readonly isOtherwise: boolean
  /** Whether the new run has the hash of the recording: nothing at all is otherwise. */
  readonly isSame: boolean
  /** The facts that come out otherwise, by the cycle in which they do first. */
  readonly facts: ReadonlyArray<RehearsedFact>
  /** The intents that come out otherwise, by the cycle in which they do first. */
  readonly intents: ReadonlyArray<RehearsedIntent>
  /** Tasks and intents for which the recording has no answer. Such a task adds nothing. */
  readonly unanswered: ReadonlyArray<Unanswered>
  /** Sentences about the reach of the rehearsal: a job that has not ended, was cancelled, or went on with another version. */
  readonly notes: ReadonlyArray<string>
}

/** The report of a job that ran. */
export const comparedJob = (program: Program.Any, recording: Recording, played: Played): RehearsedJob => {
  const { isCut, notes, record, unanswered } = played
  const before = endOf(recording)
  const after = isCut ? before : (record.error ?? record.status)
  const facts = factsOf(recording, record)
  const intents = intentsOf(recording, record)
  // An unfinished job is expected to converge one day.
  const isOtherEnd = before !== after && !(before === "unfinished" && after === "converged")
  return {
    jobId: recording.jobId,
    program: recording.program,
    before,
    after,
    message: isCut ? "" : record.message,
    isOtherwise: isOtherEnd || facts.length > 0 || intents.length > 0 || unanswered.length > 0,
    isSame: record.hash === recording.hash,
    facts,
    intents,
    unanswered,
    notes: [...notesOf(program, recording), ...notes, ...staleOf(facts, played)]
  }
}

/** The report of a job that the new code cannot begin. */
export const refusedJob = (
  program: Program.Any,
  recording: Recording,
  { _tag, message }: { readonly _tag: string; readonly message: string }
): RehearsedJob => ({
  ...{ jobId: recording.jobId, program: recording.program, before: endOf(recording), after: _tag, message },
  ...{ isOtherwise: true, isSame: false, facts: [], intents: [], unanswered: [] },
  notes: notesOf(program, recording)
})

const endOf = ({ error, status = "unfinished" }: Recording): string => error ?? status

const factsOf = (recording: Recording, record: RunRecord): ReadonlyArray<RehearsedFact> => {
  const before = new Map(
    recording.facts.filter(({ kind }) => kind !== Violation.name).map((fact) => [refKey(fact), fact])
  )
  const facts: Array<RehearsedFact> = []
  for (const { fact, text } of record.of.context.encoded()) {
    const key = refKey(fact)
    const present = before.get(key)
    before.delete(key)
    if (fact.kind === Violation.name || (present !== undefined && isSameText(fact.kind, present.text, text))) continue
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
  // The sort is stable: facts of one cycle stay in commit order.
  return facts.toSorted((a, b) => a.cycle - b.cycle)
}

/** The key in the result of a child job names the cycle of the intent, which plays no part. */
const isSameText = (kind: string, one: string, other: string): boolean =>
  one === other || (kind === ChildResult.name && withoutKey(one) === withoutKey(other))

/** An intent of a recording or of a run. */
interface Asked {
  readonly kind: string
  readonly agent: string
  readonly each: FactRef | undefined
  readonly cycle: number
  readonly payload: unknown
}

const intentsOf = (recording: Recording, record: RunRecord): ReadonlyArray<RehearsedIntent> => {
  const before = Map.groupBy(askedIn(recording), ownerOf)
  const found = [...Map.groupBy<string, Asked>(record.of.intents, ownerOf)].flatMap(([owner, after]) => {
    const differences = differingOf(before.get(owner) ?? [], after)
    before.delete(owner)
    return differences
  })
  const missing = [...before.values()].flatMap((asked) => differingOf(asked, []))
  return [...found, ...missing].toSorted((a, b) => a.cycle - b.cycle)
}

const askedIn = ({ tasks }: Recording): ReadonlyArray<Asked> =>
  tasks.flatMap(({ agent, cycle, each, effect }) =>
    (effect?.intents ?? []).map(({ kind, payload }) => ({ kind, agent, each, cycle, payload }))
  )

const ownerOf = ({ agent, each, kind }: Asked): string => JSON.stringify([kind, agent, each && refKey(each)])

/** The differences between intents of one kind of one agent and one fact. The same payload is none, whenever it comes. */
const differingOf = (before: ReadonlyArray<Asked>, after: ReadonlyArray<Asked>): ReadonlyArray<RehearsedIntent> => {
  const left = Map.groupBy(before, ({ payload }) => canonicalText(payload))
  const others = after.filter(({ payload }) => left.get(canonicalText(payload))?.shift() === undefined)
  const gone = [...left.values()].flat()
  const paired = others.map((intent) => {
    const present = gone.shift()
    return intentOf(present === undefined ? "added" : "changed", intent, present?.payload, intent.payload)
  })
  return [...paired, ...gone.map((intent) => intentOf("missing", intent, intent.payload, undefined))]
}

const intentOf = (
  what: RehearsedIntent["what"],
  { agent, cycle, each, kind }: Asked,
  before: unknown,
  after: unknown
): RehearsedIntent => ({ what, intent: kind, agent, each, cycle, before, after })

/** Sentences about the reach of a rehearsal. */
const notesOf = (program: Program.Any, recording: Recording): ReadonlyArray<string> => {
  const { answers, base, cycles, earlier = [], version = "" } = recording
  const stop = stopOf(program, recording)
  const notes = stop === undefined ? [] : [`${stop}: it is compared up to cycle ${cycles}`]
  if (base !== undefined)
    notes.push("the job began with the context of another one: its first facts are the recorded ones")
  for (const { until, version: from } of earlier) {
    notes.push(`another version went on after cycle ${until}, from ${named(from)}: it is rehearsed from its beginning`)
  }
  const now = compiledOf(program).version
  if (version !== now) notes.push(`the job is of ${named(version)}, and the program is of ${named(now)}`)
  const children = answers.filter(({ intent }) => intent.kind === childKind).length
  if (children > 0)
    notes.push(`${children === 1 ? "1 child job answers" : `${children} child jobs answer`} as recorded`)
  return notes
}

const named = (version: string): string => (version === "" ? "no version" : `version ${JSON.stringify(version)}`)

/** Tasks that are named in a note. */
const mostNamed = 5

/** A sentence about tasks that answered as recorded, although the fact that they are about has another value now. */
const staleOf = (facts: ReadonlyArray<RehearsedFact>, { answered }: Played): ReadonlyArray<string> => {
  const changed = new Set(facts.filter(({ what }) => what === "changed").map(({ fact }) => refKey(fact)))
  const stale = answered.filter(({ each }) => changed.has(refKey(each)))
  if (stale.length === 0) return []
  const names = stale
    .slice(0, mostNamed)
    .map(({ agent, each }) => `${JSON.stringify(agent)} on ${each.kind}/${each.id}`)
  const more = stale.length > mostNamed ? ` and ${stale.length - mostNamed} more` : ""
  return [`tasks answer as recorded, for another value of their fact: ${names.join(", ")}${more}`]
}
