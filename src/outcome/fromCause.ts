/**
 * The typed error of a cause. Boundary: data.
 */
import type { JobResult } from "./JobResult.ts"
import type { Cause } from "./Cause.ts"
import { describeAlike } from "./errorDescription.ts"
import {
  AgentFailed,
  AgentPanicked,
  AgentTimedOut,
  AgentOutOfMemory,
  WorkerCrashed,
  InvalidEffect,
  MergeConflict,
  BudgetExhausted,
  InvariantViolated,
  ProgramPanicked,
  JobCancelled,
  StoreFailed,
  WorkersUnavailable,
  IntentFailed,
  type HaltError,
  type JobError
} from "./JobError.ts"

/** The error of a cause, with the job's id and the partial result. */
export const fromCause = (cause: Cause, jobId: string, partial: JobResult.Partial): JobError => {
  const error = make(cause, jobId)
  // Until its stack is read, an error holds everything that was on the stack: the whole session (G13).
  void error.stack
  describeAlike(error, cause)
  // A reader who follows the causes of an error finds the agent's own.
  if (cause._tag === "AgentFailed") Object.defineProperty(error, "cause", { value: cause.error, enumerable: false })
  Object.defineProperty(error, "partial", { value: partial, enumerable: false })
  return error
}

const make = (cause: Cause, jobId: string): HaltError | AgentFailed => {
  switch (cause._tag) {
    case "AgentFailed":
      return new AgentFailed({ ...cause, jobId })
    case "AgentPanicked":
      return new AgentPanicked({ ...cause, jobId })
    case "AgentTimedOut":
      return new AgentTimedOut({ ...cause, jobId })
    case "AgentOutOfMemory":
      return new AgentOutOfMemory({ ...cause, jobId })
    case "WorkerCrashed":
      return new WorkerCrashed({ ...cause, jobId })
    case "InvalidEffect":
      return new InvalidEffect({ ...cause, jobId })
    case "MergeConflict":
      return new MergeConflict({ ...cause, jobId })
    case "BudgetExhausted":
      return new BudgetExhausted({ ...cause, jobId })
    case "InvariantViolated":
      return new InvariantViolated({ ...cause, jobId })
    case "ProgramPanicked":
      return new ProgramPanicked({ ...cause, jobId })
    case "JobCancelled":
      return new JobCancelled({ ...cause, jobId })
    case "StoreFailed":
      return new StoreFailed({ ...cause, jobId })
    case "WorkersUnavailable":
      return new WorkersUnavailable({ ...cause, jobId })
    case "IntentFailed":
      return new IntentFailed({ ...cause, jobId, key: `${jobId}/${cause.key}` })
  }
}
