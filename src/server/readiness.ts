/**
 * Whether a server takes jobs: the state of the server itself, of its store and of its worker threads.
 *
 * Boundary: reads.
 */
import * as Effect from "effect/Effect"
import type { WorkerPool } from "../workers/WorkerPool.ts"
import type * as Shapes from "./shapes.ts"
import type { DamagedJobs } from "./damagedJobs.ts"
import type { StoreHealth } from "./storeHealth.ts"

/** The server's own state, on which its readiness depends. */
export interface ServerState {
  /** Whether the server is still taking up the jobs of its store. */
  isReplaying: boolean
  /** Whether the server has stopped taking jobs. */
  isDraining: boolean
}

/**
 * The answer to /ready. A server is ready if it can serve most jobs: one job or one agent that fails is noted, since a load
 * balancer that takes the server away takes all other jobs with it.
 */
export const readinessOf = (
  state: ServerState,
  health: StoreHealth,
  damaged: DamagedJobs,
  pool: WorkerPool["Service"]
): Effect.Effect<typeof Shapes.Readiness.Type> =>
  Effect.gen(function* () {
    const { abandoned, quarantined } = yield* pool.stats
    const services = {
      server: state.isDraining ? "draining" : state.isReplaying ? "replaying" : "ok",
      store: yield* health.state,
      workers: pool.size > 0 && abandoned >= pool.size ? "all are held by native calls that do not end" : "ok"
    }
    const isReady = Object.values(services).every((service) => service === "ok")
    const jobs = yield* damaged.count
    const notes = [
      ...(jobs === 0 ? [] : [`damaged jobs: ${jobs}`]),
      ...(quarantined === 0 ? [] : [`quarantined agents: ${quarantined}`])
    ]
    return { status: isReady ? "ready" : "not-ready", services, ...(notes.length === 0 ? {} : { notes }) }
  })
