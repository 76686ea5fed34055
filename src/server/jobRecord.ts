/**
 * A recorded job: all that the console shows of one job, in one value that needs no server.
 *
 * The facts are those that were ever committed, in commit order, so a page can show them as of any cycle. A job that was
 * migrated has one past for each migration, because a migration begins with facts of its own.
 *
 * Boundary: types. recorder.ts makes a record, and the console answers from it.
 */
import type { FactJson } from "../outcome/resultJson.ts"
import type * as Insight from "./insightShapes.ts"
import type * as Shapes from "./shapes.ts"

/** A fact of a record. `trace`: the place of its task's trace among the traces of its past. */
export interface RecordedFact extends FactJson {
  readonly trace?: number
}

/** The job after a cycle: its context, with the number of facts that retention had pruned, and what it had used. */
export interface RecordedPoint {
  readonly cycle: number
  readonly tier: number
  readonly usage: typeof Shapes.Usage.Type
  /** The oldest intents that had no answer. Left out where there is none; "before": the same as of the point before. */
  readonly unanswered?: (typeof Shapes.Replayed.Type)["unanswered"] | "before"
  readonly version: number
  readonly hash: string
  readonly pruned: number
}

/** The facts that trigger the agents of a job, up to a version. */
export interface RecordedTriggers {
  readonly version: number
  readonly kinds: Readonly<Record<string, ReadonlyArray<string>>>
}

/** The facts of a job from its beginning, or from a migration, to the next migration. */
export interface RecordedPast {
  /** One point for each cycle that is not left out, in order. */
  readonly points: ReadonlyArray<RecordedPoint>
  /** In commit order, revised and pruned facts included. */
  readonly facts: ReadonlyArray<RecordedFact>
  /** The versions of the facts that were pruned, in order. */
  readonly pruned: ReadonlyArray<number>
  readonly traces: ReadonlyArray<unknown>
  readonly triggers: ReadonlyArray<RecordedTriggers>
}

/** The parts of the job that its record lacks, because they are too many or too long. */
export interface LeftOut {
  /** The number of the oldest facts and revisions. */
  readonly facts: number
  /** The number of values, traces, payloads and errors that were too long. A text stands in their place, or they are cut. */
  readonly values: number
  /** The number of the oldest events, and of the oldest cycles. */
  readonly events: number
  readonly cycles: number
}

/** An unfinished job at one moment, as the server that holds it tells it. */
export interface Present {
  readonly job: typeof Shapes.Job.Type
  readonly tasks: typeof Insight.TasksNow.Type
  readonly work: typeof Insight.Work.Type
}

export interface JobRecord {
  readonly format: 1
  /** The version of the package that recorded the job. */
  readonly recordedBy: string
  /** The moment of which the record tells: state, times and tasks are as of then. In milliseconds since the epoch. */
  readonly recordedAt: number
  /** Where the journal differs from what was written. Null if it is intact. */
  readonly corrupt: string | null
  readonly leftOut: LeftOut
  readonly job: typeof Shapes.Job.Type
  readonly summary: typeof Shapes.JobSummary.Type
  readonly input: typeof Insight.JobInput.Type
  readonly diagnostics: (typeof Shapes.Replayed.Type)["diagnostics"]
  readonly diagnosis: typeof Insight.Diagnosis.Type
  /** The number of facts of each kind after the last cycle: of all facts, also of those that are left out. */
  readonly kinds: Readonly<Record<string, number>>
  readonly timeline: ReadonlyArray<typeof Insight.RecordedCycle.Type>
  /** Where the job's time went, and its tasks by agent. Earlier versions left it out, and so does a journal that is corrupt. */
  readonly work?: typeof Insight.Work.Type
  /** The tasks that ran and waited at that moment. Left out where no server that holds the job was asked. */
  readonly tasks?: typeof Insight.TasksNow.Type
  /** In the place of a fact that the only past has, the version of that fact. */
  readonly events: ReadonlyArray<unknown>
  readonly approvals: ReadonlyArray<typeof Shapes.Approval.Type>
  /** The newest of its child jobs, newest first, as they were when the job was recorded. */
  readonly children: ReadonlyArray<typeof Shapes.JobSummary.Type>
  /** Whether there are more of them. */
  readonly hasMoreChildren: boolean
  /** The number of intents, and what became of the first of them, in commit order. */
  readonly intents: { readonly count: number; readonly stories: ReadonlyArray<typeof Insight.IntentStory.Type> }
  readonly programs: ReadonlyArray<typeof Shapes.ProgramInfo.Type>
  /** Oldest first; the last one is that of the newest cycle. There is at least one. */
  readonly pasts: ReadonlyArray<RecordedPast>
}
