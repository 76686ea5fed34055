/**
 * A module of ours that is loaded when it is first needed, and is there at once from then on.
 *
 * Boundary: nothing is loaded before the effect runs. That a module of this package cannot be loaded is a defect.
 */
import * as Effect from "effect/Effect"

/** Gives a module; the same effect may run any number of times, also side by side. */
export const loadOnce = <A extends object>(load: () => Promise<A>): Effect.Effect<A> => {
  let loaded: A | undefined
  return Effect.suspend(() =>
    loaded === undefined ? Effect.map(Effect.promise(load), (module) => (loaded = module)) : Effect.succeed(loaded)
  )
}
