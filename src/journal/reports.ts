/**
 * The reports on stored jobs: the context after a cycle, the changes of a range of cycles, and the integrity of a journal.
 * Boundary: types.
 */
import type { Usage } from "../program/Budget.ts"
import type { Fact } from "../program/Fact.ts"
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
