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

/** A task on a worker, as the watchdog sees it. */
export interface Watched {
  readonly startedAt: number
  readonly timeoutMs: number | undefined
  /** Milliseconds seen since the worker claimed it, and before that. */
  elapsedMs: number
  unclaimedMs: number
}

/** Credits a tick to a task. Says what it is then to be ended for, if anything. */
export const credit = (
  task: Watched,
  isClaimed: boolean,
  creditMs: number,
  nowMs: number
): "timeout" | "unclaimed" | undefined => {
  const seenMs = Math.min(creditMs, Math.max(0, nowMs - task.startedAt))
  if (!isClaimed) {
    task.unclaimedMs += seenMs
    return task.unclaimedMs > Limits.workerClaimTimeoutMs ? "unclaimed" : undefined
  }
  task.elapsedMs += seenMs
  return task.timeoutMs !== undefined && task.elapsedMs >= task.timeoutMs ? "timeout" : undefined
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
