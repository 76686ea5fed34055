/**
 * Many effects side by side, each on a fiber of its own, bounded in number: what `Effect.forEach` with an exit and a
 * timeout for each does, at a fraction of its cost.
 *
 * The group starts at once: one whose effects all end synchronously has ended when it has started. An effect that is an
 * exit already needs no fiber. Timers are made only for fibers that are still running after their synchronous part, one
 * for all that started together with the same timeout.
 *
 * Invariants: every fiber has ended before the group has, also when it is interrupted (G10); `onExit` is called once for
 * each, in the order of their ends; at most `concurrency` run at a time (G14). Boundary: fibers; with fromEffect.ts the
 * only place that starts them from outside of Effect.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { isSliceOver, nextTurn } from "./slices.ts"

export interface FiberGroup<R> {
  readonly count: number
  readonly concurrency: number
  readonly services: Context.Context<R>
  readonly effectOf: (index: number) => Effect.Effect<unknown, unknown, R>
  /** Milliseconds after which the fiber is interrupted; undefined for never. */
  readonly timeoutMsOf: (index: number) => number | undefined
  readonly onExit: (index: number, exit: Exit.Exit<unknown, unknown>, hasTimedOut: boolean) => void
}

/** A timer for the fibers that started together with the same timeout. */
interface Timer {
  readonly members: Map<number, Fiber.Fiber<unknown, unknown>>
  fiber: Fiber.Fiber<void> | undefined
}

/** A group that has started. */
export interface RunningGroup {
  readonly hasEnded: () => boolean
  /** Waits for its end. Never fails; an interrupt stops the group. */
  readonly wait: Effect.Effect<void>
  /** Interrupts what still runs, and ends when all fibers have. */
  readonly stop: Effect.Effect<void>
}

/** Starts a group. Whoever does must see to it that it is waited for, or stopped. */
export const startGroup = <R>(group: FiberGroup<R>): RunningGroup => {
  const { count, concurrency, effectOf, onExit, services, timeoutMsOf } = group
  const fork = Effect.runForkWith(services)
  const live = new Set<Fiber.Fiber<unknown, unknown>>()
  const timers = new Set<Timer>()
  const timedOut = new Set<number>()
  let next = 0
  let ended = 0
  let isStopped = false
  let resting: Fiber.Fiber<void> | undefined
  let waiting: (() => void) | undefined

  const end = (index: number, exit: Exit.Exit<unknown, unknown>): void => {
    ended++
    onExit(index, exit, timedOut.has(index))
  }

  const expire = (timer: Timer): void => {
    timers.delete(timer)
    for (const [index, fiber] of timer.members) {
      timedOut.add(index)
      fiber.interruptUnsafe()
    }
  }

  const watch = (timeoutMs: number, members: Timer["members"]): void => {
    const timer: Timer = { members, fiber: undefined }
    timers.add(timer)
    timer.fiber = fork(
      Effect.andThen(
        Effect.sleep(Duration.millis(timeoutMs)),
        Effect.sync(() => expire(timer))
      )
    )
  }

  const release = (index: number): void => {
    for (const timer of timers) {
      if (!timer.members.delete(index) || timer.members.size > 0) continue
      timers.delete(timer)
      timer.fiber?.interruptUnsafe()
    }
  }

  const rest = (): void => {
    resting = fork(nextTurn)
    resting.addObserver(() => {
      resting = undefined
      pump()
    })
  }

  const pump = (): void => {
    if (isStopped || resting !== undefined) return
    let pending: Map<number, Timer["members"]> | undefined
    while (next < count && live.size < concurrency) {
      if (isSliceOver()) {
        rest()
        break
      }
      const index = next++
      const effect = effectOf(index)
      if (Exit.isExit(effect)) {
        end(index, effect)
        continue
      }
      const fiber = fork(effect)
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) {
        end(index, exit)
        continue
      }
      live.add(fiber)
      const timeoutMs = timeoutMsOf(index)
      if (timeoutMs !== undefined) {
        pending ??= new Map()
        let members = pending.get(timeoutMs)
        if (members === undefined) pending.set(timeoutMs, (members = new Map()))
        members.set(index, fiber)
      }
      fiber.addObserver((late) => {
        live.delete(fiber)
        release(index)
        end(index, late)
        pump()
      })
    }
    if (pending !== undefined) for (const [timeoutMs, members] of pending) watch(timeoutMs, members)
    if (ended === count && !isStopped) waiting?.()
  }

  const stop = Effect.suspend(() => {
    isStopped = true
    const running = [...live, ...[...timers].flatMap(({ fiber }) => fiber ?? [])]
    if (resting !== undefined) running.push(resting)
    return Fiber.interruptAll(running)
  })

  pump()
  return {
    hasEnded: () => ended === count,
    stop,
    wait: Effect.callback((resume) => {
      waiting = () => resume(Effect.void)
      if (ended === count) waiting()
      return stop
    })
  }
}
