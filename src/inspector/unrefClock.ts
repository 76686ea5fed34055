/**
 * A Clock whose sleeps do not keep the process alive.
 *
 * The publisher waits in the background, for the next attempt to reach a relay, and a program that has nothing else
 * left to do shall end. Effect's own clock uses timers that hold the process. This adapter owns the publisher's only
 * timer; it is wall-clock time even where a test has replaced the Clock, as the relay's side of the network is.
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
