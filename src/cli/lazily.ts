/**
 * Commands that are loaded when they are called, so that the others start fast. Boundary: loading alone.
 */
import * as Effect from "effect/Effect"

/** Loads a module and runs an effect with it. */
export const lazily = <M, A, E, R>(
  load: () => Promise<M>,
  run: (module: M) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.flatMap(Effect.promise(load), run)
