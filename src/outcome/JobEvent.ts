/**
 * The event log of a job: a closed union of sequenced events (docs/events.md lists their fields).
 *
 * The log is a function of the journal: events are made from committed cycles, after the commit, without times, stacks or
 * job ids, so it is the same in every run (G3). Live progress is telemetry, at the end of this file: numbered by job, unhashed,
 * and lossy when a reader is slow.
 *
 * Boundary: types. logRecords.ts makes the events.
 */
import type { Fact, FactRef } from "../program/Fact.ts"
import type { CommittedEvaluation } from "../program/View.ts"
import type { Cause, Status } from "./Cause.ts"

interface InCycle<Tag extends string> {
  readonly _tag: Tag
  /** Counts from 1 within the job, without gaps. */
  readonly seq: number
  readonly cycle: number
}

interface OfTask<Tag extends string> extends InCycle<Tag> {
  readonly agent: string
  readonly each?: FactRef
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
}

/** A cause without its stack. An error of the program is described as plain JSON of a bounded size. */
export type EventCause = Cause extends infer C ? (C extends Cause ? Omit<C, "stack"> : never) : never

/** The job began. `hash` is the first hash of its chain; `seeds` are the facts with which it started. */
export interface JobStarted extends InCycle<"JobStarted"> {
  readonly program: string
  readonly version: number
  readonly hash: string
  readonly seeds: ReadonlyArray<Fact>
}
/** A cycle was committed. The events up to the next `CycleStarted` say what it did. */
export interface CycleStarted extends InCycle<"CycleStarted"> {
  readonly tier: number
  readonly agents: ReadonlyArray<string>
  readonly tasks: number
}
/** An effect was merged. The events that follow say what it added. */
export interface TaskSucceeded extends OfTask<"TaskSucceeded"> {}
/** An effect was discarded, or the task gave none: `cause` says why. */
export interface TaskDiscarded extends OfTask<"TaskDiscarded"> {
  readonly cause: EventCause
}
/** Facts were added or revised, by an agent, or by a signal (`agent` is ""). */
export interface FactsCommitted extends OfTask<"FactsCommitted"> {
  readonly facts: ReadonlyArray<Fact>
}
/** An effect evaluated facts. */
export interface EvaluationsCommitted extends OfTask<"EvaluationsCommitted"> {
  readonly evaluations: ReadonlyArray<CommittedEvaluation>
}
/** A signal, or the answer to an intent, was taken in. `cause` says why it was discarded, if it was. */
export interface SignalAdmitted extends InCycle<"SignalAdmitted"> {
  readonly proposals: number
  readonly cause?: EventCause
}
/** An effect declared an intent. */
export interface IntentCommitted extends OfTask<"IntentCommitted"> {
  readonly index: number
  readonly kind: string
  readonly payload: unknown
}
/** An intent was answered. The `SignalAdmitted` before it has the answer, or says why the answer was discarded. */
export interface IntentAnswered extends OfTask<"IntentAnswered"> {
  readonly index: number
  readonly kind: string
}
/** A semantic invariant no longer holds, or is violated for another reason than before. */
export interface InvariantViolated extends InCycle<"InvariantViolated"> {
  readonly name: string
  readonly reason: string
}
/** A semantic invariant that was violated holds again. */
export interface InvariantRepaired extends InCycle<"InvariantRepaired"> {
  readonly name: string
}
/** A tier reached its fixed point: the job went on to a later tier, or ended. */
export interface TierConverged extends InCycle<"TierConverged"> {
  readonly tier: number
}
/** The job was paused between two cycles. */
export interface JobPaused extends InCycle<"JobPaused"> {}
/** The job has nothing left to do but to wait for the answers to intents. */
export interface JobAwaiting extends InCycle<"JobAwaiting"> {}
/** The job goes on after a pause, or because an answer came. */
export interface JobResumed extends InCycle<"JobResumed"> {}
/** The last event of every log. */
export interface JobHalted extends InCycle<"JobHalted"> {
  readonly status: Status
  readonly version: number
  readonly hash: string
  readonly error?: EventCause
}

/** An event of the log. */
export type JobEvent =
  | JobStarted
  | CycleStarted
  | TaskSucceeded
  | TaskDiscarded
  | FactsCommitted
  | EvaluationsCommitted
  | SignalAdmitted
  | IntentCommitted
  | IntentAnswered
  | InvariantViolated
  | InvariantRepaired
  | TierConverged
  | JobPaused
  | JobAwaiting
  | JobResumed
  | JobHalted

interface OfRunningTask<Tag extends string> {
  readonly _tag: Tag
  readonly cycle: number
  readonly agent: string
  readonly each?: FactRef
  readonly part?: number
  /** Counts the items of the job from 1, from its first reader on. A reader that finds a gap has missed some. */
  readonly sequence: number
  /** The attempt of the task, from 1: later ones are those of the agent's `retry`. */
  readonly attempt: number
  /** Milliseconds since the epoch, by Effect's Clock. */
  readonly at: number
}

/** Live progress of a job. `worker` counts from 1; 0 is the main thread. */
export type JobTelemetry =
  | OfRunningTask<"TaskQueued">
  /** It waits for a permit of its agent's `concurrency`, or for room under a budget. */
  | (OfRunningTask<"TaskWaiting"> & { readonly for: "concurrency" | "budget" })
  | (OfRunningTask<"TaskClaimed"> & { readonly worker: number })
  /** `failed`: the `_tag` of the cause, if the task has no effect. */
  | (OfRunningTask<"TaskEnded"> & { readonly worker: number; readonly failed?: string })
  | (OfRunningTask<"TaskProgress"> & { readonly worker: number; readonly value: unknown })
