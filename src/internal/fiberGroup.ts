/**
 * Many effects side by side, each on a fiber of its own, bounded in number: what `Effect.forEach` with an exit and a
 * timeout for each does, at a fraction of its cost.
 *
 * Effects that end synchronously cost their own fiber and nothing else. Timers are made only for fibers that are still
 * running after their synchronous part, one for all that started together with the same timeout.
 *
 * Invariants: every fiber has ended before the group has, also when it is interrupted (G10); `onExit` is called once for
 * each, in the order of their ends; at most `concurrency` run at a time (G14). Boundary: fibers; with fromEffect.ts the
 * only place that starts them from outside of Effect.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
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

/** Runs a group to its end. Never fails; an interrupt is acknowledged when all fibers have ended. */
export const runGroup = <R>(group: FiberGroup<R>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const { count, concurrency, effectOf, onExit, services, timeoutMsOf } = group
    const fork = Effect.runForkWith(services)
    const live = new Set<Fiber.Fiber<unknown, unknown>>()
    const timers = new Set<Timer>()
    const timedOut = new Set<number>()
    let next = 0
    let ended = 0
    let isStopped = false
    let resting: Fiber.Fiber<void> | undefined

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

    const pump = (): void => {
      if (isStopped || resting !== undefined) return
      const pending = new Map<number, Timer["members"]>()
      while (next < count && live.size < concurrency) {
        if (isSliceOver()) {
          resting = fork(nextTurn)
          resting.addObserver(() => {
            resting = undefined
            pump()
          })
          break
        }
        const index = next++
        const fiber = fork(effectOf(index))
        const exit = fiber.pollUnsafe()
        if (exit !== undefined) {
          end(index, exit)
          continue
        }
        live.add(fiber)
        const timeoutMs = timeoutMsOf(index)
        if (timeoutMs !== undefined) {
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
      for (const [timeoutMs, members] of pending) watch(timeoutMs, members)
      if (ended === count && !isStopped) resume(Effect.void)
    }

    pump()
    return Effect.suspend(() => {
      isStopped = true
      const running = [...live, ...[...timers].flatMap(({ fiber }) => fiber ?? [])]
      if (resting !== undefined) running.push(resting)
      return Fiber.interruptAll(running)
    })
  })
