/**
 * The problems that many routes have in common.
 *
 * Boundary: data; the problems themselves are in problems.ts.
 */
import * as Problems from "./problems.ts"

/** How a job can end otherwise than by converging. */
export const jobProblems = [
  Problems.BudgetExhausted,
  Problems.MergeConflict,
  Problems.InvariantViolated,
  Problems.AgentFailed,
  Problems.AgentPanicked,
  Problems.AgentTimedOut,
  Problems.AgentOutOfMemory,
  Problems.WorkerCrashed,
  Problems.InvalidEffect,
  Problems.ProgramPanicked,
  Problems.StoreFailed,
  Problems.WorkersUnavailable,
  Problems.IntentFailed,
  Problems.JobCancelled
] as const
