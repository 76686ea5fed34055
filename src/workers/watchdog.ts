/**
 * Time as the pool counts it against its workers: only what its own ticks saw.
 *
 * A tick credits at most a few intervals, however late it comes: when the main thread, or the whole machine, stood still,
 * tasks are not charged for it (a watchdog that goes by the clock kills healthy workers after a stall). The loop runs
 * while there is something to watch, and as fast as that needs.
 *
 * Boundary: time comes from Effect's Clock; what to look at, how often, and the kill are the pool's.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { Limits } from "../Limits.ts"

/** How much of a late tick counts, in intervals. */
const creditIntervals = 5

export class Stopwatch {
  #last: number

  constructor(nowMs: number) {
    this.#last = nowMs
  }

  /** Milliseconds to credit for the time since the last tick. */
  tick(nowMs: number, intervalMs: number): number {
    const creditMs = Math.min(nowMs - this.#last, creditIntervals * intervalMs)
    this.#last = nowMs
    return Math.max(0, creditMs)
  }
}

/** A share on a worker, as the watchdog sees it. */
export interface Watched {
  /** When it was handed over, on the pool's clock. */
  readonly startedAt: number
  /** The execution that was seen last, by its number; 0 for none. */
  ordinal: number
  /** Milliseconds seen of that execution, and before the worker took the share up. */
  elapsedMs: number
  unclaimedMs: number
}

/** What a worker's shared memory says at a moment. */
export interface Look {
  /** It has taken the share up. */
  readonly hasBegun: boolean
  /** The number of the task's execution, or 0 if it runs none at the moment. */
  readonly ordinal: number
}

/**
 * Credits a tick to what a share runs. Says whether its worker has to be ended for it: because a task has had its time, or
 * because the share was never taken up. An execution is charged from the first tick that sees it: never too early, and at
 * most one interval late.
 */
export const credit = (
  share: Watched,
  look: Look,
  timeoutMs: number | undefined,
  creditMs: number,
  nowMs: number
): "timeout" | "unclaimed" | undefined => {
  if (!look.hasBegun) {
    share.unclaimedMs += Math.min(creditMs, Math.max(0, nowMs - share.startedAt))
    return share.unclaimedMs > Limits.workerClaimTimeoutMs ? "unclaimed" : undefined
  }
  if (look.ordinal === 0 || look.ordinal !== share.ordinal) {
    share.ordinal = look.ordinal
    share.elapsedMs = 0
    return undefined
  }
  share.elapsedMs += creditMs
  return timeoutMs !== undefined && share.elapsedMs >= timeoutMs ? "timeout" : undefined
}

/** What the loop asks of its owner. */
export interface Watch {
  readonly fork: (loop: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Milliseconds between two ticks, as things are now; undefined if there is nothing to watch. */
  readonly pace: () => number | undefined
  readonly tick: (creditMs: number, nowMs: number) => Effect.Effect<void>
}

export class Watchdog {
  readonly #clock: Clock.Clock
  readonly #watch: Watch
  #running: { readonly fiber: Fiber.Fiber<void>; readonly intervalMs: number } | undefined

  constructor(clock: Clock.Clock, watch: Watch) {
    this.#clock = clock
    this.#watch = watch
  }

  nowMs(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe()) / 1_000_000
  }

  /** Sees to it that the loop runs, and as fast as is needed now. */
  wake(): void {
    const intervalMs = this.#watch.pace()
    if (intervalMs === undefined) return
    if (this.#running !== undefined) {
      if (this.#running.intervalMs <= intervalMs) return
      this.#running.fiber.interruptUnsafe()
    }
    this.#running = { fiber: this.#watch.fork(this.#loop(new Stopwatch(this.nowMs()), intervalMs)), intervalMs }
  }

  #loop(stopwatch: Stopwatch, intervalMs: number): Effect.Effect<void> {
    return Effect.sleep(intervalMs).pipe(
      Effect.andThen(
        Effect.suspend(() => {
          const nowMs = this.nowMs()
          return this.#watch.tick(stopwatch.tick(nowMs, intervalMs), nowMs)
        })
      ),
      Effect.andThen(
        Effect.suspend(() => {
          if (this.#watch.pace() === intervalMs) return this.#loop(stopwatch, intervalMs)
          this.#running = undefined
          this.wake()
          return Effect.void
        })
      )
    )
  }
}
