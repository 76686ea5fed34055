/**
 * The types of a typed client: the jobs of a program on a server, and what they give.
 *
 * Boundary: types; remote.ts makes the requests.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Decision } from "../program/answerKinds.ts"
import type { Budget } from "../program/Budget.ts"
import type { ProposalOf } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import type * as Problems from "../server/problems.ts"
import type * as Shapes from "../server/shapes.ts"
import type { DeleteError, JobProblem, ListError, StartError, SteerError } from "./calls.ts"

/** A value as it looks after it was JSON: what has a `toJSON` as that gives it, without what JSON leaves out. */
export type Json<A> = A extends string | number | boolean | null
  ? A
  : A extends { readonly toJSON: () => infer J }
    ? Json<J>
    : A extends undefined | symbol | ((...args: ReadonlyArray<never>) => unknown)
      ? null
      : A extends ReadonlyArray<infer Item>
        ? ReadonlyArray<Json<Item>>
        : A extends object
          ? {
              readonly [Key in keyof A as A[Key] extends undefined | symbol ? never : Key]: Json<
                Exclude<A[Key], undefined>
              >
            }
          : unknown

/** The output of a program as a client gets it: decoded by the program's schema of it, or as JSON if there is none. */
export type Output<P extends Program.Any> = [Program.HasOutputSchema<P>] extends [true]
  ? Program.Output<P>
  : [Program.HasOutputSchema<P>] extends [false]
    ? Json<Program.Output<P>>
    : Program.Output<P> | Json<Program.Output<P>>

/**
 * The result of a job that converged. `facts` is the number of facts of each kind. `output` is the program's, decoded if the
 * program has a schema of it (`output: {schema, from}`), and as JSON otherwise.
 */
export interface Result<P extends Program.Any> extends Omit<typeof Shapes.Result.Type, "output" | "program"> {
  readonly program: P["name"]
  readonly output: Output<P>
}

/** An event of a job's log, as docs/events.md describes it. `seq` counts from 1. */
export type Event = typeof Shapes.Event.Type

/**
 * One item of a job's telemetry: something of a running task, `Missed` where this viewer was too slow or too long away for items
 * (`from` and `to` are null if nobody knows how many), or `Ended`, the last one.
 */
export type Telemetry = Exclude<typeof Shapes.Telemetry.Type, { readonly _tag: "Goodbye" }>

/** An approval that waits for its decision. */
export type Approval = typeof Shapes.Approval.Type

/** A decision on an approval. */
export interface Answer {
  readonly decision: "approve" | "reject"
  /** The person or system that decides. Default: the name of the client's token, or "anybody". */
  readonly by?: string | undefined
  /** The reason, for the record. Default: none. */
  readonly note?: string | undefined
}

/** Where a job stands, and its result if it has ended. */
export type Status = typeof Shapes.Job.Type

/** Options of a start. */
export interface StartOptions {
  /**
   * The job's id. Starting it again with the same input gives the same job, so a start can be repeated. Default: a random one.
   */
  readonly id?: string | undefined
  /** Overrides the program's budget, field by field. Default: the program's. */
  readonly budget?: Budget | undefined
  /** Short texts by name, by which lists find the job. Default: none. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

/** A job in a list. */
export type Summary = typeof Shapes.JobSummary.Type

/** Filters of a list of jobs, and the page to read. */
export interface JobsQuery {
  /** Only jobs in this state; `"unfinished"` means jobs that have not ended. Default: all. */
  readonly status?: typeof Shapes.State.Type | "unfinished" | undefined
  /** Only jobs with all of these attributes. Default: all. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
  /** Only jobs that were created at this time or later, in milliseconds since the epoch. Default: all. */
  readonly since?: number | undefined
  /** Only jobs that were created at this time or earlier, in milliseconds since the epoch. Default: all. */
  readonly until?: number | undefined
  /** Only jobs with this text in their id, or in the tag of their error. Default: all. */
  readonly q?: string | undefined
  /** Jobs in a page, from 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined
  /** The `cursor` of a page: gives the page of older jobs behind it. Default: the newest jobs. */
  readonly cursor?: string | undefined
  /** The `previous` of a page: gives the page of newer jobs before it. It counts if there is a `cursor`, too. Default: none. */
  readonly before?: string | undefined
  /** Only child jobs of the job with this id. Default: all. */
  readonly parent?: string | undefined
}

/** The page of open approvals that is asked for. */
export interface ApprovalsQuery {
  /** Approvals in a page, from 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined
  /** The `cursor` of a page: gives the page behind it. Default: the first page. */
  readonly cursor?: string | undefined
  /** The `previous` of a page: gives the page before it. It counts if there is a `cursor`, too. Default: none. */
  readonly before?: string | undefined
}

/** One page of open approvals. It may be empty although `cursor`, or `previous`, names another one. */
export type ApprovalPage = typeof Shapes.ApprovalPage.Type

/** One page of a list, newest first. `cursor` names the page of older jobs, and `previous` that of newer ones. */
export type JobPage = typeof Shapes.JobPage.Type

/** A job on a server. */
export interface RemoteJob<P extends Program.Any> {
  readonly id: string
  /** Where the job stands now. */
  readonly status: Effect.Effect<Status, SteerError>
  /**
   * Waits for the job's end. Fails with the problem of how it ended, which has the partial result. Fails with `ProgramChanged` if
   * the job is of another program, or if both sides declare a version of the program and the versions differ. Interrupting the
   * wait leaves the job alone.
   */
  readonly result: Effect.Effect<Result<P>, JobProblem | SteerError>
  /**
   * The event log, from its beginning or after the event with this number; ends after `JobHalted`. A connection that breaks is
   * made again, up to ten times without an event in between, and the log goes on where it was.
   */
  readonly events: (options?: {
    /** The number of the last event that is known. Default: 0. */
    readonly after?: number | undefined
  }) => Stream.Stream<Event, SteerError>
  /**
   * Live progress and partial output, from the oldest item that the server keeps to `Ended`. It can lose items: `Missed` says so.
   * A connection that breaks is made again, as for `events`. Fails with `JobHalted` if the job has ended and nothing is kept.
   */
  readonly telemetry: Stream.Stream<Telemetry, SteerError>
  readonly approvals: {
    /** The approvals that wait for a decision, oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Approval>, SteerError>
    /** One page of them, oldest first. Default: the first 100. */
    readonly page: (query?: ApprovalsQuery) => Effect.Effect<ApprovalPage, ListError | SteerError>
    /**
     * Decides an approval. Succeeds when the decision is committed. Fails with `SignalRefused` if the approval is not open, also
     * because another decision came first; nothing is committed then.
     */
    readonly answer: (id: string, answer: Answer) => Effect.Effect<Status, SteerError>
  }
  /** Adds facts from outside. Succeeds when the cycle that merged them has committed. */
  readonly signal: (
    proposals: ReadonlyArray<ProposalOf<Program.Signals<P> | typeof Decision>>
  ) => Effect.Effect<Status, SteerError | Problems.InvalidInput>
  /** Lets the current cycle end and commit, then halts between cycles. */
  readonly pause: Effect.Effect<Status, SteerError>
  /** Goes on after a pause; takes up a suspended or quarantined job. */
  readonly resume: Effect.Effect<Status, SteerError>
  /** Stops the job. Succeeds when it has let go of everything. */
  readonly cancel: Effect.Effect<Status, SteerError>
  /**
   * Deletes the job with its journal, and all jobs below it. Gives the number of deleted jobs. Fails with `JobUnfinished` or
   * `JobHeld` if the job, or one below it, is run, and with `JobNeeded` if it is a child of a job that has not ended.
   */
  readonly delete: Effect.Effect<number, DeleteError>
}

/** The jobs of one program on a server. */
export interface ProgramClient<P extends Program.Any> {
  /**
   * Runs a job to its end. Fails with the problem of how it ended, which has the partial result. Interrupting it cancels the job,
   * unless it has an `id`.
   */
  readonly run: (
    input: Program.Input<P>,
    options?: StartOptions
  ) => Effect.Effect<Result<P>, JobProblem | StartError | SteerError>
  /** Starts a job, and returns as soon as the server has taken it. It goes on when the client ends. */
  readonly start: (input: Program.Input<P>, options?: StartOptions) => Effect.Effect<RemoteJob<P>, StartError>
  /** A job that was started before. It is not asked for until one of its members is used. */
  readonly job: (id: string) => RemoteJob<P>
  /** One page of the jobs of the program, newest first. Default: the newest 100. */
  readonly jobs: (query?: JobsQuery) => Effect.Effect<JobPage, ListError>
  /** The approvals of all jobs of the program that wait for a decision, those of the newest jobs first. */
  readonly approvals: Stream.Stream<Approval, SteerError>
  /** One page of these approvals. Default: the first 100. */
  readonly approvalPage: (query?: ApprovalsQuery) => Effect.Effect<ApprovalPage, ListError | SteerError>
}
