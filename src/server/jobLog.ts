/**
 * Log lines about the start and the end of a job.
 *
 * Boundary: writes the lines; the directory knows when.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type { JobView } from "../job/view.ts"
import type { JobError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"

/** The result of an ended job, or its error; undefined after a defect of the engine, which left neither. */
export const leftBy = (end: Exit.Exit<JobResult, JobError>): JobResult | JobError | undefined => {
  if (Exit.isSuccess(end)) return end.value
  const error = Cause.findError(end.cause)
  return Result.isSuccess(error) ? error.success : undefined
}

/** Logs that a request started a job, or that the job goes on from its journal. */
export const logStart = ({ jobId, program }: JobView, isNew: boolean): Effect.Effect<void> =>
  Effect.annotateLogs(isNew ? Effect.logInfo(`job ${jobId} started`) : Effect.logInfo(`job ${jobId} goes on`), {
    job: jobId,
    program: program.name
  })

/** Logs that a job converged. The engine logs every other end. */
export const logConverged = ({ jobId, program }: JobView, end: Exit.Exit<JobResult, JobError>): Effect.Effect<void> => {
  if (Exit.isFailure(end)) return Effect.void
  const { cycles, status, usage } = end.value
  const annotations = { job: jobId, program: program.name, status, cycles, durationMs: usage.durationMs }
  return Effect.annotateLogs(Effect.logInfo(`job ${jobId} ended: ${status}`), annotations)
}
