/**
 * The threads of a pool: their number, their start and their end.
 *
 * A thread starts when tasks wait and no thread is free, one in a turn of the event loop, because a start holds the main thread
 * for milliseconds. There are never more than the pool's size. Threads that were idle for a while are ended, down to
 * `minSize`. A thread that ends before it was ready is a failed start. After `Limits.workerStartAttempts` of them in a row, no
 * other thread starts until a new batch arrives.
 *
 * Boundary: the pool decides what threads do.
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
  /** The memory that all threads share (`PoolPlace`). */
  readonly shared = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  /** Threads started in place of lost ones. */
  respawns = 0
  readonly #options: Resolved
  readonly #fork: (effect: Effect.Effect<void, never, WorkerPlatform>) => unknown
  readonly #events: ThreadEvents<Work>
  /** Failed starts in a row. */
  #failedStarts = 0
  /** Threads that ended for another reason than `idle` or `closed` and are not replaced yet. */
  #lost = 0
  /** Whether a thread was opened in this turn of the event loop. */
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

  /** The threads whose share `isWanted` accepts. */
  busyWith(isWanted: (work: Share) => boolean): ReadonlyArray<Thread<Work>> {
    return [...this.threads.values()].filter(({ work }) => work?.type === "share" && isWanted(work))
  }

  /** Ends threads that have been idle since a moment, down to `minSize`. */
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

  /** Allows further starts after too many have failed. */
  forgive(): void {
    if (this.#failedStarts >= Limits.workerStartAttempts) this.#failedStarts = 0
  }

  /** Starts a thread if more are wanted than are starting. Calls `again` in the next turn, as another may be needed. */
  staff(wanted: number, again: () => void): void {
    if (this.#isOpening || this.threads.size >= this.#options.size) return
    if (this.#failedStarts >= Limits.workerStartAttempts) return
    // A thread that loads for a batch belongs to that batch and does not count for others.
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
