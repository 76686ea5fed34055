/**
 * Commands that are loaded when they are called, so that the others start fast. Boundary: loading alone.
 */
import * as Effect from "effect/Effect"

/** Does what a module says, which is loaded then. */
export const lazily = <M, A, E, R>(
  load: () => Promise<M>,
  run: (module: M) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.flatMap(Effect.promise(load), run)
