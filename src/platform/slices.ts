/**
 * Slices: long work on the main thread in pieces of a few milliseconds (docs/semantics.md, Slices).
 *
 * Work is a generator that yields where it can be suspended. It runs until `Limits.sliceMs` have passed since the event loop's
 * last turn, and then lets the loop have a turn. This file owns the monotonic clock that measures a slice. That is real time, not
 * Effect's Clock, because the real event loop must not be held. The clock decides only when to pause.
 */
import * as Effect from "effect/Effect"
import { Limits } from "../Limits.ts"

/** The part of an event loop that slices need. */
export interface EventLoop {
  /** Whether work has held this turn of the loop for a whole slice. */
  readonly isSliceOver: () => boolean
  /** Calls a function in a later turn of the loop. Returns a function that calls this off. */
  readonly later: (go: () => void) => () => void
}

// One for the process: all jobs share the event loop, so they share the slice.
let sliceBegan = performance.now()
let turnWatched = false

const realLoop: EventLoop = {
  isSliceOver: () => {
    if (!turnWatched) {
      turnWatched = true
      sliceBegan = performance.now()
      setImmediate(() => {
        turnWatched = false
      })
      return false
    }
    return performance.now() - sliceBegan >= Limits.sliceMs
  },
  later: (go) => {
    const handle = setImmediate(go)
    return () => clearImmediate(handle)
  }
}

let loop = realLoop

/** Runs a function with another event loop in place of the real one. For a simulation, which decides all turns by its seed. */
export const withEventLoop = <A>(other: EventLoop, body: () => A): A => {
  const before = loop
  loop = other
  try {
    return body()
  } finally {
    loop = before
  }
}

/** Whether work has held this turn of the event loop for a whole slice. */
export const isSliceOver = (): boolean => loop.isSliceOver()

/** Lets the event loop have a turn: timers, messages and other fibers run before this goes on. */
export const nextTurn: Effect.Effect<void> = Effect.callback((resume) => {
  const callOff = loop.later(() => resume(Effect.void))
  return Effect.sync(callOff)
})

/** Lets the event loop have a turn if this slice is over. */
export const breathe: Effect.Effect<void> = Effect.suspend(() => (isSliceOver() ? nextTurn : Effect.void))

/** The rest of some work on the main thread, as an effect; undefined if the work is done. */
export type Pending = Effect.Effect<void> | undefined

/** Runs a generator of steps in slices, and then `next`. All of it happens at once if this slice is long enough. */
export const inSlicesThen = <A>(steps: Generator<void, A>, next: (value: A) => Pending): Pending => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return next(step.value)
    if (isSliceOver()) return Effect.flatMap(nextTurn, () => inSlicesThen(steps, next) ?? Effect.void)
  }
}

/** Runs a generator of steps to its end, in slices. */
export const inSlices = <A>(steps: Generator<void, A>): Effect.Effect<A> =>
  Effect.suspend(() => {
    for (;;) {
      const step = steps.next()
      if (step.done === true) return Effect.succeed(step.value)
      if (isSliceOver()) return Effect.flatMap(nextTurn, () => inSlices(steps))
    }
  })
