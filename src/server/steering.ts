/**
 * The problems of requests that steer a job.
 *
 * Boundary: errors in, problems out.
 */
import * as Effect from "effect/Effect"
import type { KnownJob } from "./directory.ts"
import { ofSteering, type SteeringError } from "./failures.ts"
import * as Problems from "./problems.ts"

/** The problem for a request that the store refused to record. */
export const notTaken = ({ job }: KnownJob, detail: string): Problems.Unavailable =>
  new Problems.Unavailable({ reason: "store", jobId: job.id, detail })

/** Steers a job. A job that halted because its store failed has not ended: it goes on from its journal. */
export const steer = (known: KnownJob, steering: Effect.Effect<void, SteeringError>) =>
  Effect.mapError(steering, (error) => problemOf(known, error))

/** The problem for an error with which the engine refused to steer a job. */
export const problemOf = (known: KnownJob, error: SteeringError) =>
  error._tag === "JobHalted" && known.view.leftFor === "store"
    ? notTaken(known, "the store did not take the job's last cycle; the job goes on from its journal")
    : ofSteering(error)
