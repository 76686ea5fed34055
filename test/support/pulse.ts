/**
 * The pulse of an event loop: the CPU time of this thread that each turn of the loop takes while something runs.
 *
 * It is CPU time, since a machine that is busy with something else adds to any other. The garbage collector's part is left out,
 * since nobody can slice it. Boundary: measures; tests judge.
 */
import * as Effect from "effect/Effect"
import { type PerformanceEntry, PerformanceObserver } from "node:perf_hooks"

const cpuMs = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** Runs an effect between two beats. Gives its value, and the milliseconds of each turn in between, the least first. */
export const pulse = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const collections: Array<PerformanceEntry> = []
    const observer = new PerformanceObserver((list) => void collections.push(...list.getEntries()))
    observer.observe({ entryTypes: ["gc"] })
    const beats: Array<{ readonly from: number; readonly to: number; readonly ms: number }> = []
    let last = { at: performance.now(), ms: cpuMs() }
    let next: NodeJS.Immediate
    const beat = (): void => {
      const now = { at: performance.now(), ms: cpuMs() }
      beats.push({ from: last.at, to: now.at, ms: now.ms - last.ms })
      last = now
      next = setImmediate(beat)
    }
    yield* Effect.sync(() => (next = setImmediate(beat)))
    const value = yield* effect
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    clearImmediate(next!)
    // The collector's entries come a few turns late.
    yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
    observer.disconnect()
    // An entry is in time, not CPU time: the collector's part of a turn is its part of the time that the turn took.
    const turns = beats.map(({ from, ms, to }) => {
      const within = collections.filter(({ duration, startTime }) => startTime < to && startTime + duration > from)
      const collected = within.reduce((sum, { duration }) => sum + duration, 0) / Math.max(to - from, 0.001)
      return ms * Math.max(0, 1 - collected)
    })
    return { value, turns: turns.sort((a, b) => a - b) }
  })

/** The turn that 99 of 100 do not exceed. Of fewer than 100 turns it is the longest but one. */
export const p99Of = (turns: ReadonlyArray<number>): number | undefined => turns[Math.floor((turns.length - 1) * 0.99)]
