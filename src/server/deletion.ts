/**
 * The problems for which a job is not deleted.
 *
 * Boundary: data; directory.ts deletes, and the store decides.
 */
import type { StoreError } from "../outcome/StoreError.ts"
import * as Problems from "./problems.ts"

export type DeleteProblem =
  | Problems.UnknownJob
  | Problems.JobUnfinished
  | Problems.JobNeeded
  | Problems.JobHeld
  | Problems.Unavailable

/** The problem for a child whose parent has not ended. */
export const needed = (jobId: string): Problems.JobNeeded =>
  new Problems.JobNeeded({
    jobId,
    detail: `the parent of the job ${jobId} has not ended, and has to read how the job did: delete it with its parent`
  })

/** The problem for a store's refusal to delete a job. */
export const ofRemoval = (jobId: string, { reason }: StoreError): DeleteProblem => {
  if (reason === "missing") return new Problems.UnknownJob({ jobId })
  if (reason === "needed") return needed(jobId)
  if (reason !== "held") return new Problems.Unavailable({ reason: "store", detail: `the store failed: ${reason}` })
  const detail = `an engine runs the job ${jobId}, or a job below it: cancel it first`
  return new Problems.JobHeld({ jobId, detail })
}
