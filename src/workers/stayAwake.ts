/**
 * A vigil: a thread that expects a message soon stays awake for it.
 *
 * Waking a sleeping thread takes 20 to 40 microseconds, at both ends of a task's way to a worker and back. That is more than all
 * other work for a small task. So the waiting thread lets its event loop turn, a few microseconds a turn, until the message
 * comes or its patience ends (`Limits.vigilUs`).
 *
 * A vigil is a bet. The thread loses if no message comes in time, or if both threads share one processor, because the waiting
 * thread then keeps it from the working one. Each loss in a row doubles the number of skipped bets, so a thread that always loses
 * pays next to nothing. The first win resets the count.
 *
 * Invariant: it affects only the time at which a message is received. Boundary: owns its turns of the event loop; the owner
 * knows what to wait for. Both sides.
 */
import { Limits } from "../Limits.ts"
import { elapsedMs } from "./cpuTime.ts"

export class Vigil {
  /** The end of the vigil, in milliseconds; 0 if none is kept. */
  #until = 0
  #isTurning = false
  /** Losses in a row. */
  #losses = 0
  /** Bets that are still to be skipped. */
  #skips = 0

  /** Begins a vigil, because a message is likely to come soon. */
  keep(): void {
    if (this.#skips > 0) {
      this.#skips--
      return
    }
    this.#until = elapsedMs() + Limits.vigilUs / 1_000
    if (this.#isTurning) return
    this.#isTurning = true
    setImmediate(this.#turn)
  }

  /** Ends the vigil, because the message has come. */
  end(): void {
    if (this.#until === 0) return
    this.#until = 0
    this.#losses = 0
  }

  readonly #turn = (): void => {
    if (this.#until !== 0 && elapsedMs() < this.#until) {
      setImmediate(this.#turn)
      return
    }
    this.#isTurning = false
    if (this.#until === 0) return
    this.#until = 0
    if (this.#losses < Limits.vigilDoublings) this.#losses++
    this.#skips = 2 ** this.#losses
  }
}
