/**
 * What a cycle did, as it is committed: the record that the merge makes, and that journal, log and tracker read. Boundary: types.
 */
import type { IntentRef } from "../program/AgentEffect.ts"
import type { Fact, FactRef } from "../program/Fact.ts"
import type { Cause } from "./Cause.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { ErasedAgent } from "../program/erased.ts"

/** How one task ended. */
export interface TaskOutcome {
  readonly agent: ErasedAgent
  readonly each: FactRef | undefined
  /** The agent's mark: facts after it made the task eligible. */
  readonly since: number
  readonly cpuMs: number
  /** The effect, or why there is none. */
  readonly result: EncodedEffect | Cause
}

/** What became of one effect. */
export interface MergedOutcome {
  readonly agent: string
  readonly each: FactRef | undefined
  /** Undefined if the effect was applied. */
  readonly cause: Cause | undefined
  /** The effect as it was proposed, if it was applied. */
  readonly effect: EncodedEffect | undefined
  /** What it added or revised, in commit order. */
  readonly facts: ReadonlyArray<Fact>
  /** Of a discarded effect: how many facts it proposed. */
  readonly proposals?: number
  /** Of a signal that answers an intent: which. */
  readonly answers?: IntentRef
}

/** A committed cycle: the journal's row, and what events are made of. */
export interface CommittedCycle {
  readonly cycle: number
  readonly tier: number
  readonly agents: ReadonlyArray<string>
  readonly tasks: number
  readonly signals: ReadonlyArray<MergedOutcome>
  readonly outcomes: ReadonlyArray<MergedOutcome>
  /** `Violation` facts added or revised by the semantic invariants. */
  readonly violations: ReadonlyArray<Fact>
  /** The context's version after the cycle. */
  readonly version: number
}

/** What a job has spent, as the merge counts it. */
export interface Counters {
  facts: number
  agents: number
  tokens: number
}
