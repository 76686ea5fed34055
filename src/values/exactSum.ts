/**
 * The exact sum of numbers, rounded once (Shewchuk 1997: an expansion of parts that do not overlap).
 *
 * Boundary: arithmetic. The order of the numbers plays no part, and taking one out is adding its negative.
 */
export class ExactSum {
  /** Parts of growing magnitude whose exact sum is the sum. */
  readonly #parts: Array<number> = []

  /** @throws RangeError if the sum is larger than a number can be */
  add(number: number): void {
    const parts = this.#parts
    let rest = number
    let count = 0
    for (let part of parts) {
      if (Math.abs(rest) < Math.abs(part)) [rest, part] = [part, rest]
      const high = rest + part
      const low = part - (high - rest)
      if (low !== 0) parts[count++] = low
      rest = high
    }
    if (!Number.isFinite(rest)) throw new RangeError("the sum is larger than a number can be")
    parts.length = count
    if (rest !== 0) parts.push(rest)
  }

  /** The number that is nearest to the sum; of two as near, the even one. */
  get value(): number {
    const parts = this.#parts
    let place = parts.length - 1
    if (place < 0) return 0
    let high = parts[place]!
    let low = 0
    while (place > 0 && low === 0) {
      const before = high
      const part = parts[--place]!
      high = before + part
      low = part - (high - before)
    }
    // A sum half between two numbers is rounded by the sign of what is left below.
    const below = place > 0 ? parts[place - 1]! : 0
    if ((low < 0 && below < 0) || (low > 0 && below > 0)) {
      const double = low * 2
      const rounded = high + double
      if (double === rounded - high) high = rounded
    }
    return high
  }
}
