/**
 * The exact sum of numbers, rounded once (Shewchuk 1997: an expansion of parts that do not overlap).
 *
 * Numbers near the largest have an expansion of their own, scaled down, so that no sum in between overflows: only the value may.
 * Boundary: arithmetic. The order of the numbers plays no part, and taking one out is adding its negative.
 */
export class ExactSum {
  /** Parts of growing magnitude whose exact sum is the sum of the numbers below `hugeFrom`. */
  readonly #parts: Array<number> = []
  /** The same for the other numbers, scaled down by `hugeBits`. Scaling them loses nothing. */
  readonly #huge: Array<number> = []

  /** Adds a finite number. */
  add(number: number): void {
    if (Math.abs(number) < hugeFrom) addTo(this.#parts, number)
    else addTo(this.#huge, number / hugeScale)
  }

  /**
   * The number that is nearest to the sum; of two as near, the even one.
   *
   * @throws RangeError if the sum is larger than a number can be
   */
  get value(): number {
    return this.#huge.length === 0 ? nearest(this.#parts) : nearestOf(this.#parts, this.#huge)
  }
}

/** Numbers from here on are scaled down. More numbers below it than memory holds are needed for an overflow. */
const hugeFrom = 2 ** 970
const hugeBits = 100n
const hugeScale = 2 ** 100

const addTo = (parts: Array<number>, number: number): void => {
  let rest = number
  let count = 0
  for (let part of parts) {
    if (Math.abs(rest) < Math.abs(part)) [rest, part] = [part, rest]
    const high = rest + part
    const low = part - (high - rest)
    if (low !== 0) parts[count++] = low
    rest = high
  }
  parts.length = count
  if (rest !== 0) parts.push(rest)
}

/** The number that is nearest to the exact sum of an expansion. */
const nearest = (parts: ReadonlyArray<number>): number => {
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

/** The exponent of the smallest number, negated: every number is a whole number of such units. */
const unitBits = 1_074

const view = new DataView(new ArrayBuffer(8))

/** A number in units of the smallest one. */
const unitsOf = (number: number): bigint => {
  view.setFloat64(0, number)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const units = exponent === 0n ? fraction : (fraction | 0x10000000000000n) << (exponent - 1n)
  return number < 0 ? -units : units
}

/** The same as `nearest` for numbers and for huge ones together. */
const nearestOf = (parts: ReadonlyArray<number>, huge: ReadonlyArray<number>): number => {
  let units = 0n
  for (const part of parts) units += unitsOf(part)
  for (const part of huge) units += unitsOf(part) << hugeBits
  const size = units < 0n ? -units : units
  // The rounding depends on the digits below the first 64 only by whether there are any.
  const cut = Math.max(0, size.toString(2).length - 64)
  const kept = size >> BigInt(cut)
  const isExact = kept << BigInt(cut) === size
  const rounded = Number(isExact ? kept : kept | 1n)
  const value = rounded * 2 ** (cut - unitBits)
  if (!Number.isFinite(value)) throw new RangeError("the sum is larger than a number can be")
  return units < 0n ? -value : value
}
