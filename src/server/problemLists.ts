/**
 * The problems that many routes have in common.
 *
 * Boundary: data; the problems themselves are in problems.ts.
 */
import * as Problems from "./problems.ts"

/** The problems of jobs that ended without converging. */
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

/** The problems of a request for one job. The request may take the job up from the store, which can fail in many ways. */
export const ofJob = [
  Problems.UnknownJob,
  Problems.UnknownProgram,
  Problems.ProgramChanged,
  Problems.JournalCorrupt,
  Problems.JobHeld,
  Problems.JobQuarantined,
  Problems.InvalidInput,
  Problems.QueueFull
] as const
