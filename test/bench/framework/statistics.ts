/** Medians and quantiles. Boundary: numbers only. */

/** A middle and its spread. */
export interface Summary {
  readonly median: number
  readonly p10: number
  readonly p90: number
}

/** A quantile of numbers, between neighbours if it falls there. NaN of nothing. */
export const quantile = (numbers: ReadonlyArray<number>, q: number): number => {
  const sorted = [...numbers].sort((a, b) => a - b)
  if (sorted.length === 0) return Number.NaN
  const place = (sorted.length - 1) * q
  const low = Math.floor(place)
  const high = Math.ceil(place)
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (place - low)
}

export const median = (numbers: ReadonlyArray<number>): number => quantile(numbers, 0.5)

/**
 * Where the median of the numbers' distribution lies, with a confidence of at least 95 %: two of the numbers, by the sign
 * test, which assumes nothing of the distribution. Null for fewer than six numbers, which cannot say it.
 */
export const medianInterval = (numbers: ReadonlyArray<number>): readonly [number, number] | null => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const count = sorted.length
  // The probability that at most `place` of the numbers are below the median: the lower tail of a binomial distribution.
  let term = 0.5 ** count
  let tail = term
  let place = -1
  while (tail <= 0.025) {
    place++
    term *= (count - place) / (place + 1)
    tail += term
  }
  return place < 0 ? null : [sorted[place]!, sorted[count - 1 - place]!]
}

export const summarise = (numbers: ReadonlyArray<number>): Summary => ({
  median: median(numbers),
  p10: quantile(numbers, 0.1),
  p90: quantile(numbers, 0.9)
})
