/** Randomness that a seed decides, for orders and delays. */

export interface Random {
  /** A whole number of at least 0 and below `limit`. */
  readonly below: (limit: number) => number
  /** A copy in an order of its own. */
  readonly shuffle: <A>(items: ReadonlyArray<A>) => ReadonlyArray<A>
}

/** The generator "mulberry32". */
export const randomOf = (seed: number): Random => {
  let state = (seed * 0x9e3779b1) >>> 0
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * limit) | 0
  }
  const shuffle = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> => {
    const copy = [...items]
    for (let last = copy.length - 1; last > 0; last--) {
      const other = below(last + 1)
      const item = copy[last] as A
      copy[last] = copy[other] as A
      copy[other] = item
    }
    return copy
  }
  return { below, shuffle }
}
