/** The record of a committed cycle. The merge makes it; the journal, the log and the tracker read it. Boundary: types. */
import type { IntentRef } from "../program/AgentEffect.ts"
import type { Fact, FactRef } from "../program/Fact.ts"
import type { Cause } from "./Cause.ts"
import type { EncodedEffect, EncodedFact } from "../program/encoded.ts"
import type { ErasedAgent } from "../program/erased.ts"

/** When and where a task ran. Times are in milliseconds. */
export interface Ran {
  /** The thread: 0 is the main thread, workers count from 1. */
  readonly worker: number
  /** The start: after the batch arrived at the pool, or in a `TaskOutcome` after the tasks of the cycle began. */
  readonly startMs: number
  readonly tookMs: number
  /** The number of attempts. Left out if there was one. */
  readonly attempts?: number
}

/** Tuning: milliseconds that a task must take for its times to be recorded. Most tasks take less, and cost nothing then. */
export const worthRecordingMs = 1

/** The end of one task. */
export interface TaskOutcome {
  readonly agent: ErasedAgent
  readonly each: FactRef | undefined
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
  /** The agent's mark: facts after it made the task eligible. */
  readonly since: number
  readonly cpuMs: number
  /** Its times, for a job with a durable store and a task that took long enough. */
  readonly ran?: Ran | undefined
  /** The effect, or the cause for which there is none. */
  readonly result: EncodedEffect | Cause
}

/** Two values whose combination depends on their order. */
export interface Uncommutative {
  readonly kind: string
  readonly id: string
  readonly existing: unknown
  readonly proposed: unknown
}

/** The outcome of one effect in the merge. */
export interface MergedOutcome {
  readonly agent: string
  readonly each: FactRef | undefined
  readonly part?: number
  /** Undefined if the effect was applied. */
  readonly cause: Cause | undefined
  /** The effect as it was proposed, if it was applied. */
  readonly effect: EncodedEffect | undefined
  /** The facts that it added or revised, in commit order. */
  readonly facts: ReadonlyArray<Fact>
  /** Set where a combining function was not commutative: the two values, by the place of the proposal in the effect. */
  readonly uncommutative?: ReadonlyMap<number, Uncommutative>
  /** Set for a discarded effect: the number of facts that it proposed. */
  readonly proposals?: number
  /** Set for a signal that answers an intent: the intent. */
  readonly answers?: IntentRef
}

/** The answer to an intent, as a cycle took it in. */
export interface CommittedAnswer {
  readonly cycle: number
  /** The reason why it was discarded, such as the failure of its handler. Undefined if it was applied. */
  readonly cause: Cause | undefined
  /** The facts that it gave, as they were proposed. */
  readonly facts: ReadonlyArray<EncodedFact>
}

/** A committed cycle. The journal's row and the events are made from it. */
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

/** The sums that a job has spent, as the merge counts them. */
export interface Counters {
  facts: number
  agents: number
  tokens: number
}
