/**
 * The time that the pool charges to its workers: only the time that its own ticks saw.
 *
 * A late tick credits at most a few intervals. So tasks are not charged for a stall of the main thread or the whole machine,
 * after which a watchdog by the clock would kill healthy workers. The loop runs only while there are tasks to watch, and only as
 * often as they need.
 *
 * Boundary: time comes from Effect's Clock; the pool decides what to look at, how often, and what to kill.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { Limits } from "../Limits.ts"
import { monotonicMs } from "../platform/monotonicMs.ts"

export class Stopwatch {
  #last: number

  constructor(nowMs: number) {
    this.#last = nowMs
  }

  /** Milliseconds to credit for the time since the last tick. */
  tick(nowMs: number, intervalMs: number): number {
    const creditMs = Math.min(nowMs - this.#last, Limits.watchdogCreditIntervals * intervalMs)
    this.#last = nowMs
    return Math.max(0, creditMs)
  }
}

/** A share on a worker, as the watchdog sees it. */
export interface Watched {
  /** The time at which the share was sent, on the pool's clock. */
  readonly startedAt: number
  /** The number of the execution that was seen last; 0 for none. */
  ordinal: number
  /** Milliseconds that ticks saw of that execution. */
  elapsedMs: number
  /** Milliseconds that ticks saw before the worker took the share up. */
  unclaimedMs: number
}

/** A snapshot of a worker's shared memory. */
export interface Look {
  /** Whether the worker has taken the share up. */
  readonly hasBegun: boolean
  /** The number of the running execution; 0 between two tasks. */
  readonly ordinal: number
}

/**
 * Credits a tick to the running task of a share. Tells whether its worker has to be ended, because the task has used up its time
 * or because the share was never taken up. The charge begins with the first tick that sees an execution, so a deadline is never
 * early and at most one interval late.
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

/** The owner of the loop. */
export interface Watch {
  readonly fork: (loop: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Milliseconds between two ticks at present. Undefined if there is nothing to watch. */
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
    return monotonicMs(this.#clock)
  }

  /** Starts the loop, or restarts it if it has to run faster. */
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
