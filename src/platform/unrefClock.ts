/**
 * A Clock whose sleeps do not keep the process alive.
 *
 * Work that waits in the background must not hold a program that has nothing else left to do: a publisher waits for its next
 * attempt to reach a relay, a pool for its next look at idle threads. Effect's own clock uses timers that hold the process.
 * This adapter owns the only other timer, which goes by wall-clock time even where a test has replaced the Clock.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The given clock, with sleeps that let the process end. */
export const unrefClock = (clock: Clock.Clock): Clock.Clock => ({
  currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
  currentTimeMillis: clock.currentTimeMillis,
  currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
  currentTimeNanos: clock.currentTimeNanos,
  monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: clock.monotonicTimeNanos,
  sleep: (duration) =>
    Effect.callback<void>((resume) => {
      const timer = setTimeout(() => resume(Effect.void), Duration.toMillis(duration))
      timer.unref()
      return Effect.sync(() => clearTimeout(timer))
    })
})
