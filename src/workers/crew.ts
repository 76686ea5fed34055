/**
 * The threads of a pool: how many there are, their numbers, their start and their end.
 *
 * Threads are started when tasks wait and no thread is free, one in a turn of the event loop (to open one takes
 * milliseconds of the main thread), and are never more than the pool's size. Those that have had nothing to do for a while
 * are ended, down to the pool's least size. A thread that ends before it was ready is a failed start; after a few in a row no
 * further one is tried until a new batch asks.
 *
 * Boundary: what threads do is the pool's business.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { WorkerPlatform } from "effect/workers/Worker"
import { nextTurn } from "../platform/slices.ts"
import { Limits } from "../Limits.ts"
import type { Share, Work } from "./batchRun.ts"
import type { Resolved } from "./options.ts"
import { Thread, type ThreadEvents } from "./thread.ts"

export class Crew {
  readonly threads = new Map<number, Thread<Work>>()
  /** What all threads share, see `PoolPlace`. */
  readonly shared = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  /** Threads that were started because others had been lost. */
  respawns = 0
  readonly #options: Resolved
  readonly #fork: (effect: Effect.Effect<void, never, WorkerPlatform>) => unknown
  readonly #events: ThreadEvents<Work>
  /** Threads in a row that ended before they were ready. */
  #failedStarts = 0
  /** Threads that were lost without having been retired for good, and not replaced yet. */
  #lost = 0
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
        if (thread.reason !== "idle" && thread.reason !== "closed") this.#lost++
        events.onLost(thread, end)
      }
    }
  }

  /** The threads that could take a task. */
  idle(): Set<Thread<Work>> {
    const idle = new Set<Thread<Work>>()
    for (const thread of this.threads.values()) if (thread.state === "ready") idle.add(thread)
    return idle
  }

  /** The threads that have a share of which `isWanted` holds. */
  busyWith(isWanted: (work: Share) => boolean): ReadonlyArray<Thread<Work>> {
    return [...this.threads.values()].filter(({ work }) => work?.type === "share" && isWanted(work))
  }

  /** Ends the threads, beyond those that are to be kept, that have had nothing to do since a moment. */
  retireIdle(since: number): void {
    let spare = this.threads.size - this.#options.minSize
    for (const thread of this.idle()) {
      if (spare <= 0) return
      if (thread.idleSince === undefined || thread.idleSince > since) continue
      spare--
      thread.end("idle")
    }
  }

  /** Whether no thread is left, and none can be started. */
  get isHopeless(): boolean {
    return this.threads.size === 0 && this.#failedStarts >= Limits.workerStartAttempts
  }

  /** From now on starting is tried again. */
  forgive(): void {
    if (this.#failedStarts >= Limits.workerStartAttempts) this.#failedStarts = 0
  }

  /** Starts a thread if more are wanted than are coming; `again` is called when there may be a need for another. */
  staff(wanted: number, again: () => void): void {
    if (this.#isOpening || this.threads.size >= this.#options.size) return
    if (this.#failedStarts >= Limits.workerStartAttempts) return
    // One that loads for a batch is that batch's, and no answer to what others want.
    let coming = 0
    for (const { state, work } of this.threads.values())
      if (work === undefined && (state === "spawning" || state === "loading")) coming++
    if (wanted <= coming && this.threads.size >= this.#options.minSize) return
    let number = 1
    while (this.threads.has(number)) number++
    const thread = new Thread<Work>(number, this.#options, this.shared, this.#events)
    this.threads.set(number, thread)
    if (this.#lost > 0) {
      this.#lost--
      this.respawns++
    }
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
const awaitEnds = (threads: ReadonlyArray<Thread<Work>>): Effect.Effect<void> =>
  Effect.forEach(threads, (thread) => Deferred.await(thread.ended), { discard: true })
