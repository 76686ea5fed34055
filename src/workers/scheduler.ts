/**
 * The turns of batches. A ring holds the batches under way.
 *
 * A free worker goes to the next batch in turn, so a job with a million tasks does not hold up another one. shareRun.ts makes a
 * worker leave a batch when its turn is over.
 *
 * Boundary: pure data; knows nothing of threads; the caller passes the times.
 */
import { Limits } from "../Limits.ts"

/** The numbers of a batch that matter for its turn. */
export interface Waiting {
  /** The time of its arrival, in milliseconds. */
  readonly arrivedAt: number
  /** Tasks that wait, workers that run its tasks, and workers that load for it. */
  readonly waiting: number
  readonly working: number
  readonly preparing: number
}

/** Tasks that wait although workers are free. */
export interface Starvation {
  readonly waiting: number
  readonly idle: number
  readonly waitedMs: number
}

/** Gives tasks that have starved long enough for a warning: the pool, or the machine, has a fault. */
export const starvation = (members: ReadonlyArray<Waiting>, idle: number, nowMs: number): Starvation | undefined => {
  const starving = members.filter((it) => it.waiting > 0 && it.working + it.preparing === 0)
  if (idle === 0 || starving.length === 0) return undefined
  const waitedMs = nowMs - Math.min(...starving.map(({ arrivedAt }) => arrivedAt))
  return waitedMs < Limits.starvationMs
    ? undefined
    : { waiting: starving.reduce((sum, { waiting }) => sum + waiting, 0), idle, waitedMs }
}

export class Ring<R> {
  // A Set serves as a ring: a member that had a turn is deleted and added again at the end.
  readonly #members = new Set<R>()

  add(member: R): void {
    this.#members.add(member)
  }

  remove(member: R): void {
    this.#members.delete(member)
  }

  /** Gives the next member that `accepts` takes, and moves it behind all others. */
  choose(accepts: (member: R) => boolean): R | undefined {
    for (const member of this.#members) {
      if (!accepts(member)) continue
      if (this.#members.size > 1) {
        this.#members.delete(member)
        this.#members.add(member)
      }
      return member
    }
    return undefined
  }

  [Symbol.iterator](): IterableIterator<R> {
    return this.#members.values()
  }
}
