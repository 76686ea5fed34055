/**
 * The reports on stored jobs: the context after a cycle, the changes of a range of cycles, and the integrity of a journal.
 * Boundary: types.
 */
import type { Usage } from "../program/Budget.ts"
import type { Fact, FactRef } from "../program/Fact.ts"
import type { JobContext } from "../context/JobContext.ts"
import type { CommittedIntent, Diagnostic } from "../outcome/JobResult.ts"
import type { CommittedEvaluation } from "../program/View.ts"
import type { Status } from "../outcome/Cause.ts"

/** The state of a job after a cycle. */
export interface Replayed {
  readonly jobId: string
  readonly program: string
  /** The version of the program at that cycle; "" if the program declared none. */
  readonly programVersion: string
  readonly cycle: number
  /** The tier of that cycle; -1 after the seeds. */
  readonly tier: number
  /** The commit position of the newest fact. */
  readonly version: number
  readonly hash: string
  /** The context. `Provenance.explain` accepts it; with a `program` given, `Engine.start` can continue from it. */
  readonly context: JobContext
  /** The input of the job, as JSON. */
  readonly input: unknown
  /** The commit position up to which each agent had read, by its name. */
  readonly marks: ReadonlyMap<string, number>
  /** The usage of the job by then. */
  readonly usage: Usage
  readonly intents: ReadonlyArray<CommittedIntent>
  /** The intents without an answer that a handler performs or somebody must decide. An unfinished job awaits them. */
  readonly unanswered: ReadonlyArray<CommittedIntent>
  readonly diagnostics: ReadonlyArray<Diagnostic>
}

/** The changes of a range of cycles. */
export interface Diff {
  readonly jobId: string
  readonly program: string
  /** The first of the two compared cycles, with the version and the hash after it. `to` is the other. */
  readonly from: { readonly cycle: number; readonly version: number; readonly hash: string }
  readonly to: { readonly cycle: number; readonly version: number; readonly hash: string }
  /** New facts, in commit order. */
  readonly added: ReadonlyArray<Fact>
  /** Facts with another value, and facts that were committed again, in the commit order of `after`. */
  readonly revised: ReadonlyArray<{ readonly before: Fact; readonly after: Fact }>
  /** Facts that retention pruned or a migration dropped, in commit order. */
  readonly removed: ReadonlyArray<Fact>
  /** New evaluations, in commit order. */
  readonly evaluations: ReadonlyArray<CommittedEvaluation>
}

/** A task whose times were recorded, because it took a while. Times are in milliseconds. */
export interface RecordedTask {
  readonly agent: string
  readonly each: FactRef | undefined
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
  /** The thread: 0 is the main thread, workers count from 1. */
  readonly worker: number
  /** The start, after the tasks of the cycle began. */
  readonly startMs: number
  readonly tookMs: number
  /** The number of attempts; 1 unless the agent tried again. */
  readonly attempts: number
  /** The `_tag` of the cause for which its effect was discarded. Undefined if it was applied. */
  readonly discarded: string | undefined
}

/** A task whose effect was discarded, and whose times are not recorded, because it took less than a millisecond. */
export interface UntimedTask {
  readonly agent: string
  readonly each: FactRef | undefined
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
  /** The `_tag` of the cause for which its effect was discarded. */
  readonly discarded: string
}

/** A committed cycle, with the times that were recorded. */
export interface RecordedCycle {
  readonly cycle: number
  readonly tier: number
  /** The time of the commit, in milliseconds since the epoch. */
  readonly at: number
  /** Milliseconds from the beginning of the tasks to the commit. Undefined if no task took long enough to be recorded. */
  readonly tookMs: number | undefined
  /** Milliseconds that the job had run by the commit. Other time since the commit before was a rest, or nobody recorded it. */
  readonly ranMs: number
  /** The rests of the job since the commit before, and their ends, in order. Empty if it did not rest. */
  readonly notes: ReadonlyArray<"Paused" | "Awaiting" | "Resumed">
  /** The numbers of its tasks, of facts that it added or revised as proposed, of discarded effects and of signals. */
  readonly tasks: number
  readonly facts: number
  readonly discarded: number
  readonly signals: number
  /** The number of tasks of each agent, by its name. */
  readonly agents: Readonly<Record<string, number>>
  /** The tasks whose times were recorded, in merge order. */
  readonly recorded: ReadonlyArray<RecordedTask>
  /** The first discarded tasks without recorded times, in merge order. `discarded` counts all of them. */
  readonly untimed: ReadonlyArray<UntimedTask>
}

/** The first corrupt part of a journal, in the row of `cycle`; 0 is the beginning. */
export interface CorruptPart {
  readonly cycle: number
  readonly part: string
  readonly expected: string
  readonly found: string
}

/** The result of `verify`. */
export interface Verified {
  readonly jobId: string
  /** The name of the program; "" if it cannot be read. */
  readonly program: string
  /** Undefined while the job is unfinished. */
  readonly status: Status | undefined
  /** The last cycle up to which everything is intact, and the hash after it. The hash is "" if the beginning is corrupt. */
  readonly cycles: number
  readonly hash: string
  readonly isIntact: boolean
  readonly corrupt?: CorruptPart
}
