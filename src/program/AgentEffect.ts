/**
 * What one execution of an agent returns, and its parts. Merged whole or not at all (G2).
 *
 * Boundary: types. What the engine makes of them is in encoded.ts.
 */
import type { FactRef, Kind, ProposalOf } from "./Fact.ts"

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
