/**
 * Ends a job by its id, whether it is live here, held by another engine, or held by none.
 *
 * Boundary: finds the engine of the job. jobHandle.ts cancels a live job, and endStored.ts ends a journal.
 */
import * as Effect from "effect/Effect"
import { endOrAsk } from "../job/endStored.ts"
import { cancel } from "../job/jobHandle.ts"
import type { JobSession } from "../job/session.ts"
import type { StartError } from "../outcome/JobError.ts"
import type { SingleFlight } from "../platform/singleFlight.ts"
import type { JobStore } from "../store/JobStore.ts"
import type { LiveJobs } from "./liveJobs.ts"

export type EndError = Effect.Error<ReturnType<typeof endOrAsk>>

/** The parts of an engine that find a job. */
interface Ways {
  readonly live: LiveJobs
  readonly resuming: SingleFlight<JobSession, StartError>
  readonly store: JobStore["Service"]
}

/** Ends a job for good, and its children before it. */
export const endJob = (ways: Ways, jobId: string): Effect.Effect<void, EndError> =>
  Effect.gen(function* () {
    yield* ways.resuming.settled(jobId)
    const present = ways.live.findStarted(jobId)
    if (present !== undefined) yield* cancel(present)
    // A job that its closing engine has let go of must still be ended.
    yield* endStored(ways, jobId)
  })

/** Does the same as `endJob` for a job that is not live here. */
export const endStored = (ways: Ways, jobId: string): Effect.Effect<void, EndError> =>
  endOrAsk(ways.store, jobId, (child) => endJob(ways, child))
