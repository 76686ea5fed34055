/**
 * The time for durations. It runs evenly, even if the system's clock is set.
 *
 * If a person or the network sets the clock, that must not exhaust a budget of time, or make a job end before it began. The time
 * of the wall clock (`currentTimeMillis`) is for moments that are stored or shown. Boundary: reads the clock it is given.
 */
import type * as Clock from "effect/Clock"

/** Milliseconds, with fractions, since a moment that is the same for as long as the process lives. */
export const monotonicMs = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
