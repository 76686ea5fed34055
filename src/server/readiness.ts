/**
 * Whether a server takes jobs: the state of the server itself, of its store and of its worker threads.
 *
 * Boundary: reads; answers within `Limits.serverProbeMs`, whatever the store does.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { Limits } from "../Limits.ts"
import type { JobStore } from "../store/JobStore.ts"
import type { WorkerPool } from "../workers/WorkerPool.ts"
import type { End } from "./directory.ts"
import type * as Shapes from "./shapes.ts"

/** What a server notes of itself, and its readiness depends on. */
export interface ServerState {
  /** Jobs of the store are still taken up. */
  isReplaying: boolean
  /** No job is taken any more. */
  isDraining: boolean
  /** Why the store refused the last job's end; undefined if it took it. */
  storeFailure: string | undefined
}

/** Why the store refused a job's last rows; undefined for a job that ended otherwise, or whose lease another engine took. */
export const storeFailureOf = (end: End): string | undefined => {
  if (Exit.isSuccess(end)) return undefined
  const error = Cause.findError(end.cause)
  if (Result.isFailure(error)) return undefined
  const { success } = error
  return success._tag === "StoreFailed" && success.reason !== "fenced" ? success.reason : undefined
}

const storeState = (state: ServerState, store: JobStore["Service"]): Effect.Effect<string> =>
  Effect.gen(function* () {
    if (state.storeFailure !== undefined) return `failed: ${state.storeFailure}`
    if (!store.isDurable) return "ok"
    const since = yield* store.waitingSince ?? Effect.undefined
    const isLate = since !== undefined && (yield* Clock.currentTimeMillis) - since > Limits.serverWriteMs
    if (isLate) return "failed: it does not write"
    return yield* Effect.timeoutOrElse(store.list({ limit: 1 }), {
      duration: Limits.serverProbeMs,
      orElse: () => Effect.succeed("slow" as const)
    }).pipe(
      Effect.map((page) => (page === "slow" ? "failed: it does not answer" : "ok")),
      Effect.catch((error) => Effect.succeed(`failed: ${error.reason}`))
    )
  })

/** The answer to /ready. */
export const readinessOf = (
  state: ServerState,
  store: JobStore["Service"],
  pool: WorkerPool["Service"]
): Effect.Effect<typeof Shapes.Readiness.Type> =>
  Effect.gen(function* () {
    const { quarantined } = yield* pool.stats
    const services = {
      server: state.isDraining ? "draining" : state.isReplaying ? "replaying" : "ok",
      store: yield* storeState(state, store),
      workers: quarantined === 0 ? "ok" : `quarantined agents: ${quarantined}`
    }
    const isReady = Object.values(services).every((service) => service === "ok")
    return { status: isReady ? "ready" : "not-ready", services }
  })
