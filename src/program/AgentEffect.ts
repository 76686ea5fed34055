/**
 * What one execution of an agent returns, and its parts. Merged whole or not at all (G2).
 *
 * Boundary: types, and the shapes as the engine holds them once they are validated.
 */
import { type ErasedKind, type FactRef, type Kind, type ProposalOf, refKey } from "./Fact.ts"

/**
 * A declared wish to act on the world. It is recorded when its effect is committed; its idempotency key is
 * (job id, cycle, agent, each-fact, index).
 */
export interface Intent {
  /** What kind of act it is: the name under which a handler is registered. */
  readonly kind: string
  /** Plain data for the handler. */
  readonly payload: unknown
}

/** What names a committed intent within its job. */
export interface IntentRef {
  readonly kind: string
  /** The cycle that committed it, and the agent whose effect held it. */
  readonly cycle: number
  readonly agent: string
  readonly each: FactRef | undefined
  /** Its place among the intents of its effect. */
  readonly index: number
}

/** Percent signs that would read as one of the escapes below: slash, quote, percent sign. */
const escapes = "%(?=2[25F])"
const inNames = new RegExp(`[/"]|${escapes}`, "g")
const inIds = new RegExp(`/(?<=(?:^|/)\\d+/)|${escapes}`, "g")

/** A name as one part of a key: without slashes and quotes. */
export const namePart = (name: string): string => name.replace(inNames, encodeURIComponent)

/**
 * The idempotency key of an intent within its job: `cycle/agent/"kind"/id/index`, or `cycle/agent//index` where there is no
 * each-fact. With the job's id and a slash before it, it is the key everywhere.
 *
 * No two intents have the same, be they of one job or of two, whatever is in ids and names: slashes and quotes in the names
 * of agent and kind are percent-encoded (`%2F`, `%22`), and so is a slash after a number in the fact's id (`2024/a.md`), so
 * that no key ends with another one; `%` is `%25` where it would read as one of these three. All else stands as it is.
 */
export const intentKey = ({ agent, cycle, each, index }: Omit<IntentRef, "kind">): string => {
  const fact =
    each === undefined ? "" : refKey({ kind: namePart(each.kind), id: each.id.replace(inIds, encodeURIComponent) })
  return `${cycle}/${namePart(agent)}/${fact}/${index}`
}

/** A score in [0, 1] with a reason, given to a fact that is in the context or in the same effect. */
export interface Evaluation {
  readonly fact: FactRef
  readonly score: number
  readonly reason: string
}

/**
 * What `execute` returns. Every part is optional; keys that are not named here make the effect invalid.
 *
 * - `facts`: proposals of the kinds in `writes`, at most one for each (kind, id)
 * - `intents`: what it wishes to be done outside
 * - `evaluations`: scores of facts
 * - `trace`: plain data that says how the effect came about; shown by `Provenance.explain`, not hashed
 * - `usage`: what this execution spent: `tokens`, a finite number of at least 0, counted against `maxTokens`
 */
export interface AgentEffect<out Writes extends Kind.Any> {
  readonly facts?: ReadonlyArray<ProposalOf<Writes>> | undefined
  readonly intents?: ReadonlyArray<Intent> | undefined
  readonly evaluations?: ReadonlyArray<Evaluation> | undefined
  readonly trace?: unknown
  readonly usage?: { readonly tokens?: number | undefined } | undefined
}

/** A proposal that has been validated: its id, its canonical text, and the frozen value of that text. */
export interface EncodedFact {
  readonly kind: ErasedKind
  readonly id: string
  readonly text: string
  readonly value: unknown
}

/** An intent that has been validated. `text` is canonical: {"kind":...,"payload":...}. */
export interface EncodedIntent extends Intent {
  readonly text: string
}

/** An agent's effect after validation, ready for the merge. */
export interface EncodedEffect {
  readonly facts: ReadonlyArray<EncodedFact>
  readonly intents: ReadonlyArray<EncodedIntent>
  readonly evaluations: ReadonlyArray<Evaluation>
  readonly trace: unknown
  readonly tokens: number
}

/** The effect of an agent that adds nothing. */
export const emptyEffect: EncodedEffect = Object.freeze({
  facts: [],
  intents: [],
  evaluations: [],
  trace: undefined,
  tokens: 0
})
