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

export const summarise = (numbers: ReadonlyArray<number>): Summary => ({
  median: median(numbers),
  p10: quantile(numbers, 0.1),
  p90: quantile(numbers, 0.9)
})
