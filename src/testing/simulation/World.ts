/**
 * A simulated process: one seed decides in which order its fibers go on, where they are suspended, and when slices end. Time is
 * virtual and stands still while anything can run.
 *
 * A run is one loop of steps. Each step takes one of the tasks that are ready, by the seed. When none is ready, promises get
 * their turn, and then time moves to the next timer. So a run takes as long as its computing, the same seed gives the same run,
 * and a run that can go on no more is noticed at once. A run may be stopped between any two steps, as a process is by `kill -9`:
 * no fiber of it runs any more, its finalizers neither, and the next run is another life of the process.
 *
 *     running ── yields "promises" ──► the caller lets promises settle ── yields "turn" ──► the caller lets the event loop turn
 *
 * A promise that is settled makes its fiber ready: the fiber goes on in a step of its own, and not in the promise's turn. `run`
 * is for effects that wait for no promise: it gives them no turn.
 *
 * Invariants: two runs with the same seed and effects take the same steps; timers of different times never change places; no
 * fiber of an earlier life runs in a later one. Boundary: scheduler, clock, randomness and event loop; what runs in it must use
 * no other. An execution that waits for something else ends the run, which says so.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Clocks from "effect/Clock"
import * as EffectRandom from "effect/Random"
import * as References from "effect/References"
import * as Schedulers from "effect/Scheduler"
import { type Ambience, ambience, inAmbience } from "../../platform/ambient.ts"
import { type EventLoop, withEventLoop } from "../../platform/slices.ts"
import { type Random, randomOf } from "../../values/random.ts"
import { Execution, type Outside, type Owner } from "./Execution.ts"

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
  /** Milliseconds by which its clock is ahead when it begins. Default: 0. */
  readonly aheadMs?: number | undefined
  /** The seed of the random numbers that effects and plain code ask for. Default: `seed`. */
  readonly random?: number | undefined
  /** How many times longer executions wait than they ask for. Default: once. */
  readonly load?: number | undefined
}

/** The end of a run: the exit of its effect, or the reason why there is none. */
export type Ran<A, E> =
  | { readonly _tag: "Ended"; readonly exit: Exit.Exit<A, E> }
  /** It was stopped between two steps. */
  | { readonly _tag: "Killed" }
  /** Nothing can go on, or the run does not come to an end. */
  | {
      readonly _tag: "Stuck"
      readonly reason: "nothing can go on" | "too many steps" | "too much time"
      /** The executions that have not ended, in the order in which they began. */
      readonly open: ReadonlyArray<Owner>
    }
  /** An execution waits for something that is not in the world. */
  | { readonly _tag: "Outside"; readonly outside: Outside }

type Stuck = Extract<Ran<unknown, unknown>, { readonly _tag: "Stuck" }>

/** The turns that a run asks its caller for. */
export type Wait = "promises" | "turn"

interface Timer {
  readonly at: number
  readonly wake: () => void
  /** Whether it keeps nothing but the engine's own watch going. */
  readonly isBackground: boolean
}

/** The time at which every world begins, in milliseconds since the epoch. */
export const beginningMs = 1_800_000_000_000

/** One step in so many ends a slice, suspends a fiber, or lets promises settle, where the seed decides. */
const suspensions = { slice: 16, fiber: 128, promises: 16 }

/** Turns of the event loop in a row that executions may ask for. */
const mostTurns = 1_000

export class World {
  /** Steps of all lives. */
  steps = 0
  readonly #random: Random
  readonly #own: Random
  readonly #isSeeded: boolean
  readonly #mostSteps: number
  readonly #mostMs: number
  readonly #aheadMs: number
  readonly #load: number
  #nowMs = 0
  /** Names the life under way. */
  #life: object = {}
  #isStepping = false
  #ready: Array<() => void> = []
  /** Sorted, the next one last. */
  #timers: Array<Timer> = []
  readonly #open = new Set<Execution>()
  /** The services of everything that runs in this life of the world. */
  services: Context.Context<never>

  constructor(options: WorldOptions) {
    const { aheadMs = 0, load = 1, mostMs = 3_600_000, mostSteps = 30_000, order = "seeded", seed } = options
    this.#random = randomOf(seed)
    this.#own = randomOf(options.random ?? seed ^ 0x5bd1_e995)
    this.#isSeeded = order === "seeded"
    this.#mostSteps = mostSteps
    this.#mostMs = mostMs
    this.#aheadMs = aheadMs
    this.#load = load
    this.services = this.#servicesOf(this.#life)
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
   * clock and randomness, and silence its log. Gives the turns that it needs.
   */
  *running<A, E>(
    effect: Effect.Effect<A, E>,
    isKilled: (step: number) => boolean = () => false
  ): Generator<Wait, Ran<A, E>> {
    this.#begin()
    const most = { steps: this.steps + this.#mostSteps, ms: this.#nowMs + this.#mostMs }
    const fiber = this.#within(() => Effect.runForkWith(this.services)(effect))
    for (;;) {
      const ran = this.#within(() => this.#stretch(fiber, isKilled, most))
      if (ran !== undefined && ran !== "promises") {
        if (ran._tag === "Ended") return ran
        // A promise that is under way still runs to its end. None of its fibers does.
        this.#begin()
        yield "promises"
        return ran
      }
      yield "promises"
      if (ran === "promises" || this.#ready.length > 0) continue
      const outside = this.#outside
      if (outside !== undefined) return { _tag: "Outside", outside }
      if (yield* this.#turns()) continue
      if (!this.#wakeNext()) return this.#stuck("nothing can go on")
    }
  }

  /** Runs an effect that waits for no promise. */
  run<A, E>(effect: Effect.Effect<A, E>, isKilled?: (step: number) => boolean): Ran<A, E> {
    return atOnce(this.running(effect, isKilled))
  }

  /** Runs an effect of an agent or a handler, and notes what it waits for. Its own waits take longer under load. */
  execute<A, E, R>(owner: Owner, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.contextWith((context: Context.Context<R>) =>
      Effect.callback<A, E>((resume) => {
        const execution = this.#executionOf(owner)
        this.#open.add(execution)
        const fiber = inAmbience(execution, () => Effect.runForkWith(context)(effect))
        fiber.addObserver((exit) => {
          this.#open.delete(execution)
          resume(exit)
        })
        return Fiber.interrupt(fiber)
      })
    )
  }

  /** Calls the function of an owner that gives an effect. */
  call<A>(owner: Owner, make: () => A): A {
    return inAmbience(this.#executionOf(owner), make)
  }

  /** Runs an effect whose fibers watch in the background. Their timers alone do not keep a run going. */
  inBackground<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.contextWith((context: Context.Context<R>) =>
      Effect.callback<A, E>((resume) => {
        const fiber = inAmbience(this.#background, () => Effect.runForkWith(context)(effect))
        fiber.addObserver(resume)
        return Fiber.interrupt(fiber)
      })
    )
  }

  #begin(): void {
    this.#life = {}
    this.#ready = []
    this.#timers = []
    this.#open.clear()
    this.services = this.#servicesOf(this.#life)
  }

  #executionOf(owner: Owner): Execution {
    return new Execution(owner, this.#ambience)
  }

  /** Runs a function with this world in the place of the process. */
  #within<A>(body: () => A): A {
    const before = this.#isStepping
    this.#isStepping = true
    try {
      return withEventLoop(this.#loop, () => inAmbience(this.#ambience, body))
    } finally {
      this.#isStepping = before
    }
  }

  /** Takes steps until nothing is ready. `"promises"`: before that, promises get a turn by the seed. */
  #stretch<A, E>(
    fiber: Fiber.Fiber<A, E>,
    isKilled: (step: number) => boolean,
    most: { readonly steps: number; readonly ms: number }
  ): Ran<A, E> | "promises" | undefined {
    for (;;) {
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return { _tag: "Ended", exit }
      if (isKilled(this.steps)) return { _tag: "Killed" }
      if (this.steps >= most.steps) return this.#stuck("too many steps")
      if (this.#nowMs >= most.ms) return this.#stuck("too much time")
      if (this.#ready.length === 0) {
        if (this.#open.size > 0 || !this.#wakeNext()) return undefined
        continue
      }
      this.steps++
      const [task] = this.#ready.splice(this.below(this.#ready.length), 1)
      task?.()
      if (this.#open.size > 0 && this.below(suspensions.promises) === suspensions.promises - 1) return "promises"
    }
  }

  #stuck(reason: Stuck["reason"]): Stuck {
    return { _tag: "Stuck", reason, open: [...this.#open].map(({ owner }) => owner) }
  }

  /** The first execution that waits for something outside of the world. */
  get #outside(): Outside | undefined {
    for (const execution of this.#open) if (execution.outside !== undefined) return execution.outside
    return undefined
  }

  /** Gives the event loop turns, as long as executions ask for more. Returns whether something is ready. */
  *#turns(): Generator<Wait, boolean> {
    for (let turn = 0; turn < mostTurns; turn++) {
      const idle = [...this.#open].filter(({ timers }) => timers === 0)
      if (idle.length === 0) return false
      const before = sumOf(idle)
      yield "turn"
      yield "promises"
      if (this.#ready.length > 0) return true
      if (sumOf(idle) === before) return false
    }
    return false
  }

  /**
   * Moves the time to the next timer, and makes all timers that are due ready. Returns whether there is one. Timers of the
   * background do not move it: they come late, as on a machine that was suspended.
   */
  #wakeNext(): boolean {
    const next = this.#timers.findLast(({ isBackground }) => !isBackground)
    if (next === undefined) return false
    this.#nowMs = Math.max(this.#nowMs, next.at)
    for (let due = this.#timers.at(-1); due !== undefined && due.at <= this.#nowMs; due = this.#timers.at(-1)) {
      this.#timers.pop()
      this.#ready.push(due.wake)
    }
    return true
  }

  /** Calls a function after some time. Returns a function that calls this off. */
  #after(ms: number, isBackground: boolean, go: () => void): () => void {
    let isOn = true
    const timer: Timer = {
      at: this.#nowMs + ms,
      wake: () => {
        if (isOn) go()
      },
      isBackground
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

  /** Waits for a part of the simulated machine: whoever asked for it, the run goes on when the time is over. */
  wait(ms: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const callOff = this.#after(ms, false, () => resume(Effect.void))
      return Effect.sync(callOff)
    })
  }

  /** Waits on the clock of the world. */
  #sleep(ms: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const own = ambience()
      const execution = own instanceof Execution ? own : undefined
      if (execution !== undefined) execution.timers++
      let isOver = false
      const over = (): void => {
        if (execution !== undefined && !isOver) execution.timers--
        isOver = true
      }
      const longer = execution === undefined ? ms : ms * this.#load
      const callOff = this.#after(longer, own === this.#background, () => {
        over()
        resume(Effect.void)
      })
      return Effect.sync(() => {
        over()
        callOff()
      })
    })
  }

  get #clockMs(): number {
    return beginningMs + this.#aheadMs + this.#nowMs
  }

  /** The ambience of what is no execution: the engine, and the program's functions. */
  readonly #ambience: Ambience = {
    nowMs: () => Math.floor(this.#clockMs),
    random: () => this.#own(0x7fff_ffff) / 0x7fff_ffff,
    began: () => undefined
  }

  readonly #background: Ambience = { ...this.#ambience }

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

  readonly #clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => this.#clockMs,
    currentTimeMillis: Effect.sync(() => this.#clockMs),
    currentTimeNanosUnsafe: () => BigInt(Math.round(this.#clockMs * 1_000)) * 1_000n,
    currentTimeNanos: Effect.sync(() => this.#clock.currentTimeNanosUnsafe()),
    monotonicTimeNanosUnsafe: () => BigInt(Math.round(this.#nowMs * 1_000)) * 1_000n,
    monotonicTimeNanos: Effect.sync(() => this.#clock.monotonicTimeNanosUnsafe()),
    sleep: (duration) => this.#sleep(Duration.toMillis(duration))
  }

  /** A fiber goes on only in steps of its life: outside of them, and in a later life, it is suspended before it does anything. */
  #servicesOf(life: object): Context.Context<never> {
    const scheduler: Schedulers.Scheduler = {
      executionMode: "async",
      shouldYield: () =>
        !this.#isStepping || life !== this.#life || this.below(suspensions.fiber) === suspensions.fiber - 1,
      makeDispatcher: () => ({
        scheduleTask: (task) => {
          if (life === this.#life) this.#ready.push(task)
        },
        flush: () => undefined
      })
    }
    return Context.empty().pipe(
      Context.add(Schedulers.Scheduler, scheduler),
      Context.add(Clocks.Clock, this.#clock),
      Context.add(EffectRandom.Random, {
        nextIntUnsafe: () => this.#own(0x7fff_ffff),
        nextDoubleUnsafe: () => this.#own(0x7fff_ffff) / 0x7fff_ffff
      }),
      Context.add(References.MinimumLogLevel, "None")
    )
  }
}

const sumOf = (executions: ReadonlyArray<Execution>): number => executions.reduce((sum, { turns }) => sum + turns, 0)

/** The result of something that needs no turn of its caller. */
export const atOnce = <A>(steps: Generator<Wait, A>): A => {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}
