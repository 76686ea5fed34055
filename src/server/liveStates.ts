/**
 * The states of an unfinished job on an engine of this server. The server knows them; its store does not.
 *
 * Boundary: data.
 */
import type { JobStatus } from "../job/Job.ts"

export const liveStates = ["queued", "running", "paused", "awaiting"] as const satisfies ReadonlyArray<
  JobStatus["state"]
>
