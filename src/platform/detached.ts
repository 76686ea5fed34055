/**
 * Runs an effect that nobody waits for. Boundary: the bridge from plain callbacks to Effect.
 */
import * as Effect from "effect/Effect"
import type * as Context from "effect/Context"

/** Runs an effect of a job outside of its actor: what is left to do when the actor was stopped from outside. */
export const runDetached = <R>(services: Context.Context<R>, effect: Effect.Effect<void, never, R>): void => {
  Effect.runForkWith(services)(effect)
}
