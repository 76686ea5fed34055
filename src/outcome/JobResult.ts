/**
 * The result of a job, whole or partial.
 *
 * Boundary: types, and the meaning of a diagnostic's cause. `context` is sealed: it can be read, explained, and given to
 * `Engine.start` to go on from.
 */
import type { Usage } from "../program/Budget.ts"
import type { FactRef } from "../program/Fact.ts"
import type { JobContext } from "../context/JobContext.ts"
import type { Program } from "../program/Program.ts"
import type { Cause, Status } from "./Cause.ts"

/** The context is in a state that it had before: the job goes in circles. */
export interface Oscillation {
  readonly _tag: "Oscillation"
  readonly cycle: number
  /** The earlier cycle that left the context in the same state. */
  readonly since: number
}

/** A combining function gave another value when its arguments changed places: the outcome depends on the order of agents. */
export interface NotCommutative {
  readonly _tag: "NotCommutative"
  readonly cycle: number
  readonly kind: string
  readonly id: string
  readonly existing: unknown
  readonly proposed: unknown
}

/** Nobody performs the intents of a kind: it had no handler when they were committed. `count`: how many they are. */
export interface NotPerformed {
  readonly _tag: "NotPerformed"
  readonly cycle: number
  /** The intent kind. */
  readonly kind: string
  readonly count: number
}

/** The content of a diagnostic: the reason why an effect was discarded, or another thing that an author has to know. */
export type DiagnosticCause = Cause | Oscillation | NotCommutative | NotPerformed

/** Whether a diagnostic is about an effect that was discarded, and not about one that was merged. */
export const isDiscarded = ({ _tag }: { readonly _tag: string }): boolean =>
  _tag !== "Oscillation" && _tag !== "NotCommutative" && _tag !== "NotPerformed"

/** Whether a discarded effect is one of a bug: its agent threw or died of a defect, or gave what is no effect. */
export const isDefect = ({ _tag }: DiagnosticCause): boolean => _tag === "AgentPanicked" || _tag === "InvalidEffect"

/** An effect that was discarded, or what else may be wrong: its cycle, its agent and its cause. */
export interface Diagnostic {
  readonly cycle: number
  /** "" for signals and seeds. */
  readonly agent: string
  readonly each: FactRef | undefined
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
  readonly cause: DiagnosticCause
}

/** An intent as it was committed. */
export interface CommittedIntent {
  /** The intent kind. */
  readonly kind: string
  readonly payload: unknown
  readonly agent: string
  readonly cycle: number
  readonly each: FactRef | undefined
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
  /** Its place among the intents of its effect. */
  readonly index: number
  /** Stable across replays: job id, cycle, agent, each-fact and index. */
  readonly idempotencyKey: string
}

/** The result of a job of program `P`. All but the times in `usage` and `jobId` is the same in every run (G3). */
export interface JobResult<P extends Program.Any = Program.Any, Output = Program.Output<P>> {
  readonly jobId: string
  readonly program: P["name"]
  readonly status: Status
  /** Turns of the machine, the one that found nothing eligible included. */
  readonly cycles: number
  /** The commit position of the newest fact. */
  readonly version: number
  /** The chained hash over everything that was committed. */
  readonly hash: string
  /** The sums that the job spent. */
  readonly usage: Usage
  /** The facts, sealed. They can be read, explained, and given to a further job. */
  readonly context: JobContext
  /** The result of the program's `output`; undefined unless the job converged. */
  readonly output: Output
  /** All committed intents, in commit order. */
  readonly intents: ReadonlyArray<CommittedIntent>
  /** Discarded effects, and what else the program's author should know. */
  readonly diagnostics: ReadonlyArray<Diagnostic>
}

export declare namespace JobResult {
  /** The result of a job that did not converge. */
  type Partial<P extends Program.Any = Program.Any> = JobResult<P, undefined>
}
