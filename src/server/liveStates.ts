/**
 * The states of a job that has not ended and is on an engine of this server: the server knows them, its store does not.
 *
 * Boundary: data.
 */
import type { JobStatus } from "../job/Job.ts"

export const liveStates = ["queued", "running", "paused", "awaiting"] as const satisfies ReadonlyArray<
  JobStatus["state"]
>
