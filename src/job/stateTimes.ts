/**
 * The time that a job has spent in each state of its machine, and since when it is where it is.
 *
 * A clock is read when a phase waits, and not at each of the phases, which may last a microsecond: the time of a phase that
 * waits for nothing counts for the next one that does. So a job whose phases never wait pays nothing. Boundary: a value.
 * Callers give it the time, which must be monotonic.
 */

/** The states of the job's machine that last. `idle`: it waits to be admitted. */
export type TimedState = "idle" | "eligible" | "executing" | "merging" | "checking" | "stopping" | "awaiting" | "paused"

export type SpentMs = Readonly<Partial<Record<TimedState, number>>>

export class StateTimes {
  #spent: Partial<Record<TimedState, number>> | undefined
  /** The time up to which all is counted. */
  #countedTo: number
  #sinceMs: number
  #isOver = false
  /** The state whose time is counted at present. */
  state: TimedState = "idle"

  constructor(nowMs: number) {
    this.#countedTo = nowMs
    this.#sinceMs = nowMs
  }

  /** When the job was queued, began to run, or came to rest: the last of these. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  /** Counts the time until now for the present state. */
  count(nowMs: number): void {
    if (this.#isOver) return
    const spent = (this.#spent ??= {})
    spent[this.state] = (spent[this.state] ?? 0) + Math.max(0, nowMs - this.#countedTo)
    this.#countedTo = nowMs
  }

  /** The job is queued no longer, runs again or comes to rest. `sinceMs`: where it does so again, the first time. */
  enter(state: TimedState, nowMs: number, sinceMs = nowMs): void {
    this.count(nowMs)
    this.state = state
    this.#sinceMs = sinceMs
  }

  /** The job is over: no further time counts. */
  end(nowMs: number): void {
    this.count(nowMs)
    this.#isOver = true
  }

  /** Milliseconds in each state until now. States in which the job has not been are left out. */
  spentMs(nowMs: number): SpentMs {
    this.count(nowMs)
    return { ...this.#spent }
  }
}
