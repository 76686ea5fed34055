/**
 * The threads of a pool: how many there are, their numbers, their start and their end.
 *
 * Threads are started when tasks wait and no thread is free, one in a turn of the event loop (to open one takes
 * milliseconds of the main thread), and are never more than the pool's size. A thread that ends before it was ready is a
 * failed start; after a few in a row no further one is tried until a new batch asks.
 *
 * Boundary: what threads do is the pool's business.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { WorkerPlatform } from "effect/workers/Worker"
import { nextTurn } from "../internal/slices.ts"
import { Limits } from "../Limits.ts"
import type { Work } from "./batchRun.ts"
import type { Resolved } from "./options.ts"
import { Thread, type ThreadEvents } from "./thread.ts"

export class Crew {
  readonly threads = new Map<number, Thread<Work>>()
  readonly #options: Resolved
  readonly #fork: (effect: Effect.Effect<void, never, WorkerPlatform>) => unknown
  readonly #events: ThreadEvents<Work>
  /** Threads in a row that ended before they were ready. */
  #failedStarts = 0
  /** A thread was opened in this turn of the event loop. */
  #isOpening = false

  constructor(
    options: Resolved,
    fork: (effect: Effect.Effect<void, never, WorkerPlatform>) => unknown,
    events: ThreadEvents<Work>
  ) {
    this.#options = options
    this.#fork = fork
    this.#events = {
      ...events,
      onReady: (thread) => {
        this.#failedStarts = 0
        events.onReady(thread)
      },
      onLost: (thread, end) => {
        this.threads.delete(thread.number)
        if (thread.state === "failed" && thread.reason !== "closed") this.#failedStarts++
        events.onLost(thread, end)
      }
    }
  }

  /** The threads that could take a task. */
  idle(): Set<Thread<Work>> {
    return new Set([...this.threads.values()].filter((thread) => thread.state === "ready"))
  }

  /** The threads that run a task of which `isWanted` holds. */
  busyWith(isWanted: (work: Work) => boolean): ReadonlyArray<Thread<Work>> {
    return [...this.threads.values()].filter(({ work }) => work?.type === "task" && isWanted(work))
  }

  /** Whether no thread is left, and none can be started. */
  get isHopeless(): boolean {
    return this.threads.size === 0 && this.#failedStarts >= Limits.workerStartAttempts
  }

  /** From now on starting is tried again. */
  forgive(): void {
    if (this.#failedStarts >= Limits.workerStartAttempts) this.#failedStarts = 0
  }

  /** Starts a thread if more tasks wait than threads are coming; `again` is called when there may be a need for another. */
  staff(waiting: number, again: () => void): void {
    if (this.#isOpening || this.threads.size >= this.#options.size) return
    if (this.#failedStarts >= Limits.workerStartAttempts) return
    let coming = 0
    for (const { state } of this.threads.values()) if (state === "spawning" || state === "loading") coming++
    if (waiting <= coming) return
    let number = 1
    while (this.threads.has(number)) number++
    const thread = new Thread<Work>(number, this.#options, this.#events)
    this.threads.set(number, thread)
    this.#isOpening = true
    this.#fork(thread.start)
    this.#fork(
      Effect.andThen(
        nextTurn,
        Effect.sync(() => {
          this.#isOpening = false
          again()
        })
      )
    )
  }

  /** Ends all threads. Done when they have let go. */
  close(): Effect.Effect<void> {
    const threads = [...this.threads.values()]
    for (const thread of threads) thread.end("closed")
    return awaitEnds(threads)
  }
}

/** Waits until threads have let go. */
export const awaitEnds = (threads: ReadonlyArray<Thread<Work>>): Effect.Effect<void> =>
  Effect.forEach(threads, (thread) => Deferred.await(thread.ended), { discard: true })
