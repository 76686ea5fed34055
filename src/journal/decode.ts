/**
 * Reads the texts of a journal's beginning and of its rows, with their extras, back into facts, effects and causes.
 *
 * Boundary: the pure core: texts in, records out; replay.ts applies them. Long work is done in steps.
 */
import type { Evaluation, IntentRef } from "../program/AgentEffect.ts"
import { canonicalText } from "../values/Canonical.ts"
import type { FactRef } from "../program/Fact.ts"
import { parseJson } from "../values/parseJson.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { ErasedKind } from "../program/erased.ts"
import type { EncodedEffect, EncodedFact, EncodedIntent } from "../program/encoded.ts"
import { parseCanonical } from "../values/frozen.ts"
import type { JournalHeader, OutcomeExtra, RowExtra } from "./records.ts"
import { reviveCause } from "./causes.ts"

/** An outcome that was read back. */
export interface DecodedOutcome {
  readonly agent: string
  readonly each: FactRef | undefined
  readonly cause: Cause | undefined
  /** Undefined if it was discarded. */
  readonly effect: EncodedEffect | undefined
  readonly combined: ReadonlyMap<number, string | null> | undefined
  readonly proposals: number
  readonly answers: IntentRef | undefined
}

/** A cycle that was read back. */
export interface DecodedRow {
  readonly cycle: number
  readonly tier: number
  readonly signals: ReadonlyArray<DecodedOutcome>
  readonly outcomes: ReadonlyArray<DecodedOutcome>
  readonly violations: ReadonlyArray<unknown>
  readonly extra: RowExtra
}

/** The beginning that was read back. */
export interface DecodedGenesis {
  readonly program: string
  readonly input: unknown
  /** The hash of the context that the job began with. */
  readonly context: string | null
  readonly seeds: DecodedOutcome
}

export type KindOf = (name: string) => ErasedKind | undefined

interface FactJson {
  readonly kind: string
  readonly value: unknown
}

interface IntentRefJson {
  readonly agent: string
  readonly cycle: number
  readonly each?: readonly [kind: string, id: string]
  readonly index: number
  readonly kind: string
}

interface OutcomeJson {
  readonly agent: string
  readonly answers?: IntentRefJson
  readonly discarded?: string
  readonly each?: readonly [kind: string, id: string]
  readonly evaluations?: ReadonlyArray<Evaluation>
  readonly facts?: ReadonlyArray<FactJson>
  readonly intents?: ReadonlyArray<{ readonly kind: string; readonly payload: unknown }>
}

/** Why a text of a journal cannot be read: it is not what this version writes. */
export class Unreadable extends Error {
  override readonly name = "Unreadable"
}

export const unreadable = (message: string): never => {
  throw new Unreadable(message)
}

export const encodedFact = ({ kind: name, value }: FactJson, id: string | undefined, kindOf: KindOf): EncodedFact => {
  const kind = kindOf(name) ?? unreadable(`there is no kind ${JSON.stringify(name)}`)
  const text = canonicalText(value)
  const decoded = kind.codec.decode(text)
  return { kind, id: id ?? kind.id(decoded), text, value: decoded }
}

export const encodedIntent = ({
  kind,
  payload
}: {
  readonly kind: string
  readonly payload: unknown
}): EncodedIntent => {
  const text = canonicalText(payload)
  return { kind, payload: parseCanonical(text), text: `{"kind":${JSON.stringify(kind)},"payload":${text}}` }
}

/** An evaluation with its keys in the order of those that were not read back: events show it. */
export const inOrder = ({ fact: { id, kind }, reason, score }: Evaluation): Evaluation => ({
  fact: { kind, id },
  score,
  reason
})

const eachOf = (each: readonly [kind: string, id: string] | undefined): FactRef | undefined =>
  each === undefined ? undefined : { kind: each[0], id: each[1] }

/** Outcomes that are read in one step. */
const stepSize = 64

function* decodeOutcome(
  json: OutcomeJson,
  extra: OutcomeExtra | undefined,
  kindOf: KindOf
): Generator<void, DecodedOutcome> {
  const { cause, combined, ids, proposals, tokens, trace } = extra === undefined || extra === 0 ? nothing : extra
  const { answers } = json
  const each = eachOf(json.each)
  const answered = answers === undefined ? undefined : { ...answers, each: eachOf(answers.each) }
  const common = { agent: json.agent, each, answers: answered }
  if (json.discarded !== undefined) {
    const known = cause ?? unreadable(`the cause of a discarded effect of ${JSON.stringify(json.agent)} is missing`)
    return { ...common, cause: reviveCause(known), effect: undefined, combined: undefined, proposals: proposals ?? 0 }
  }
  const facts: Array<EncodedFact> = []
  for (const fact of json.facts ?? []) {
    facts.push(encodedFact(fact, ids?.[facts.length], kindOf))
    if (facts.length % stepSize === 0) yield
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
    combined: combined === undefined ? undefined : new Map(combined),
    proposals: facts.length
  }
}

const nothing: Exclude<OutcomeExtra, 0> = {}

function* decodeOutcomes(
  list: ReadonlyArray<OutcomeJson>,
  extras: ReadonlyArray<OutcomeExtra> | undefined,
  kindOf: KindOf
): Generator<void, ReadonlyArray<DecodedOutcome>> {
  const outcomes: Array<DecodedOutcome> = []
  for (const json of list) {
    outcomes.push(yield* decodeOutcome(json, extras?.[outcomes.length], kindOf))
    if (outcomes.length % stepSize === 0) yield
  }
  return outcomes
}

interface RowJson {
  readonly cycle: number
  readonly outcomes: ReadonlyArray<OutcomeJson>
  readonly signals: ReadonlyArray<OutcomeJson>
  readonly tier: number
  readonly violations: ReadonlyArray<unknown>
}

/** Reads a row, in steps. @throws Unreadable, or what a kind's schema throws for a value that does not fit it */
export function* decodeRow(text: string, extraText: string, kindOf: KindOf): Generator<void, DecodedRow> {
  const json = parseJson(text) as RowJson
  const extra = parseJson(extraText) as RowExtra
  const signals = yield* decodeOutcomes(json.signals, extra.signals, kindOf)
  const outcomes = yield* decodeOutcomes(json.outcomes, extra.outcomes, kindOf)
  return { cycle: json.cycle, tier: json.tier, signals, outcomes, violations: json.violations, extra }
}

/** Reads a beginning, in steps. Throws as `decodeRow` does. */
export function* decodeGenesis(text: string, header: JournalHeader, kindOf: KindOf): Generator<void, DecodedGenesis> {
  const json = parseJson(text) as {
    readonly context: string | null
    readonly input: unknown
    readonly program: string
    readonly seeds: ReadonlyArray<FactJson>
  }
  const { seeds: extra } = header.beginning
  const isDiscarded = extra !== 0 && extra.cause !== undefined
  const outcome: OutcomeJson = isDiscarded
    ? { agent: "", discarded: extra.cause._tag }
    : { agent: "", facts: json.seeds, evaluations: [], intents: [] }
  const seeds = yield* decodeOutcome(outcome, extra, kindOf)
  return { program: json.program, input: json.input, context: json.context, seeds }
}
