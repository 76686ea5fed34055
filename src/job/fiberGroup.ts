/**
 * A group of effects that run side by side, each on a fiber of its own, bounded in number. It gives the result of
 * `Effect.forEach` with an exit and a timeout for each effect, at a fraction of the cost.
 *
 * The group starts at once. If all its effects end synchronously, the group ends in its start. An effect that is an exit already
 * needs no fiber. Timers are made only for fibers that still run after their synchronous part, one timer for all that started
 * together with the same timeout.
 *
 * Invariants: every fiber has ended before the group has, also when the group is interrupted (G10); `onExit` is called once for
 * each effect that was started, in the order of their ends; at most `concurrency` run at a time (G14). Boundary: fibers. Only
 * this file and fromEffect.ts start fibers from outside of Effect.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { isSliceOver, nextTurn } from "../platform/slices.ts"

/** Starts a fiber with some services. */
export type Fork<R> = <A, E>(effect: Effect.Effect<A, E, R>) => Fiber.Fiber<A, E>

/** Makes a function that starts fibers with some services. */
export const forkWith = <R>(services: Context.Context<R>): Fork<R> => Effect.runForkWith(services)

export interface FiberGroup<R> {
  readonly count: number
  readonly concurrency: number
  readonly services: Context.Context<R>
  /** Starts the fiber of one effect: with the services of the group, and its own. */
  readonly forkOf: (index: number) => Fork<R>
  readonly effectOf: (index: number) => Effect.Effect<unknown, unknown, R>
  /** Whether effects may have to be held back. If not, `admits` and `drop` are not called. */
  readonly mayHold: boolean
  /** Whether an effect may start now. One that may not is held back until `ready` is called for it. */
  readonly admits: (index: number) => boolean
  /** An effect that was held back is not started any more. */
  readonly drop: (index: number) => void
  /** An effect that may start finds no place. `admits` is asked again when there is one. */
  readonly postpone: (index: number) => void
  /** Milliseconds after which the fiber is interrupted; undefined for never. */
  readonly timeoutMsOf: (index: number) => number | undefined
  /** A fiber did not end in its first step. */
  readonly onLive: (index: number) => void
  readonly onExit: (index: number, exit: Exit.Exit<unknown, unknown>, hasTimedOut: boolean) => void
}

/** A timer for the fibers that started together with the same timeout. */
interface Timer {
  readonly members: Map<number, Fiber.Fiber<unknown, unknown>>
  fiber: Fiber.Fiber<void> | undefined
}

/** A group. `pump` starts it. The caller must wait for it, or stop it. */
export class RunningGroup<R> {
  /** Whether it was halted before all its effects had ended. */
  isHalted = false
  readonly #group: FiberGroup<R>
  /** Fibers that still run. Made for the first one, because most effects end in their first step. */
  #live: Set<Fiber.Fiber<unknown, unknown>> | undefined
  /** Made for the first timer, because most groups have no timeouts. */
  #timers: Set<Timer> | undefined
  #timedOut: Set<number> | undefined
  /** Effects that are held back, and those of them that may start now. */
  #held: Set<number> | undefined
  #ready: Array<number> | undefined
  /** Effects among those held back that found no place when they might have started. */
  #postponed: Set<number> | undefined
  #isPumping = false
  /** Whether a fiber is in its first step. */
  #isStarting = false
  #next = 0
  #ended = 0
  /** The turn of the event loop that the group waits for at the end of a slice. */
  #resting: Fiber.Fiber<void> | undefined
  #waiting: (() => void) | undefined

  constructor(group: FiberGroup<R>) {
    this.#group = group
  }

  /** Whether all effects have ended. */
  get hasEnded(): boolean {
    return this.#ended === this.#group.count
  }

  /** Whether an effect that was held back may start, or may ask again. */
  get #hasMore(): boolean {
    return (
      (this.#ready !== undefined && this.#ready.length > 0) ||
      (this.#postponed !== undefined && this.#postponed.size > 0)
    )
  }

  /** The number of fibers that still run. */
  get #running(): number {
    return this.#live === undefined ? 0 : this.#live.size
  }

  /** Waits for its end. Never fails; an interrupt stops the group. */
  get wait(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.#waiting = () => resume(Effect.void)
      this.#wake()
      return this.stop
    })
  }

  /** Interrupts the fibers that still run, and ends when all have ended. */
  get stop(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.andThen(
        Fiber.interruptAll(this.halt()),
        Effect.callback<void>((resume) => {
          this.#waiting = () => resume(Effect.void)
          this.#wake()
        })
      )
    )
  }

  /** Starts nothing more, and interrupts the fibers that still run. `wait` goes on when all have ended. */
  halt(): ReadonlyArray<Fiber.Fiber<unknown, unknown>> {
    this.isHalted ||= !this.hasEnded
    this.#dropHeld()
    const fibers = [...(this.#live ?? []), ...[...(this.#timers ?? [])].flatMap(({ fiber }) => fiber ?? [])]
    if (this.#resting !== undefined) fibers.push(this.#resting)
    for (const fiber of fibers) fiber.interruptUnsafe()
    this.#wake()
    return fibers
  }

  /** An effect that was held back may start. */
  ready(index: number): void {
    if (this.#held?.has(index) !== true) return
    const taken = this.#running + (this.#isStarting ? 1 : 0) + (this.#ready?.length ?? 0)
    if (taken >= this.#group.concurrency) {
      this.#postponed ??= new Set()
      this.#postponed.add(index)
      return this.#group.postpone(index)
    }
    this.#ready ??= []
    this.#ready.push(index)
    this.pump()
  }

  /** Starts nothing more: all effects that have not started end with this exit. Those that run go on. */
  cut(exit: Exit.Exit<unknown, unknown>): void {
    const rest = this.#dropHeld()
    while (this.#next < this.#group.count) rest.push(this.#next++)
    for (const index of rest) this.#end(index, exit)
    this.#wake()
  }

  /** Lets go of all effects that are held back, and returns them. */
  #dropHeld(): Array<number> {
    if (this.#held === undefined) return []
    const held = [...this.#held]
    this.#held.clear()
    this.#ready = undefined
    this.#postponed = undefined
    for (const index of held) this.#group.drop(index)
    return held
  }

  /** The next effect that may start. */
  #take(): number | undefined {
    const { count, mayHold } = this.#group
    if (!mayHold) return this.#next < count ? this.#next++ : undefined
    const ready = this.#ready?.shift()
    if (ready !== undefined) {
      this.#held?.delete(ready)
      return ready
    }
    for (const index of [...(this.#postponed ?? [])].sort((a, b) => a - b)) {
      this.#postponed?.delete(index)
      if (!this.#group.admits(index)) continue
      this.#held?.delete(index)
      return index
    }
    while (this.#next < count) {
      const index = this.#next++
      if (this.#group.admits(index)) return index
      this.#held ??= new Set()
      this.#held.add(index)
    }
    return undefined
  }

  #wake(): void {
    if (!this.hasEnded && !(this.isHalted && this.#running === 0 && !this.#isStarting)) return
    this.#waiting?.()
    this.#waiting = undefined
  }

  /**
   * Starts the group, or goes on: as many effects as may run at a time. `hasRested`: the loop has had its turn, so one effect may
   * start, even if other work has used up this slice again. Otherwise CPU tasks on this thread would hold the group back.
   */
  pump(hasRested = false): void {
    // A fiber that is being started may end others, and their ends call this method. The new fiber does not count as live yet,
    // so the loop that starts it goes on afterwards.
    if (this.#isPumping) return
    this.#isPumping = true
    const { concurrency, count } = this.#group
    let pending: Map<number, Timer["members"]> | undefined
    while (
      !this.isHalted &&
      this.#resting === undefined &&
      (this.#next < count || this.#hasMore) &&
      this.#running < concurrency
    ) {
      if (isSliceOver() && !hasRested) {
        this.#rest()
        break
      }
      hasRested = false
      const index = this.#take()
      if (index === undefined) break
      const fiber = this.#start(index)
      const timeoutMs = fiber === undefined ? undefined : this.#group.timeoutMsOf(index)
      if (fiber === undefined || timeoutMs === undefined) continue
      pending ??= new Map()
      let members = pending.get(timeoutMs)
      if (members === undefined) pending.set(timeoutMs, (members = new Map()))
      members.set(index, fiber)
    }
    this.#isPumping = false
    if (pending !== undefined) for (const [timeoutMs, members] of pending) this.#watch(timeoutMs, members)
    this.#wake()
  }

  /** Starts one effect. Returns its fiber if it has not ended yet. */
  #start(index: number): Fiber.Fiber<unknown, unknown> | undefined {
    const effect = this.#group.effectOf(index)
    if (Exit.isExit(effect)) return this.#end(index, effect)
    this.#isStarting = true
    const fiber = this.#group.forkOf(index)(effect)
    this.#isStarting = false
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.#end(index, exit)
    const live = (this.#live ??= new Set())
    live.add(fiber)
    this.#group.onLive(index)
    // The effect may have halted the group in its first step, when its fiber was not live yet.
    if (this.isHalted) fiber.interruptUnsafe()
    fiber.addObserver((late) => {
      live.delete(fiber)
      this.#release(index)
      this.#end(index, late)
      this.pump()
    })
    return fiber
  }

  #end(index: number, exit: Exit.Exit<unknown, unknown>): undefined {
    this.#ended++
    this.#group.onExit(index, exit, this.#timedOut?.has(index) ?? false)
  }

  #rest(): void {
    const resting = forkWith(this.#group.services)(nextTurn)
    this.#resting = resting
    resting.addObserver(() => {
      this.#resting = undefined
      this.pump(true)
    })
  }

  #watch(timeoutMs: number, members: Timer["members"]): void {
    const timer: Timer = { members, fiber: undefined }
    this.#timers ??= new Set()
    this.#timers.add(timer)
    timer.fiber = forkWith(this.#group.services)(
      Effect.andThen(
        Effect.sleep(Duration.millis(timeoutMs)),
        Effect.sync(() => this.#expire(timer))
      )
    )
  }

  #expire(timer: Timer): void {
    this.#timers?.delete(timer)
    this.#timedOut ??= new Set()
    for (const [index, fiber] of timer.members) {
      this.#timedOut.add(index)
      fiber.interruptUnsafe()
    }
  }

  /** Ends the timers that no fiber needs any more. */
  #release(index: number): void {
    if (this.#timers === undefined) return
    for (const timer of this.#timers) {
      if (!timer.members.delete(index) || timer.members.size > 0) continue
      this.#timers.delete(timer)
      timer.fiber?.interruptUnsafe()
    }
  }
}
