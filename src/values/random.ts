/**
 * Numbers that look random and follow from a seed, for orders that can be tried again.
 *
 * Boundary: a pure function; not for secrets.
 */

/** Gives a whole number from 0 up to, but not including, a limit. */
export type Random = (below: number) => number

/** A generator of numbers that starts from a seed (mulberry32). */
export const randomOf = (seed: number): Random => {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** The items in another order (Fisher-Yates). */
export const shuffle = <A>(items: ReadonlyArray<A>, random: Random): ReadonlyArray<A> => {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = random(last + 1)
    const item = shuffled[last]!
    shuffled[last] = shuffled[other]!
    shuffled[other] = item
  }
  return shuffled
}
