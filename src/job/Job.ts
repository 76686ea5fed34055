/**
 * The handle of a job. With it a caller watches the job, steers it and waits for its end.
 *
 * Every member that does something is an Effect; none of them needs a service. Boundary: types; jobHandle.ts has the calls, and
 * docs/semantics.md has their rules.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Usage } from "../program/Budget.ts"
import type { ProposalOf } from "../program/Fact.ts"
import type { Decision } from "../program/answerKinds.ts"
import type { JobActor } from "./session.ts"
import type { AdmissionRejected, InvalidInput, JobError, JobHalted, SignalRefused } from "../outcome/JobError.ts"
import type { JobEvent, JobTelemetry } from "../outcome/JobEvent.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type { Program } from "../program/Program.ts"
import type { Status } from "../outcome/Cause.ts"

export { type FactJson, type ResultJson, resultToJson as toJson } from "../outcome/resultJson.ts"
export type { JobEvent, JobTelemetry } from "../outcome/JobEvent.ts"
export type { Status } from "../outcome/Cause.ts"
export type {
  CommittedIntent,
  Diagnostic,
  DiagnosticCause,
  JobResult,
  NotCommutative,
  NotPerformed,
  Oscillation
} from "../outcome/JobResult.ts"

/** The state of a job. */
export interface JobStatus {
  readonly jobId: string
  readonly program: string
  /** `"queued"`: waits for a place on its engine. `"awaiting"`: waits for the answers to its intents. */
  readonly state: "queued" | "running" | "awaiting" | "paused" | Status
  /** The phase of a running job's cycle. */
  readonly phase: "eligible" | "executing" | "merging" | "checking" | "stopping" | undefined
  /** The last committed cycle, its tier, and the context after it. */
  readonly cycle: number
  readonly tier: number
  readonly version: number
  readonly hash: string
  readonly usage: Usage
}

/** An approval that waits for its decision. */
export interface OpenApproval {
  /** Names the approval within its job, and its `Decision`. */
  readonly id: string
  readonly question: string | undefined
  readonly data: unknown
  /** The time of the commit that asked for it, in milliseconds since the epoch. */
  readonly since: number
  /** The time that the decision may take, in milliseconds from `since`; undefined: for ever. */
  readonly timeout: number | undefined
}

/** A job of program `P`. */
export interface Job<P extends Program.Any> {
  /** Names the job in its engine and its store. */
  readonly id: string
  /** The live XState actor. PAUSE, RESUME and CANCEL may be sent to it; stopping it cancels the job. */
  readonly actor: JobActor
  /** The event log. Every reader gets it from its beginning. It ends after `JobHalted`. */
  readonly events: Stream.Stream<JobEvent>
  /** Live progress from the first read on. A slow reader loses the oldest items. It ends with the job. */
  readonly telemetry: Stream.Stream<JobTelemetry>
  /** Waits for the job's end. Fails with the typed error of that end. An interrupt of the wait does not change the job. */
  readonly result: Effect.Effect<JobResult<P>, JobError<Program.Error<P>, JobResult.Partial<P>>>
  /** The state of the job now. */
  readonly status: Effect.Effect<JobStatus>
  /**
   * Waits until the job is in this state, or succeeds at once if it is. A state in which the job did not stay may be missed. For
   * a status with which jobs end, it waits for the end. Fails with `JobHalted` if the job ends otherwise. Interrupting the wait
   * leaves the job alone.
   */
  readonly until: (state: JobStatus["state"]) => Effect.Effect<void, JobHalted>
  /**
   * Lets the current cycle end and commit, then halts between cycles. Succeeds when the job is paused, or when a `resume`
   * withdrew the pause; fails with `JobHalted` if the job ends first.
   */
  readonly pause: Effect.Effect<void, JobHalted>
  /** Goes on after a pause. Does nothing if the job is not paused or pausing. Fails with `JobHalted` if the job has ended. */
  readonly resume: Effect.Effect<void, JobHalted>
  /** Stops the job. Succeeds when its fibers have ended and no thread works for it, also if it had ended before. */
  readonly cancel: Effect.Effect<void>
  /** The approvals that wait for a decision, in the order in which they were asked for; none of a job that has ended. */
  readonly approvals: Effect.Effect<ReadonlyArray<OpenApproval>>
  /**
   * Adds facts from outside, as one effect, of the kinds that the program's `signals` name. One of the kind `Intent.Decision`, at
   * most one in a signal, answers an open approval, whatever `signals` say. Wakes a job that awaits answers. Succeeds when the
   * cycle that merged them has committed. Fails with `SignalRefused` for another kind or an approval that is not open; with
   * `InvalidInput` if they do not fit, or were discarded by a conflict or an invariant; with `AdmissionRejected` when the
   * mailbox is full; with `JobHalted` when the job has ended or ends first. An interrupt takes the signal back, if no
   * cycle has taken it up yet.
   */
  readonly signal: (
    proposals: ReadonlyArray<ProposalOf<Program.Signals<P> | typeof Decision>>
  ) => Effect.Effect<void, InvalidInput | SignalRefused | AdmissionRejected | JobHalted>
}
