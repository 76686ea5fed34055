/**
 * A simulated process: one seed decides in which order its fibers go on, where they are suspended, and when slices end. Time is
 * virtual and stands still while anything can run.
 *
 * A run is one synchronous loop. Each step takes one of the tasks that are ready, by the seed. When none is ready, time moves to
 * the next timer. So a run takes as long as its computing, the same seed gives the same run, and a run that can go on no more is
 * noticed at once. `run` may be stopped between any two steps, as a process is by `kill -9`: nothing of it runs any more, its
 * finalizers neither, and the next `run` is another life of the process.
 *
 * Invariants: two runs with the same seed and effects take the same steps; timers of different times never change places; nothing
 * of an earlier life runs in a later one. Boundary: scheduler, clock, randomness and event loop; what runs in it must use no
 * other. An effect that waits for a promise is never resumed.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Clocks from "effect/Clock"
import * as EffectRandom from "effect/Random"
import * as References from "effect/References"
import * as Schedulers from "effect/Scheduler"
import { type EventLoop, withEventLoop } from "../../platform/slices.ts"
import { type Random, randomOf } from "../../values/random.ts"

/** How a world is made. */
export interface WorldOptions {
  readonly seed: number
  /**
   * The order of tasks that are ready: by the seed, or as they came. In the order in which they came, no fiber is suspended
   * by the seed either. Default: by the seed.
   */
  readonly order?: "seeded" | "fifo" | undefined
  /** The number of steps after which a run counts as endless. Default: 30,000. */
  readonly mostSteps?: number | undefined
  /** Virtual milliseconds after which a run counts as endless. Default: an hour. */
  readonly mostMs?: number | undefined
}

/** The end of a run: the exit of its effect, or the reason why there is none. */
export type Ran<A, E> =
  | { readonly _tag: "Ended"; readonly exit: Exit.Exit<A, E> }
  /** It was stopped between two steps. */
  | { readonly _tag: "Killed" }
  /** Nothing can go on, or the run does not come to an end. */
  | { readonly _tag: "Stuck"; readonly reason: "nothing can go on" | "too many steps" | "too much time" }

interface Timer {
  readonly at: number
  readonly wake: () => void
}

/** The time at which every world begins, in milliseconds since the epoch. */
export const beginningMs = 1_800_000_000_000

/** One step in so many ends a slice, or suspends a fiber, where the seed decides. */
const suspensions = { slice: 16, fiber: 128 }

export class World {
  /** Steps of all lives. */
  steps = 0
  readonly #random: Random
  readonly #isSeeded: boolean
  readonly #mostSteps: number
  readonly #mostMs: number
  #nowMs = 0
  #ready: Array<() => void> = []
  /** Sorted, the next one last. */
  #timers: Array<Timer> = []

  constructor({ mostMs = 3_600_000, mostSteps = 30_000, order = "seeded", seed }: WorldOptions) {
    this.#random = randomOf(seed)
    this.#isSeeded = order === "seeded"
    this.#mostSteps = mostSteps
    this.#mostMs = mostMs
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** A whole number from 0 up to, but not including, `below`: by the seed, or 0. */
  below(below: number): number {
    return this.#isSeeded && below > 1 ? this.#random(below) : 0
  }

  /**
   * Runs an effect until it ends. `isKilled` is asked before each step. The services give the effect this world's scheduler,
   * clock and randomness, and silence its log.
   */
  run<A, E>(effect: Effect.Effect<A, E>, isKilled: (step: number) => boolean = () => false): Ran<A, E> {
    this.#ready = []
    this.#timers = []
    return withEventLoop(this.#loop, () => this.#go(Effect.runForkWith(this.services)(effect), isKilled))
  }

  #go<A, E>(fiber: Fiber.Fiber<A, E>, isKilled: (step: number) => boolean): Ran<A, E> {
    const [lastStep, lastMs] = [this.steps + this.#mostSteps, this.#nowMs + this.#mostMs]
    for (;;) {
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return { _tag: "Ended", exit }
      if (isKilled(this.steps)) return { _tag: "Killed" }
      if (this.#ready.length === 0 && !this.#wakeNext()) return { _tag: "Stuck", reason: "nothing can go on" }
      if (this.steps >= lastStep) return { _tag: "Stuck", reason: "too many steps" }
      if (this.#nowMs >= lastMs) return { _tag: "Stuck", reason: "too much time" }
      this.steps++
      const [task] = this.#ready.splice(this.below(this.#ready.length), 1)
      task?.()
    }
  }

  /** Moves the time to the next timer, and makes all timers of that time ready. Returns whether there is one. */
  #wakeNext(): boolean {
    const next = this.#timers.at(-1)
    if (next === undefined) return false
    this.#nowMs = Math.max(this.#nowMs, next.at)
    while (this.#timers.at(-1)?.at === next.at) {
      const timer = this.#timers.pop()
      if (timer !== undefined) this.#ready.push(timer.wake)
    }
    return true
  }

  /** Calls a function after some time. Returns a function that calls this off. */
  #after(ms: number, go: () => void): () => void {
    let isOn = true
    const timer: Timer = {
      at: this.#nowMs + ms,
      wake: () => {
        if (isOn) go()
      }
    }
    // Timers of one time keep their order.
    const place = this.#timers.findIndex(({ at }) => at <= timer.at)
    this.#timers.splice(place < 0 ? this.#timers.length : place, 0, timer)
    return () => {
      isOn = false
      const index = this.#timers.indexOf(timer)
      if (index >= 0) this.#timers.splice(index, 1)
    }
  }

  readonly #loop: EventLoop = {
    isSliceOver: () => this.below(suspensions.slice) === suspensions.slice - 1,
    later: (go) => {
      let isOn = true
      this.#ready.push(() => {
        if (isOn) go()
      })
      return () => {
        isOn = false
      }
    }
  }

  readonly #scheduler: Schedulers.Scheduler = {
    executionMode: "async",
    shouldYield: () => this.below(suspensions.fiber) === suspensions.fiber - 1,
    makeDispatcher: () => ({ scheduleTask: (task) => void this.#ready.push(task), flush: () => undefined })
  }

  readonly #clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => beginningMs + this.#nowMs,
    currentTimeMillis: Effect.sync(() => beginningMs + this.#nowMs),
    currentTimeNanosUnsafe: () => BigInt(Math.round((beginningMs + this.#nowMs) * 1_000)) * 1_000n,
    currentTimeNanos: Effect.sync(() => this.#clock.currentTimeNanosUnsafe()),
    monotonicTimeNanosUnsafe: () => BigInt(Math.round(this.#nowMs * 1_000)) * 1_000n,
    monotonicTimeNanos: Effect.sync(() => this.#clock.monotonicTimeNanosUnsafe()),
    sleep: (duration) =>
      Effect.callback<void>((resume) => {
        const callOff = this.#after(Duration.toMillis(duration), () => resume(Effect.void))
        return Effect.sync(callOff)
      })
  }

  /** The services of everything that runs in this world. */
  readonly services: Context.Context<never> = Context.empty().pipe(
    Context.add(Schedulers.Scheduler, this.#scheduler),
    Context.add(Clocks.Clock, this.#clock),
    Context.add(EffectRandom.Random, {
      nextIntUnsafe: () => this.below(0x7fff_ffff),
      nextDoubleUnsafe: () => this.below(0x7fff_ffff) / 0x7fff_ffff
    }),
    Context.add(References.MinimumLogLevel, "None")
  )
}
