/**
 * The grace (`cancelGrace`) of threads whose batch was given up. Within this time, they may end their task by themselves.
 *
 * Boundary: counts the time; the pool ends threads without grace left.
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

  /** Gives a thread its grace. A thread that has one keeps it. */
  give(thread: PoolThread, graceMs: number): void {
    if (this.#graces.has(thread)) return
    this.#graces.set(thread, { leftMs: graceMs, ended: Deferred.makeUnsafe() })
  }

  /** Ends the grace of a thread that no longer runs a task of the batch. */
  letGo(thread: PoolThread): void {
    const grace = this.#graces.get(thread)
    if (grace === undefined) return
    this.#graces.delete(thread)
    Deferred.doneUnsafe(grace.ended, Effect.void)
  }

  /** Takes time from every grace. Returns the busy threads without grace left. */
  tick(creditMs: number): ReadonlyArray<PoolThread> {
    const over: Array<PoolThread> = []
    for (const [thread, grace] of this.#graces) {
      grace.leftMs -= creditMs
      if (grace.leftMs <= 0 && thread.state === "busy") over.push(thread)
    }
    return over
  }

  /** Waits until threads have ended their tasks within their grace, or have ended themselves. */
  ended(threads: ReadonlyArray<PoolThread>): Effect.Effect<void> {
    return Effect.forEach(
      threads.map((thread) => this.#graces.get(thread)?.ended ?? thread.ended),
      Deferred.await,
      { discard: true }
    )
  }
}
