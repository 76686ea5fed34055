/**
 * A vigil: a thread that expects a message at any moment does not go to sleep for it.
 *
 * To wake a sleeping thread takes 20 to 40 microseconds, at either end of a task's way to a worker and back: more than all
 * else that is done for a small task. So the thread that waits has its event loop turn, a few microseconds a turn, and
 * takes in whatever comes, until its patience ends (`Limits.vigilUs`).
 *
 * It is a bet. Lost when nothing comes in time; or when both threads have one processor, which the one that waits then
 * keeps from the one that works. Each loss in a row doubles the number of times that no bet is made, so those who always
 * lose pay next to nothing, and the first win makes up for it.
 *
 * Invariant: nothing but when a message is heard depends on it. Boundary: owns its turns of the event loop; who waits for
 * what is its owner's business. Both sides.
 */
import { Limits } from "../Limits.ts"
import { elapsedMs } from "./cpuTime.ts"

export class Vigil {
  /** Until when it lasts; 0 if none is kept. */
  #until = 0
  #isTurning = false
  /** Lost in a row, and how many times no more is to be bet. */
  #losses = 0
  #skips = 0

  /** A message is likely to come in a moment. */
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

  /** It has come. */
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
