/**
 * Threads whose batch was given up and that may still end the task they run by themselves (option `cancelGrace`).
 *
 * Boundary: counts the time; the pool ends those that have none left.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Work } from "./batchRun.ts"
import type { Thread } from "./thread.ts"

type PoolThread = Thread<Work>

export class Graces {
  readonly #graces = new Map<PoolThread, { leftMs: number; readonly ended: Deferred.Deferred<void> }>()

  get isEmpty(): boolean {
    return this.#graces.size === 0
  }

  /** A thread that has a grace already keeps that one. */
  give(thread: PoolThread, graceMs: number): void {
    if (this.#graces.has(thread)) return
    this.#graces.set(thread, { leftMs: graceMs, ended: Deferred.makeUnsafe() })
  }

  /** The thread has nothing to do any more with what was given up. */
  letGo(thread: PoolThread): void {
    const grace = this.#graces.get(thread)
    if (grace === undefined) return
    this.#graces.delete(thread)
    Deferred.doneUnsafe(grace.ended, Effect.void)
  }

  /** Takes time from all; gives the threads that have none left and are still at it. */
  tick(creditMs: number): ReadonlyArray<PoolThread> {
    const over: Array<PoolThread> = []
    for (const [thread, grace] of this.#graces) {
      grace.leftMs -= creditMs
      if (grace.leftMs <= 0 && thread.state === "busy") over.push(thread)
    }
    return over
  }

  /** Waits until threads have let go: by themselves within their grace, or because they ended. */
  ended(threads: ReadonlyArray<PoolThread>): Effect.Effect<void> {
    return Effect.forEach(
      threads.map((thread) => this.#graces.get(thread)?.ended ?? thread.ended),
      Deferred.await,
      { discard: true }
    )
  }
}
