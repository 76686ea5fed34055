/** Runs an effect whose end is not awaited. Boundary: the bridge from plain callbacks to Effect. */
import * as Effect from "effect/Effect"
import type * as Context from "effect/Context"

/** Starts an effect on its own fiber. For work that remains when a job's actor was stopped from outside. */
export const runDetached = <R>(services: Context.Context<R>, effect: Effect.Effect<void, never, R>): void => {
  Effect.runForkWith(services)(effect)
}

/** Does the same as `runDetached`, and returns a function that interrupts the fiber. */
export const runCancellable = <R>(
  services: Context.Context<R>,
  effect: Effect.Effect<void, never, R>
): (() => void) => {
  const fiber = Effect.runForkWith(services)(effect)
  return () => fiber.interruptUnsafe()
}
