/**
 * The threads of a pool: their number, their start and their end.
 *
 * A thread starts when tasks wait and no thread is free, one in a turn of the event loop, because a start holds the main thread
 * for milliseconds. There are never more than the pool's size. Threads that were idle for a while are ended, down to
 * `minSize`. A thread that ends before it was ready is a failed start. After a number of failed starts in a row, no thread starts
 * until a new batch arrives. If the system was short of a resource, the next start waits, longer each time, because the shortage
 * may pass.
 *
 * An abandoned thread, which was terminated but has not ended, keeps its place, because it still has its memory.
 *
 * Boundary: the pool decides what threads do.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { WorkerPlatform } from "effect/workers/Worker"
import { nextTurn } from "../platform/slices.ts"
import { missingThreadFile } from "../platform/threadFiles.ts"
import { Limits } from "../Limits.ts"
import type { Share, Work } from "./batchRun.ts"
import type { Resolved } from "./options.ts"
import { entry, Thread, type ThreadEnd, type ThreadEvents } from "./thread.ts"
import type { Unavailable } from "./WorkerPool.ts"

export class Crew {
  readonly threads = new Map<number, Thread<Work>>()
  /** Threads that were given up and have not ended. */
  readonly abandoned = new Set<Thread<Work>>()
  /** The memory that all threads share (`PoolPlace`). */
  readonly shared = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  /** Threads started in place of lost ones. */
  respawns = 0
  readonly #options: Resolved
  readonly #fork: (effect: Effect.Effect<void, never, WorkerPlatform>) => unknown
  readonly #events: ThreadEvents<Work>
  /** Failed starts in a row, and the end of the last one. */
  #failedStarts = 0
  #lastFailure: ThreadEnd | undefined
  /** Whether the next start still has to wait because of a shortage, and whether it is waiting now. */
  #isRestDue = false
  #isResting = false
  /** Whether the last thread that was ready could not load its program because of a shortage: being ready proves nothing. */
  #isShortToLoad = false
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
        if (!this.#isShortToLoad) this.#failedStarts = 0
        events.onReady(thread)
      },
      onLost: (thread, end) => {
        this.threads.delete(thread.number)
        if (thread.isAbandoned) this.abandoned.add(thread)
        if (thread.reason === "shortage") this.#isShortToLoad = true
        if (thread.reason === "shortage" || (thread.state === "failed" && thread.reason !== "closed")) {
          this.#failedStarts++
          this.#lastFailure = end
          this.#isRestDue = end.shortage !== undefined
        }
        if (thread.reason !== "idle" && thread.reason !== "closed") this.#lost++
        events.onLost(thread, end)
      },
      onGone: (thread) => {
        this.abandoned.delete(thread)
        events.onGone(thread)
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

  /** Ends threads that have been idle since the time `since`, down to `minSize`. */
  retireIdle(since: number): void {
    let spare = this.threads.size - this.#options.minSize
    for (const thread of this.idle()) {
      if (spare <= 0) return
      if (thread.idleSince === undefined || thread.idleSince > since) continue
      spare--
      thread.end("idle")
    }
  }

  /** The reason why the pool has no thread and can start none. Undefined if it has a thread or can start one. */
  get unavailable(): Unavailable | undefined {
    const { size } = this.#options
    if (this.threads.size > 0) return undefined
    if (this.abandoned.size >= size) {
      const message = `each of the ${size} workers is held by a native call of an agent, which nothing can end`
      return { reason: "abandoned", message }
    }
    if (!this.#hasGivenUp) return undefined
    // Clients read this text. The error's own text may name files, so it goes to the log only.
    const why = this.#lastFailure?.shortage ?? missingThreadFile(entry) ?? "each ended before it was ready"
    return { reason: "not-started", message: `no worker could be started: ${why}` }
  }

  /** Whether too many starts have failed in a row. A shortage is allowed more starts than a lasting error. */
  get #hasGivenUp(): boolean {
    const most =
      this.#lastFailure?.shortage !== undefined ? Limits.workerStartShortageAttempts : Limits.workerStartAttempts
    return this.#failedStarts >= most
  }

  /** Notes that a thread has loaded a program. */
  noteLoaded(): void {
    this.#isShortToLoad = false
    this.#failedStarts = 0
  }

  /** Allows further starts after too many have failed. */
  forgive(): void {
    if (this.#hasGivenUp) this.#failedStarts = 0
  }

  /** Waits after a shortage, longer each time. */
  #rest(again: () => void): void {
    this.#isRestDue = false
    this.#isResting = true
    const ms = Math.min(Limits.workerStartRetryMs * 2 ** (this.#failedStarts - 1), Limits.workerStartRetryMostMs)
    const rested = Effect.sync(() => {
      this.#isResting = false
      again()
    })
    this.#fork(Effect.andThen(Effect.sleep(Duration.millis(ms)), rested))
  }

  /** Starts a thread if more are wanted than are starting. Calls `again` in the next turn, as another may be needed. */
  staff(wanted: number, again: () => void): void {
    if (this.#isOpening || this.#isResting || this.#hasGivenUp) return
    if (this.threads.size + this.abandoned.size >= this.#options.size) return
    // A thread that loads for a batch belongs to that batch and does not count for others.
    let coming = 0
    for (const { state, work } of this.threads.values())
      if (work === undefined && (state === "spawning" || state === "loading")) coming++
    if (wanted <= coming && this.threads.size >= this.#options.minSize) return
    if (this.#isRestDue) return this.#rest(again)
    const numbers = new Set([...this.threads.keys(), ...[...this.abandoned].map((thread) => thread.number)])
    let number = 1
    while (numbers.has(number)) number++
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
