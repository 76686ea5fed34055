/**
 * The effect that one execution of an agent returns, and its parts. It is merged whole or not at all (G2).
 *
 * Boundary: types. Their form after validation is in encoded.ts.
 */
import type { FactRef, Kind, ProposalOf } from "./Fact.ts"
import type { IntentKind, IntentOf } from "./intentKind.ts"
import type { IntentKindTypeId } from "./typeIds.ts"

/**
 * A declared wish to act on the world. It is recorded when its effect is committed; its idempotency key is
 * (job id, cycle, agent, each-fact, index).
 */
export interface Intent {
  /** The intent kind: the name under which its handler is registered. */
  readonly kind: string
  /** Plain data for the handler. */
  readonly payload: unknown
  /** Set in intents of a kind that `Intent.kind` made: an agent declares those. */
  readonly [IntentKindTypeId]?: undefined
}

/** Names a committed intent within its job. */
export interface IntentRef {
  /** The intent kind. */
  readonly kind: string
  /** The cycle that committed it, and the agent whose effect held it. */
  readonly cycle: number
  readonly agent: string
  readonly each: FactRef | undefined
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
  /** Its place among the intents of its effect. */
  readonly index: number
}

/** A score in [0, 1] with a reason, given to a fact that is in the context or in the same effect. */
export interface Evaluation {
  readonly fact: FactRef
  /** From 0 to 1. */
  readonly score: number
  readonly reason: string
}

/**
 * The return value of `execute`. Every part is optional; a key that is not listed here makes the effect invalid.
 *
 * - `facts`: proposals of the kinds in `writes`, at most one for each (kind, id)
 * - `intents`: acts that it wishes to be done outside: of the kinds in the agent's `intents`, of the engine's own kinds, or
 *   without a kind, as `{kind, payload}`
 * - `evaluations`: scores of facts
 * - `trace`: plain data that says how the effect came about. `Provenance.explain` shows it; it is not hashed
 * - `usage`: what this execution spent. `tokens` is a finite number of at least 0, counted against `maxTokens`
 */
export interface AgentEffect<out Writes extends Kind.Any, out Intents extends IntentKind.Any = never> {
  readonly facts?: ReadonlyArray<ProposalOf<Writes>> | undefined
  readonly intents?: ReadonlyArray<Intent | IntentOf<Intents>> | undefined
  readonly evaluations?: ReadonlyArray<Evaluation> | undefined
  readonly trace?: unknown
  readonly usage?: { readonly tokens?: number | undefined } | undefined
}
