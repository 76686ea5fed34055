/**
 * The budget of one evaluation: counted work, never time, so that every thread stops at the same place.
 *
 * A step is one move of the machine, or one node that a match, a copy, a comparison or a print visits: a single comparison of
 * two huge atoms cannot escape the count.
 */

/** The limits of one evaluation. */
export interface Limits {
  readonly steps: number
  /** Evaluations that wait for a part of theirs, and alternatives that were not tried yet, each. */
  readonly depth: number
}

export const defaultLimits: Limits = { steps: 20_000_000, depth: 250_000 }

/** The longest text that a result may have, in characters: a small atom that shares its parts can print without end. */
export const resultCharacters = 4_000_000

/** An evaluation that reached a limit. */
export class LimitReached extends Error {
  readonly limit: "StepLimit" | "DepthLimit" | "SizeLimit"
  readonly most: number

  constructor(limit: LimitReached["limit"], most: number) {
    super(`${limit} ${most}`)
    this.limit = limit
    this.most = most
  }
}

/** The steps of the evaluation under way on this thread. An evaluation is synchronous, so there is one at a time. */
export const work = { steps: 0, most: Number.POSITIVE_INFINITY }

/** Counts steps, and throws `LimitReached` at the limit. */
export const count = (steps: number): void => {
  work.steps += steps
  if (work.steps > work.most) throw new LimitReached("StepLimit", work.most)
}

/** Begins to count from zero. */
export const beginWork = (most: number): void => {
  work.steps = 0
  work.most = most
}
