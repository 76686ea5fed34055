/**
 * Decodes a journal's beginning and its rows, with their extras, into facts, effects and causes.
 *
 * No schema checks the canonical texts: the caller has compared their hash, so the merge wrote them, and the casts below give
 * their type. No hash covers extras and headers: their readers check their shape, and this file checks them against their text.
 *
 * Boundary: the pure core; texts in, records out. replay.ts applies the records. Long work runs in steps.
 */
import { stepSize } from "../values/steps.ts"
import type { Evaluation, IntentRef } from "../program/AgentEffect.ts"
import { canonical } from "../values/Canonical.ts"
import type { FactRef } from "../program/Fact.ts"
import { parseLong, stretchLength } from "../values/parseLong.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { ErasedKind } from "../program/erased.ts"
import { partOf } from "../program/keys.ts"
import type { EncodedEffect, EncodedFact, EncodedIntent } from "../program/encoded.ts"
import type { Canonical } from "../values/Canonical.ts"
import { describeError } from "../values/panic.ts"
import { type CauseJson, reviveCause } from "./causes.ts"
import { readRowExtra } from "./extra.ts"
import { unreadable } from "./jsonRecord.ts"
import type { HaltExtra, JournalHeader, OutcomeExtra, OutcomeFields, RowExtra } from "./records.ts"

/** An outcome, as decoded from a journal. */
export interface DecodedOutcome {
  readonly agent: string
  readonly each: FactRef | undefined
  readonly part?: number
  readonly cause: Cause | undefined
  /** Undefined if the outcome was discarded. */
  readonly effect: EncodedEffect | undefined
  /** The results of combining functions, by the fact's place in the effect; null: the existing fact stayed. */
  readonly combined: ReadonlyMap<number, Canonical | null> | undefined
  /** The places of facts whose combining function was not commutative. */
  readonly uncommutative: ReadonlyArray<number> | undefined
  readonly proposals: number
  readonly answers: IntentRef | undefined
}

/** A committed cycle, as decoded from a journal. */
export interface DecodedRow {
  readonly cycle: number
  readonly tier: number
  readonly signals: ReadonlyArray<DecodedOutcome>
  readonly outcomes: ReadonlyArray<DecodedOutcome>
  readonly violations: ReadonlyArray<unknown>
  readonly extra: RowExtra
}

/** The beginning of a job, as decoded from its journal. */
export interface DecodedGenesis {
  readonly program: string
  readonly input: unknown
  /** The hash of the context that the job began with. */
  readonly context: string | null
  readonly seeds: DecodedOutcome
}

/** Returns the kind with a name, or undefined if the replayed program has none. */
export type KindOf = (name: string) => ErasedKind | undefined

interface FactJson {
  readonly because?: ReadonlyArray<number>
  readonly kind: string
  readonly value: unknown
}

interface IntentRefJson {
  readonly agent: string
  readonly cycle: number
  readonly each?: readonly [kind: string, id: string]
  readonly index: number
  readonly kind: string
  readonly part?: number
}

interface OutcomeJson {
  readonly agent: string
  readonly answers?: IntentRefJson
  readonly discarded?: string
  readonly each?: readonly [kind: string, id: string]
  readonly evaluations?: ReadonlyArray<Evaluation>
  readonly facts?: ReadonlyArray<FactJson>
  readonly intents?: ReadonlyArray<{ readonly kind: string; readonly payload: unknown }>
  readonly part?: number
}

/** A value of a kind with its text, from the JSON of a text that the kind wrote. The text of a plain kind is not parsed again. */
export const decodedBy = ({ codec }: ErasedKind, json: unknown): Canonical => {
  const found = canonical(json)
  return codec.isPlain ? found : { text: found.text, value: codec.decode(found.text) }
}

export const encodedFact = (
  { because, kind: name, value: json }: FactJson,
  id: string,
  kindOf: KindOf
): EncodedFact => {
  const kind = kindOf(name) ?? unreadable("text", `there is no kind ${JSON.stringify(name)}`)
  const { text, value } = decodedBy(kind, json)
  return { kind, id, text, value, because: because && Object.freeze(because) }
}

export const encodedIntent = ({
  kind,
  payload
}: {
  readonly kind: string
  readonly payload: unknown
}): EncodedIntent => {
  const { text, value } = canonical(payload)
  return { kind, payload: value, text: `{"kind":${JSON.stringify(kind)},"payload":${text}}` }
}

/** Orders the keys of an evaluation as agents' effects do, because events show that order. */
export const inOrder = ({ fact: { id, kind }, reason, score }: Evaluation): Evaluation => ({
  fact: { kind, id },
  score,
  reason
})

const eachOf = (each: readonly [kind: string, id: string] | undefined): FactRef | undefined =>
  each === undefined ? undefined : { kind: each[0], id: each[1] }

const nothing: OutcomeFields = {}

/** Returns the cause of a discarded outcome. The row's text must name the same cause. */
const causeOf = ({ agent, discarded }: OutcomeJson, cause: CauseJson | undefined): Cause | undefined => {
  if (cause?._tag === discarded) return cause === undefined ? undefined : reviveCause(cause)
  const expected = discarded === undefined ? "was applied" : `was discarded for ${JSON.stringify(discarded)}`
  return unreadable("extra", `the effect of ${JSON.stringify(agent)} ${expected}, and its cause is ${cause?._tag}`)
}

/** Decodes the results of combining functions with the kinds of their facts. */
const combinedOf = (
  facts: ReadonlyArray<EncodedFact>,
  combined: NonNullable<OutcomeFields["combined"]>
): ReadonlyMap<number, Canonical | null> =>
  new Map(
    combined.map(([place, text]) => {
      const kind = facts[place]?.kind ?? unreadable("extra", `combined: there is no fact ${place}`)
      if (text === null) return [place, null]
      try {
        return [place, { text, value: kind.codec.decode(text) }]
      } catch (error) {
        return unreadable("extra", `combined: the value of fact ${place}: ${describeError(error)}`)
      }
    })
  )

function* decodeOutcome(json: OutcomeJson, extra: OutcomeExtra, kindOf: KindOf): Generator<void, DecodedOutcome> {
  const { cause: causeJson, combined, ids, proposals, tokens, trace, uncommutative } = extra === 0 ? nothing : extra
  const { answers } = json
  const each = eachOf(json.each)
  const answered = answers === undefined ? undefined : { ...answers, each: eachOf(answers.each) }
  const common = { agent: json.agent, each, ...partOf(json.part), answers: answered }
  const cause = causeOf(json, causeJson)
  if (cause !== undefined) {
    return {
      ...common,
      cause,
      effect: undefined,
      combined: undefined,
      uncommutative: undefined,
      proposals: proposals ?? 0
    }
  }
  const factsJson = json.facts ?? []
  if ((ids?.length ?? 0) !== factsJson.length) {
    return unreadable("extra", `${ids?.length ?? 0} ids for ${factsJson.length} facts`)
  }
  const facts: Array<EncodedFact> = []
  for (const json of factsJson) {
    const fact = encodedFact(json, ids![facts.length]!, kindOf)
    facts.push(fact)
    if (facts.length % stepSize === 0 || fact.text.length > stretchLength) yield
  }
  return {
    ...common,
    cause: undefined,
    effect: {
      facts,
      intents: (json.intents ?? []).map(encodedIntent),
      evaluations: (json.evaluations ?? []).map(inOrder),
      trace,
      tokens: tokens ?? 0
    },
    combined: combined === undefined ? undefined : combinedOf(facts, combined),
    uncommutative,
    proposals: facts.length
  }
}

/** `extras`: undefined if no outcome of the list has one. */
function* decodeOutcomes(
  list: ReadonlyArray<OutcomeJson>,
  extras: ReadonlyArray<OutcomeExtra> | undefined,
  kindOf: KindOf
): Generator<void, ReadonlyArray<DecodedOutcome>> {
  if (extras !== undefined && extras.length !== list.length) {
    return unreadable("extra", `${extras.length} extras for ${list.length} outcomes`)
  }
  const outcomes: Array<DecodedOutcome> = []
  for (const json of list) {
    outcomes.push(yield* decodeOutcome(json, extras?.[outcomes.length] ?? 0, kindOf))
    if (outcomes.length % stepSize === 0) yield
  }
  return outcomes
}

/** Checks that the outcome to which the extra points has a cause. */
const checkHalt = (
  halt: HaltExtra | undefined,
  signals: ReadonlyArray<DecodedOutcome>,
  outcomes: ReadonlyArray<DecodedOutcome>
): void => {
  if (halt === undefined || "cause" in halt) return
  const [where, place] = halt
  if ((where === "signal" ? signals : outcomes)[place]?.cause === undefined) {
    unreadable("extra", `halt: ${where} ${place} was not discarded`)
  }
}

interface RowJson {
  readonly cycle: number
  readonly outcomes: ReadonlyArray<OutcomeJson>
  readonly signals: ReadonlyArray<OutcomeJson>
  readonly tier: number
  readonly violations: ReadonlyArray<unknown>
}

interface GenesisJson {
  readonly context: string | null
  readonly input: unknown
  readonly program: string
  readonly seeds: ReadonlyArray<FactJson>
}

/** Decodes a row, in steps. @throws Unreadable, or the error of a kind's schema for a value that does not fit */
export function* decodeRow(text: string, extraText: string, kindOf: KindOf): Generator<void, DecodedRow> {
  // The cast is safe: the hash of the text is the one that was written.
  const json = (yield* parseLong(text)) as RowJson
  const extra = yield* readRowExtra(extraText)
  const signals = yield* decodeOutcomes(json.signals, extra.signals, kindOf)
  const outcomes = yield* decodeOutcomes(json.outcomes, extra.outcomes, kindOf)
  checkHalt(extra.halt, signals, outcomes)
  return { cycle: json.cycle, tier: json.tier, signals, outcomes, violations: json.violations, extra }
}

/** Decodes a beginning, in steps. Throws as `decodeRow` does. */
export function* decodeGenesis(text: string, header: JournalHeader, kindOf: KindOf): Generator<void, DecodedGenesis> {
  // The cast is safe: the hash of the text is the one that was written.
  const json = (yield* parseLong(text)) as GenesisJson
  const { seeds: extra } = header.beginning
  const isDiscarded = extra !== 0 && extra.cause !== undefined
  const outcome: OutcomeJson = isDiscarded
    ? { agent: "", discarded: extra.cause._tag }
    : { agent: "", facts: json.seeds, evaluations: [], intents: [] }
  const seeds = yield* decodeOutcome(outcome, extra, kindOf)
  checkHalt(header.beginning.halt, [seeds], [])
  return { program: json.program, input: json.input, context: json.context, seeds }
}
