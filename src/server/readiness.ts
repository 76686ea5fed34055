/**
 * Whether a server takes jobs: the state of the server itself, of its store and of its worker threads.
 *
 * Boundary: reads.
 */
import * as Effect from "effect/Effect"
import type { WorkerPool } from "../workers/WorkerPool.ts"
import type * as Shapes from "./shapes.ts"
import type { StoreHealth } from "./storeHealth.ts"

/** The server's own state, on which its readiness depends. */
export interface ServerState {
  /** Whether the server is still taking up the jobs of its store. */
  isReplaying: boolean
  /** Whether the server has stopped taking jobs. */
  isDraining: boolean
}

/** The answer to /ready. */
export const readinessOf = (
  state: ServerState,
  health: StoreHealth,
  pool: WorkerPool["Service"]
): Effect.Effect<typeof Shapes.Readiness.Type> =>
  Effect.gen(function* () {
    const { abandoned, quarantined } = yield* pool.stats
    const services = {
      server: state.isDraining ? "draining" : state.isReplaying ? "replaying" : "ok",
      store: yield* health.state,
      workers:
        pool.size > 0 && abandoned >= pool.size
          ? "all are held by native calls that do not end"
          : quarantined === 0
            ? "ok"
            : `quarantined agents: ${quarantined}`
    }
    const isReady = Object.values(services).every((service) => service === "ok")
    return { status: isReady ? "ready" : "not-ready", services }
  })
