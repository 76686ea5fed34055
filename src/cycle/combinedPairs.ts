/**
 * The pairs of values that the combining function of each kind has combined in a job, by which the engine knows what to check.
 *
 * The first pairs of a kind are all checked, and later ones now and then: a check is a further call of the function. Nothing but
 * the count decides, so that every run of a job finds the same. Boundary: a count for each kind.
 */

/** Tuning: the pairs of a kind that are all checked, and the distance between those that are checked after them. */
const first = 1_024
const distance = 64

/**
 * The number of combined pairs by kind, which is endless for a kind whose function was found not to be commutative; and the kinds
 * of which a value was proposed again before any pair.
 */
export class CombinedPairs {
  readonly #counts = new Map<string, number>()
  readonly #repeated = new Set<string>()

  /** The kinds of which an equal value was met. */
  get repeated(): ReadonlySet<string> {
    return this.#repeated
  }

  /** Whether two proposals of a kind have met for one fact, equal or not. */
  hasMet(kind: string): boolean {
    return this.#repeated.has(kind) || this.#counts.has(kind)
  }

  /** Notes that a value of a kind was proposed again. */
  repeat(kind: string): void {
    this.#repeated.add(kind)
  }

  /** Takes such a note back. */
  forget(kind: string): void {
    this.#repeated.delete(kind)
  }

  /** The number of pairs that a kind has combined. */
  of(kind: string): number {
    return this.#counts.get(kind) ?? 0
  }

  add(kind: string, pairs: number): void {
    this.#counts.set(kind, this.of(kind) + pairs)
  }

  /** Notes that a kind's function is not commutative: once is enough. */
  settle(kind: string): void {
    this.#counts.set(kind, Infinity)
  }

  /** Takes over what an earlier run of the job combined. */
  take(earlier: CombinedPairs): void {
    for (const [kind, pairs] of earlier) this.#counts.set(kind, pairs)
    for (const kind of earlier.repeated) this.#repeated.add(kind)
  }

  /** Sets a count back to an earlier one. */
  restore(kind: string, count: number): void {
    if (count === 0) this.#counts.delete(kind)
    else this.#counts.set(kind, count)
  }

  [Symbol.iterator](): Iterator<readonly [kind: string, pairs: number]> {
    return this.#counts.entries()
  }
}

/** Whether a kind's function is checked on its next pair, after so many. */
export const isCheckedAfter = (pairs: number): boolean => pairs < first || pairs % distance === 0
