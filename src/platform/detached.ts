/**
 * Runs an effect for which nobody waits. Boundary: the bridge from plain callbacks to Effect.
 */
import * as Effect from "effect/Effect"
import type * as Context from "effect/Context"

/** Starts an effect on a fiber of its own. For work that remains when a job's actor was stopped from outside. */
export const runDetached = <R>(services: Context.Context<R>, effect: Effect.Effect<void, never, R>): void => {
  Effect.runForkWith(services)(effect)
}
