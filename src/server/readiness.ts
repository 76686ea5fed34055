/**
 * Whether a server takes jobs: the state of the server itself, of its store and of its worker threads.
 *
 * Boundary: reads.
 */
import * as Effect from "effect/Effect"
import type { WorkerPool } from "../workers/WorkerPool.ts"
import type * as Shapes from "./shapes.ts"
import type { StoreHealth } from "./storeHealth.ts"

/** What a server notes of itself, and its readiness depends on. */
export interface ServerState {
  /** Jobs of the store are still taken up. */
  isReplaying: boolean
  /** No job is taken any more. */
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
