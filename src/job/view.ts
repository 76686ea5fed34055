/**
 * The view of a job: everything that a server, or the command line, reads of a job beside its handle.
 *
 * `viewOf` (jobHandle.ts) gives the view of a handle. All handles of a job have the same view. Boundary: types; nothing here
 * writes to a job, except that the log can be released.
 */
import type * as Effect from "effect/Effect"
import type { JobContext } from "../context/JobContext.ts"
import type { Attributes } from "../program/attributes.ts"
import type { ErasedKind } from "../program/erased.ts"
import type { FactRef } from "../program/Fact.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"
import type { ForkOrigin } from "../journal/records.ts"
import type { ExplanationJson } from "../outcome/explanationJson.ts"
import type { CommittedAnswer } from "../outcome/CommittedCycle.ts"
import type { CommittedIntent, Diagnostic } from "../outcome/JobResult.ts"
import type { CommittedFacts, FactQuery } from "./committed.ts"
import type { EventLog } from "./eventLog.ts"
import type { TasksNow } from "./present.ts"
import type { TelemetryHub } from "./telemetry.ts"

export interface JobView {
  readonly jobId: string
  readonly program: { readonly name: string; readonly kinds: ReadonlyMap<string, ErasedKind> }
  readonly budget: ResolvedBudget
  /** In milliseconds since the epoch. */
  readonly createdAt: number
  /** The texts by which lists find the job. Undefined if there are none. */
  readonly attributes: Attributes | undefined
  /** The id of the job's parent. Undefined for a job that a caller started. */
  readonly parent: string | undefined
  /** The job that a fork was made of, and the cycle after which it begins. Undefined of others, and of forks of version 0.1. */
  readonly forkOf: ForkOrigin | undefined
  /** Whether a pause was asked for that has not come yet: it comes after the cycle under way. */
  readonly isPausing: boolean
  /** The committed records, and the events that they become. */
  readonly log: Pick<
    EventLog,
    "after" | "isInJson" | "isReleased" | "newest" | "oldest" | "records" | "release" | "stream" | "written"
  >
  /** The live progress of the job. */
  readonly telemetry: Pick<TelemetryHub, "listen">
  /** The store did not take the job's beginning. The job then ends at once, and nothing of it is kept. */
  readonly isBeginningRefused: boolean
  /** The journal has the job's end. */
  readonly isEndStored: boolean
  /** The time of the end that the journal has, in milliseconds since the epoch. Undefined before this engine writes the end. */
  readonly haltedAt: number | undefined
  /** The job was cancelled for good, and its journal does not say so. */
  readonly isCancelOwed: boolean
  /**
   * The reason why a job that has ended here goes on from its journal: its engine closes, or its store failed. Undefined for a
   * job that lives, that has ended for good, or that has no journal to go on from.
   */
  readonly leftFor: "shutting-down" | "store" | undefined
  /** Intents that wait for a decision, or for a handler that is not registered. */
  readonly awaited: ReadonlyArray<CommittedIntent>
  /** The job id of the child that an intent asks for, by the intent's key within the job. */
  readonly childId: (key: string) => string
  /** All committed intents, and what became of them. */
  readonly intents: IntentsOfJob
  readonly holdings: Holdings
  /** The tasks of the cycle under way. */
  readonly present: Effect.Effect<TasksNow>
  /** The canonical text of the fact that this job committed at a version. Undefined for one of an earlier context. */
  readonly factText: (version: number) => string | undefined
  /** The number of committed facts of each kind that has any, by name. */
  readonly counts: Readonly<Record<string, number>>
  /** The canonical text of the input. */
  readonly inputText: string
  /** A page of the committed facts. */
  readonly facts: (query: FactQuery) => CommittedFacts
  /** The context, of which the facts up to the version are committed. */
  readonly committed: { readonly context: JobContext; readonly version: number }
  /** Set in a fork that this engine has begun. Undefined if nothing stays. */
  readonly staying: Staying | undefined
  /** Set in a fork that this engine has begun. Undefined if its job waited for nothing. */
  readonly unasked: Unasked | undefined
  /** The derivation of a committed fact; null if there is no such fact. */
  readonly explain: (ref: FactRef) => ExplanationJson | null
}

/** The intents of a job at one moment. */
export interface IntentsOfJob {
  /** In commit order. */
  readonly committed: ReadonlyArray<CommittedIntent>
  /** The answers, by the keys of their intents within the job. A decision by a signal is none: it is a fact. */
  readonly answers: ReadonlyMap<string, CommittedAnswer>
  /** The intents that wait for an answer. A decision may be there that is not taken note of yet. */
  readonly unanswered: ReadonlyArray<CommittedIntent>
}

/**
 * The facts that stay in a fork although they come from values that it replaces: their number, and the first in commit order.
 * `replaced` is the first of these values.
 */
export interface Staying {
  readonly count: number
  readonly first: FactRef
  readonly replaced: FactRef
}

/** The intents without an answer that a fork leaves behind: their number, and the first in commit order. */
export interface Unasked {
  readonly count: number
  /** `id`: that of an approval. */
  readonly first: {
    readonly kind: string
    readonly id?: string | undefined
    readonly agent: string
    readonly cycle: number
  }
}

/** The size of a job in memory. */
export interface Holdings {
  /** Characters of canonical text. Context, log and intents share the same texts, so this is the larger count, not the sum. */
  readonly textLength: number
  /** Facts, records of the log, intents and diagnostics. */
  readonly things: number
  readonly diagnostics: ReadonlyArray<Diagnostic>
}
