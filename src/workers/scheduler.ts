/**
 * Whose turn it is: the batches that are under way, in a ring.
 *
 * A worker that is free goes to the next batch in turn, so a job with a million tasks does not keep another one waiting; that
 * it also leaves a batch when its turn is over is seen to in shareRun.ts.
 *
 * Boundary: pure data; knows nothing of threads; times come in.
 */
import { Limits } from "../Limits.ts"

/** What stands in the ring, as far as its turn matters. */
export interface Waiting {
  /** When it came, in milliseconds. */
  readonly arrivedAt: number
  /** Tasks that wait, and workers that are there for it. */
  readonly waiting: number
  readonly working: number
  readonly preparing: number
}

/** Tasks for which nobody works although workers are free. */
export interface Starvation {
  readonly waiting: number
  readonly idle: number
  readonly waitedMs: number
}

/** Whether tasks have starved for so long that it is worth a warning: then the pool, or the machine, is not well. */
export const starvation = (members: ReadonlyArray<Waiting>, idle: number, nowMs: number): Starvation | undefined => {
  const starving = members.filter((it) => it.waiting > 0 && it.working + it.preparing === 0)
  if (idle === 0 || starving.length === 0) return undefined
  const waitedMs = nowMs - Math.min(...starving.map(({ arrivedAt }) => arrivedAt))
  return waitedMs < Limits.starvationMs
    ? undefined
    : { waiting: starving.reduce((sum, { waiting }) => sum + waiting, 0), idle, waitedMs }
}

export class Ring<R> {
  // A Set is a ring here: who had a turn is deleted and added again, at the end.
  readonly #members = new Set<R>()

  add(member: R): void {
    this.#members.add(member)
  }

  remove(member: R): void {
    this.#members.delete(member)
  }

  /** The next member in turn of which `accepts` holds. It then goes behind all others. */
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
