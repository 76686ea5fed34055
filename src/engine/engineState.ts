/**
 * The state of one engine, which starting, resuming, forking, child jobs and shutdown share.
 *
 * Invariant: it is made once, in makeEngine.ts, and each part keeps its own state to itself. Boundary: data; each part's
 * file says what the part does.
 */
import type * as Context from "effect/Context"
import type { JobSession, SessionOptions } from "../job/session.ts"
import type { StartError } from "../outcome/JobError.ts"
import type { SingleFlight } from "../platform/singleFlight.ts"
import type { Turns } from "../platform/turns.ts"
import type { JobStore } from "../store/JobStore.ts"
import type { Admission } from "./admission.ts"
import type { EndError } from "./cancellation.ts"
import type { LiveJobs } from "./liveJobs.ts"
import type { OwedCancellations } from "./owedCancellations.ts"
import type { Suspects } from "./suspects.ts"
import type { Runs } from "./storedSession.ts"

export interface EngineState {
  /** The services that the engine's layer was built with. */
  readonly services: Context.Context<unknown>
  readonly store: JobStore["Service"]
  readonly live: LiveJobs
  readonly admission: Admission
  /** The starts of one given id, each after the one before. */
  readonly turns: Turns
  /** The jobs that are being taken up from their journals. */
  readonly resuming: SingleFlight<JobSession, StartError>
  readonly owed: OwedCancellations<EndError>
  /** The jobs that were taken up without progress, and the times of their next attempts. */
  readonly suspects: Suspects
  /** The options that all sessions of the engine have in common. */
  readonly runs: Runs
  readonly onFinished: SessionOptions["onFinished"]
}
