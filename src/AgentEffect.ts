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

/** The idempotency key of an intent within its job; with the job's id and a slash before it, everywhere. */
export const intentKey = ({ agent, cycle, each, index }: Omit<IntentRef, "kind">): string =>
  `${cycle}/${agent}/${each === undefined ? "" : refKey(each)}/${index}`

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
 * - `intents`, `evaluations`: see there
 * - `trace`: plain data that says how the effect came about; shown by `Provenance.explain`, not hashed
 * - `usage.tokens`: what this execution spent, a finite number of at least 0, counted against `maxTokens`
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

export const emptyEffect: EncodedEffect = Object.freeze({
  facts: [],
  intents: [],
  evaluations: [],
  trace: undefined,
  tokens: 0
})
