/**
 * Effects after validation. Each fact and intent is encoded once; the text travels to the merge and the journal as it is.
 *
 * Boundary: data.
 */
import type { ErasedKind } from "./erased.ts"
import type { Intent, Evaluation } from "./AgentEffect.ts"

/** A proposal that has been validated: its id, its canonical text, and the frozen value of that text. */
export interface EncodedFact {
  readonly kind: ErasedKind
  readonly id: string
  readonly text: string
  readonly value: unknown
  /** The commit positions of its reasons, each once. Undefined if there are none. */
  readonly because: ReadonlyArray<number> | undefined
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
