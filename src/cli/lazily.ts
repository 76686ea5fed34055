/**
 * Commands that are loaded when they are called, so that the others start fast. Boundary: loading alone.
 */
import * as Effect from "effect/Effect"

/** Loads a module and runs an effect with it. */
export const lazily = <M, A, E, R>(
  load: () => Promise<M>,
  run: (module: M) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.flatMap(Effect.promise(load), run)

/** The work of a command: a function of a module that is loaded when the command is called. */
export const from =
  <M, H, O, A, E, R>(load: () => Promise<M>, work: (module: M) => (host: H, options: O) => Effect.Effect<A, E, R>) =>
  (host: H, options: O): Effect.Effect<A, E, R> =>
    lazily(load, (module) => work(module)(host, options))
