/**
 * The duration clock of a job: counts the time that the job has run, without pauses.
 *
 * Boundary: a value. Callers give it the time, which must be monotonic; nothing here reads a clock.
 */
export class RunClock {
  #ranMs = 0
  #runningSince: number | undefined

  /** Starts the clock, or does nothing if it runs. */
  start(nowMs: number): void {
    this.#runningSince ??= nowMs
  }

  stop(nowMs: number): void {
    if (this.#runningSince === undefined) return
    this.#ranMs += nowMs - this.#runningSince
    this.#runningSince = undefined
  }

  /** Continues from the milliseconds in the journal. */
  restore(ranMs: number): void {
    this.#ranMs = ranMs
  }

  /** Whole milliseconds that the job has run. */
  elapsedMs(nowMs: number): number {
    return Math.floor(this.#ranMs + (this.#runningSince === undefined ? 0 : nowMs - this.#runningSince))
  }
}
