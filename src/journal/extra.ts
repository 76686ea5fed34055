/**
 * What a journal holds beside the canonical texts of rowText.ts: all that a replay needs and the hash does not cover.
 *
 * The header describes the program as it was, so that a journal can be read without it. The extra of a row has the ids of
 * its facts, what combining functions made of them, causes with all their fields, traces, tokens, and what the job had
 * spent by then. Boundary: the pure core: JSON texts to and from records; replay.ts applies them.
 */
import type { Evaluation, IntentRef } from "../program/AgentEffect.ts"
import type { Usage } from "../program/Budget.ts"
import { canonicalText } from "../values/Canonical.ts"
import type { FactRef } from "../program/Fact.ts"
import { parseJson } from "../values/parseJson.ts"
import type { Cause, Status } from "../outcome/Cause.ts"
import type { CommittedCycle, MergedOutcome } from "../outcome/CommittedCycle.ts"
import type { ErasedKind } from "../program/erased.ts"
import type { EncodedEffect, EncodedFact, EncodedIntent } from "../program/encoded.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"
import { parseCanonical } from "../values/frozen.ts"
import { errorToJson } from "../outcome/resultJson.ts"

/** A kind as a header names it. */
export interface KindHeader {
  readonly name: string
  /** Facts that are kept; null: all. */
  readonly latest: number | null
  readonly conflict: "reject" | "keepFirst" | "keepLast" | "combine"
  /** Names the schema: see kindFingerprint.ts. */
  readonly fingerprint: string
}

/** The header of the rows up to a cycle. `isMigrated`: what comes after stands on a context that a migration made. */
export interface EarlierHeader {
  readonly until: number
  readonly isMigrated: boolean
  readonly header: JournalHeader
}

/** What a journal says of its program and of how the job began. */
export interface JournalHeader {
  readonly format: 1
  readonly program: string
  readonly version: string
  /** As `ResolvedBudget`; null: unlimited. */
  readonly budget: Readonly<Record<keyof ResolvedBudget, number | null>>
  readonly kinds: ReadonlyArray<KindHeader>
  /** The kinds that trigger each agent, by the agent's name, in merge order. */
  readonly triggers: ReadonlyArray<readonly [agent: string, kinds: ReadonlyArray<string>]>
  /** Of a fork: the agents that have executed before it began. */
  readonly executed: ReadonlyArray<string>
  /** Of a fork: its seeds override what is there, whatever their kinds' rules. */
  readonly isForced: boolean
  /** What was the header up to a cycle, of a job that another version of its program went on with; oldest first. */
  readonly earlier: ReadonlyArray<EarlierHeader>
  /** Cycle 0. */
  readonly beginning: BeginningExtra
}

/** What an outcome holds beside its canonical text. 0: nothing. */
export type OutcomeExtra =
  | 0
  | {
      /** The ids of its facts, in their order. */
      readonly ids?: ReadonlyArray<string>
      /** What a combining function made of a fact: its place, and the text, or null if it was the existing one. */
      readonly combined?: ReadonlyArray<readonly [place: number, text: string | null]>
      readonly trace?: unknown
      readonly tokens?: number
      /** Why it was discarded, in full. */
      readonly cause?: Cause
      /** Of a discarded signal: how many facts it proposed. */
      readonly proposals?: number
    }

/** What happened between two cycles, as the event log says it. */
export type Between = "Paused" | "Resumed" | "Awaiting"

/** Where the cause that halts the job stands: with an outcome, or by itself. */
export type HaltExtra = readonly ["signal" | "outcome", number] | { readonly cause: Cause }

export interface RowExtra {
  readonly signals?: ReadonlyArray<OutcomeExtra>
  readonly outcomes?: ReadonlyArray<OutcomeExtra>
  readonly before?: ReadonlyArray<Between>
  readonly halt?: HaltExtra
  /** The kinds of intents that were committed and are performed by a handler. */
  readonly handled?: ReadonlyArray<string>
  /** When it was committed, in milliseconds since the epoch. */
  readonly at: number
  /** What the job had spent, this cycle included, in milliseconds. */
  readonly ranMs: number
  readonly cpuMs: number
}

export interface BeginningExtra {
  readonly seeds: OutcomeExtra
  readonly violations: ReadonlyArray<unknown>
  readonly halt?: HaltExtra
}

/** What a journal's end says. */
export interface EndExtra {
  readonly status: Status
  /** As JSON; null for a job that converged. */
  readonly cause: Cause | null
  /** The output, if it can be written as JSON. */
  readonly output?: unknown
  readonly usage: Usage
}

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

type KindOf = (name: string) => ErasedKind | undefined

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

const unreadable = (message: string): never => {
  throw new Unreadable(message)
}

/** A cause as JSON; its stack, which `errorToJson` leaves out, with it, and an error so that it can be made again. */
export const causeJson = (cause: Cause): Cause => {
  const json = errorToJson(cause) as unknown as Cause
  if ("error" in cause && cause.error instanceof Error) return { ...json, error: errorJson(cause.error) } as Cause
  return "stack" in cause ? ({ ...json, stack: cause.stack } as Cause) : json
}

/** An error of an agent, as it is kept: what JSON writes of it, and what it leaves out. */
interface ErrorJson {
  readonly "~error": { readonly name: string; readonly message: string; readonly fields: unknown }
}

const errorJson = (error: Error): ErrorJson => {
  let fields: unknown
  try {
    fields = parseJson(JSON.stringify(error))
  } catch {
    // Circular, or a getter that throws: what can be written is.
    fields = errorToJson({ _tag: error.name, ...Object.fromEntries(Object.entries(error)) })
  }
  return { "~error": { name: error.name, message: error.message, fields } }
}

/** A cause that was read back. Its error is one again: what is printed of it is what was printed before. */
export const reviveCause = (cause: Cause): Cause => {
  if (!("error" in cause) || !isErrorJson(cause.error)) return cause
  const { fields, message, name } = cause.error["~error"]
  const error = Object.assign(new Error(message), fields)
  Object.defineProperty(error, "name", { value: name, enumerable: false, configurable: true })
  // It was not thrown here.
  Object.defineProperty(error, "stack", { value: `${name}: ${message}`, enumerable: false, configurable: true })
  return { ...cause, error }
}

const isErrorJson = (error: unknown): error is ErrorJson =>
  typeof error === "object" && error !== null && "~error" in error

// Writing.

/** What a canonical text does not say of an outcome. `textOf`: the committed text of a fact. */
const outcomeExtra = (
  { cause, effect, facts, proposals = 0 }: MergedOutcome,
  isSignal: boolean,
  textOf: (version: number) => string
): OutcomeExtra => {
  if (cause !== undefined) {
    return isSignal ? { cause: causeJson(cause), proposals } : { cause: causeJson(cause) }
  }
  if (effect === undefined) return 0
  const { facts: proposed, tokens, trace } = effect
  if (proposed.length === 0 && tokens === 0 && trace === undefined) return 0
  const combined: Array<readonly [number, string | null]> = []
  let committed = 0
  proposed.forEach((fact, place) => {
    const next = facts[committed]
    const isCommitted = next !== undefined && next.kind === fact.kind.name && next.id === fact.id
    if (isCommitted) committed++
    if (typeof fact.kind.conflict !== "function") return
    const text = isCommitted ? textOf(next.provenance.version) : null
    if (text !== fact.text) combined.push([place, text])
  })
  return {
    ...(proposed.length > 0 ? { ids: proposed.map(({ id }) => id) } : {}),
    ...(combined.length > 0 ? { combined } : {}),
    ...(trace === undefined ? {} : { trace }),
    ...(tokens > 0 ? { tokens } : {})
  }
}

const allEmpty = (extras: ReadonlyArray<OutcomeExtra>): boolean => extras.every((extra) => extra === 0)

/** Where the cause that halts the job stands. */
const haltExtra = (halt: Cause | undefined, row: CommittedCycle): HaltExtra | undefined => {
  if (halt === undefined) return undefined
  const signal = row.signals.findIndex(({ cause }) => cause === halt)
  if (signal >= 0) return ["signal", signal]
  const outcome = row.outcomes.findIndex(({ cause }) => cause === halt)
  return outcome >= 0 ? ["outcome", outcome] : { cause: causeJson(halt) }
}

/** The extra of a committed cycle. */
export const rowExtra = (
  row: CommittedCycle,
  halt: Cause | undefined,
  textOf: (version: number) => string,
  rest: Pick<RowExtra, "at" | "ranMs" | "cpuMs" | "before" | "handled">
): string => {
  const signals = row.signals.map((outcome) => outcomeExtra(outcome, true, textOf))
  const outcomes = row.outcomes.map((outcome) => outcomeExtra(outcome, false, textOf))
  const found = haltExtra(halt, row)
  const extra: RowExtra = {
    ...(allEmpty(signals) ? {} : { signals }),
    ...(allEmpty(outcomes) ? {} : { outcomes }),
    ...(rest.before === undefined || rest.before.length === 0 ? {} : { before: rest.before }),
    ...(found === undefined ? {} : { halt: found }),
    ...(rest.handled === undefined || rest.handled.length === 0 ? {} : { handled: rest.handled }),
    at: rest.at,
    ranMs: rest.ranMs,
    cpuMs: rest.cpuMs
  }
  return JSON.stringify(extra)
}

/** What a header says of cycle 0. */
export const beginningExtra = (
  row: CommittedCycle,
  halt: Cause | undefined,
  textOf: (version: number) => string
): BeginningExtra => {
  const found = haltExtra(halt, row)
  return {
    seeds: outcomeExtra(row.signals[0]!, true, textOf),
    violations: row.violations.map(({ value }) => value),
    ...(found === undefined ? {} : { halt: found })
  }
}

// Reading.

const encodedFact = ({ kind: name, value }: FactJson, id: string | undefined, kindOf: KindOf): EncodedFact => {
  const kind = kindOf(name) ?? unreadable(`there is no kind ${JSON.stringify(name)}`)
  const text = canonicalText(value)
  const decoded = kind.codec.decode(text)
  return { kind, id: id ?? kind.id(decoded), text, value: decoded }
}

const encodedIntent = ({ kind, payload }: { readonly kind: string; readonly payload: unknown }): EncodedIntent => {
  const text = canonicalText(payload)
  return { kind, payload: parseCanonical(text), text: `{"kind":${JSON.stringify(kind)},"payload":${text}}` }
}

/** An evaluation with its keys in the order of those that were not read back: events show it. */
const inOrder = ({ fact: { id, kind }, reason, score }: Evaluation): Evaluation => ({
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

/** What a task gave, as it is kept before its cycle is committed. */
interface KeptJson {
  readonly facts: ReadonlyArray<readonly [kind: string, id: string, value: unknown]>
  readonly intents: ReadonlyArray<{ readonly kind: string; readonly payload: unknown }>
  readonly evaluations: ReadonlyArray<Evaluation>
  readonly trace?: unknown
  readonly tokens: number
}

/** An effect as it is kept before its cycle is committed. */
export const encodeKept = ({ evaluations, facts, intents, tokens, trace }: EncodedEffect): string => {
  const rest: Omit<KeptJson, "facts"> = {
    intents: intents.map(({ kind, payload }) => ({ kind, payload })),
    evaluations,
    tokens,
    ...(trace === undefined ? {} : { trace })
  }
  const lines = facts.map(({ id, kind, text }) => `[${JSON.stringify(kind.name)},${JSON.stringify(id)},${text}]`)
  return `{"facts":[${lines.join(",")}],${JSON.stringify(rest).slice(1)}`
}

/** The effect that was kept; undefined if it is not one of this program any more: then the agent is executed again. */
export const decodeKept = (text: string, kindOf: KindOf): EncodedEffect | undefined => {
  try {
    const { evaluations, facts, intents, tokens, trace } = parseJson(text) as KeptJson
    return {
      facts: facts.map(([kind, id, value]) => encodedFact({ kind, value }, id, kindOf)),
      intents: intents.map(encodedIntent),
      evaluations: evaluations.map(inOrder),
      trace,
      tokens
    }
  } catch {
    return undefined
  }
}

/** Reads a header. @throws Unreadable for one of another format */
export const decodeHeader = (text: string): JournalHeader => {
  const header = parseJson(text) as JournalHeader
  if (header.format !== 1) return unreadable(`its format is ${String(header.format)}; this version reads format 1`)
  return header
}

/** A budget as a header holds it. */
export const budgetHeader = (budget: ResolvedBudget): JournalHeader["budget"] =>
  Object.fromEntries(
    Object.entries(budget).map(([name, limit]) => [name, limit === Infinity ? null : limit])
  ) as JournalHeader["budget"]

/** The budget that a header holds. */
export const budgetOfHeader = ({ budget }: JournalHeader): ResolvedBudget => ({
  cycles: budget.cycles ?? Infinity,
  facts: budget.facts ?? Infinity,
  agents: budget.agents ?? Infinity,
  duration: budget.duration ?? Infinity,
  cpuTime: budget.cpuTime ?? Infinity,
  contextBytes: budget.contextBytes ?? Infinity,
  tokens: budget.tokens ?? Infinity
})
