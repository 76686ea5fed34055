/**
 * What is told of stored jobs: the context after a cycle, what cycles did, and whether a journal is intact. Boundary: types.
 */
import type { Usage } from "../program/Budget.ts"
import type { Fact } from "../program/Fact.ts"
import type { JobContext } from "../context/JobContext.ts"
import type { CommittedIntent, Diagnostic } from "../outcome/JobResult.ts"
import type { CommittedEvaluation } from "../program/View.ts"
import type { Status } from "../outcome/Cause.ts"

/** A job as it was after a cycle. */
export interface Replayed {
  readonly jobId: string
  readonly program: string
  /** The version that the program declared then; "" if it declared none. */
  readonly programVersion: string
  readonly cycle: number
  /** The tier of that cycle; -1 after the seeds. */
  readonly tier: number
  /** The commit position of the newest fact. */
  readonly version: number
  readonly hash: string
  /** Can be read, explained by `Provenance.explain` and, if a program was given, be gone on from by `Engine.start`. */
  readonly context: JobContext
  /** The input of the job, in JSON. */
  readonly input: unknown
  /** The commit position up to which each agent had read, by its name. */
  readonly marks: ReadonlyMap<string, number>
  /** What the job had spent. */
  readonly usage: Usage
  readonly intents: ReadonlyArray<CommittedIntent>
  /** Those of them that are performed, or to be decided, and are not answered: what an unfinished job awaits. */
  readonly unanswered: ReadonlyArray<CommittedIntent>
  readonly diagnostics: ReadonlyArray<Diagnostic>
}

/** What some cycles did. */
export interface Diff {
  readonly jobId: string
  readonly program: string
  /** The cycles that are compared, with the hash and the version after each. */
  readonly from: { readonly cycle: number; readonly version: number; readonly hash: string }
  readonly to: { readonly cycle: number; readonly version: number; readonly hash: string }
  /** Facts that were not there, in commit order. */
  readonly added: ReadonlyArray<Fact>
  /** Facts that have another value, or were committed anew, in the order of the new ones. */
  readonly revised: ReadonlyArray<{ readonly before: Fact; readonly after: Fact }>
  /** Facts that are no longer there: retention pruned them, or a migration dropped them. In their commit order. */
  readonly removed: ReadonlyArray<Fact>
  /** Evaluations that were added, in commit order. */
  readonly evaluations: ReadonlyArray<CommittedEvaluation>
}

/** Where a journal is not what was written: the row of `cycle`, 0 for its beginning. */
export interface CorruptPart {
  readonly cycle: number
  readonly part: string
  readonly expected: string
  readonly found: string
}

/** How far a journal is what was written. */
export interface Verified {
  readonly jobId: string
  /** "" if not even that can be read. */
  readonly program: string
  /** Undefined while the job is unfinished. */
  readonly status: Status | undefined
  /** The last cycle up to which everything is intact, and the hash after it; "" if the beginning is not. */
  readonly cycles: number
  readonly hash: string
  readonly isIntact: boolean
  readonly corrupt?: CorruptPart
}
