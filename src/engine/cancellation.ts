/**
 * The end of a job that is known by its id alone: live here, held by another engine, or held by nobody.
 *
 * Boundary: finds who runs the job. How a live job is cancelled is jobHandle.ts; how a journal is ended is endStored.ts.
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

/** The parts of an engine that know where a job is. */
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
    // A job that its closing engine has let go of is still to be ended.
    yield* endStored(ways, jobId)
  })

/** As `endJob`, of a job that is not live here. */
export const endStored = (ways: Ways, jobId: string): Effect.Effect<void, EndError> =>
  endOrAsk(ways.store, jobId, (child) => endJob(ways, child))
