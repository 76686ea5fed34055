/**
 * Loads a module of this package at its first use. Later uses get it at once.
 *
 * Boundary: nothing is loaded before the effect runs. A module that cannot be loaded is a defect.
 */
import * as Effect from "effect/Effect"

/** An effect that gives the module. It may run any number of times, also concurrently. */
export const loadOnce = <A extends object>(load: () => Promise<A>): Effect.Effect<A> => {
  let loaded: A | undefined
  return Effect.suspend(() =>
    loaded === undefined ? Effect.map(Effect.promise(load), (module) => (loaded = module)) : Effect.succeed(loaded)
  )
}
