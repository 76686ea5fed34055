/**
 * Waiting for a condition, with a limit: what a test does instead of sleeping.
 *
 * Boundary: no assertion. Real time passes here, whatever clock a test has.
 */
import * as Effect from "effect/Effect"

/** Milliseconds between two looks: few at first, and more where something takes long, since a look takes time from it. */
const pauseMs = 5
const longestPauseMs = 25

const pause = (ms = pauseMs): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until something holds, looking every few milliseconds. */
export const until = async (holds: () => Promise<boolean> | boolean, ms = 5_000): Promise<void> => {
  const end = Date.now() + ms
  let waitMs = pauseMs
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("it did not come to hold in time")
    await pause(waitMs)
    waitMs = Math.min(longestPauseMs, waitMs * 1.2)
  }
}

/** Looks until what is seen is wanted, and gives it. */
export const lookUntil = <A, E, R>(
  look: Effect.Effect<A, E, R>,
  isWanted: (seen: A) => boolean,
  ms = 20_000
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const end = Date.now() + ms
    const again: Effect.Effect<A, E, R> = Effect.flatMap(look, (seen) => {
      if (isWanted(seen)) return Effect.succeed(seen)
      if (Date.now() > end) return Effect.die(new Error("it did not come to hold in time"))
      return Effect.andThen(
        Effect.promise(() => pause()),
        again
      )
    })
    return again
  })

/** Lets the event loop go round: what is ready is done, and nothing is waited for. */
export const turns = async (count: number = 1): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
