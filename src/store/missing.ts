/**
 * A job that the store does not know, as `undefined` in place of an error.
 *
 * Boundary: the reason `missing` alone; every other error of the store stays an error.
 */
import * as Effect from "effect/Effect"
import type { StoreError } from "./JobStore.ts"

/** Succeeds with `undefined` if the store refuses with `missing`. */
export const undefinedIfMissing = <A, R>(
  effect: Effect.Effect<A, StoreError, R>
): Effect.Effect<A | undefined, StoreError, R> =>
  Effect.catchTag(effect, "StoreError", (error) =>
    error.reason === "missing" ? Effect.succeed(undefined) : Effect.fail(error)
  )
