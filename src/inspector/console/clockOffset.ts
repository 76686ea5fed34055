/**
 * The difference between the server's clock and the browser's, from answers that carry the server's time.
 *
 * An answer was written after its request was sent and before it came, so each one bounds the difference from both sides.
 * Invariants: while no answer contradicts the browser's clock, the difference is 0; a clock that was set begins anew. Boundary:
 * pure.
 */
export class ClockOffset {
  #least = -Infinity
  #most = Infinity
  #isExact = false
  /** Milliseconds to add to the browser's clock. */
  ms = 0

  /** Takes the time of an answer in milliseconds. Telling a time by seconds is left once there is an exact one. */
  hear(
    asked: { readonly sentAt: number; readonly heardAt: number },
    told: { readonly from: number; readonly to: number }
  ) {
    const isExact = told.from === told.to
    if (this.#isExact && !isExact) return
    const [least, most] = [told.from - asked.heardAt, told.to - asked.sentAt]
    // A time by seconds may be that of a proxy: the first exact time takes its place.
    const fits = isExact === this.#isExact && least <= this.#most && most >= this.#least
    this.#least = fits ? Math.max(least, this.#least) : least
    this.#most = fits ? Math.min(most, this.#most) : most
    this.#isExact = isExact
    this.ms = Math.min(Math.max(this.ms, this.#least), this.#most)
  }
}
