/**
 * The order in which waiting tasks are handed out: a small port, and its first implementation.
 *
 * Tasks of one batch go in the batch's order; between batches it goes round, one task each, so a job with a million tasks
 * does not keep another one waiting (docs/architecture.md, Worker threads). A task that is put back goes first.
 *
 * Boundary: pure data; knows nothing of threads or time.
 */

/** Who waits for a worker. `R` is what the pool keeps for a batch. */
export interface Scheduler<R> {
  /** Tasks that wait, over all batches. */
  readonly waiting: number
  readonly waitingOf: (batch: R) => number
  readonly add: (batch: R, tasks: number) => void
  /** The next batch in turn that is acceptable and has a task waiting. It then goes behind all others. */
  readonly choose: (accepts: (batch: R) => boolean) => R | undefined
  /** Takes the batch's next task. */
  readonly take: (batch: R) => number | undefined
  /** A task that was taken and did not run waits again. */
  readonly putBack: (batch: R, task: number) => void
  /** Drops a batch; returns the tasks that were waiting. */
  readonly remove: (batch: R) => ReadonlyArray<number>
}

interface Lane {
  next: number
  readonly tasks: number
  readonly back: Array<number>
}

const waitingIn = (lane: Lane | undefined): number =>
  lane === undefined ? 0 : lane.tasks - lane.next + lane.back.length

export class RoundRobin<R> implements Scheduler<R> {
  // A Map is a ring here: who had a turn is deleted and set again, at the end.
  readonly #lanes = new Map<R, Lane>()
  #waiting = 0

  get waiting(): number {
    return this.#waiting
  }

  readonly waitingOf = (batch: R): number => waitingIn(this.#lanes.get(batch))

  readonly add = (batch: R, tasks: number): void => {
    this.#lanes.set(batch, { next: 0, tasks, back: [] })
    this.#waiting += tasks
  }

  readonly choose = (accepts: (batch: R) => boolean): R | undefined => {
    for (const [batch, lane] of this.#lanes) {
      if (waitingIn(lane) === 0 || !accepts(batch)) continue
      this.#lanes.delete(batch)
      this.#lanes.set(batch, lane)
      return batch
    }
    return undefined
  }

  readonly take = (batch: R): number | undefined => {
    const lane = this.#lanes.get(batch)
    if (lane === undefined || waitingIn(lane) === 0) return undefined
    this.#waiting--
    return lane.back.shift() ?? lane.next++
  }

  readonly putBack = (batch: R, task: number): void => {
    const lane = this.#lanes.get(batch)
    if (lane === undefined) return
    lane.back.push(task)
    lane.back.sort((a, b) => a - b)
    this.#waiting++
  }

  readonly remove = (batch: R): ReadonlyArray<number> => {
    const lane = this.#lanes.get(batch)
    if (lane === undefined) return []
    this.#waiting -= waitingIn(lane)
    this.#lanes.delete(batch)
    const rest = Array.from({ length: lane.tasks - lane.next }, (_, index) => lane.next + index)
    return [...lane.back, ...rest]
  }
}
