/**
 * A scale of time on which long rests are short, so that the work beside them can be seen. Boundary: pure; times to places, and
 * back. Places are in milliseconds of work: they grow with time, and only differences of them mean something.
 */
import type { Timeline } from "./timelineModel.ts"

/** A part of time that is shortened. */
interface Fold {
  readonly from: number
  readonly to: number
  /** Milliseconds of work that it is as long as. */
  readonly length: number
}

/** Tuning: a shortened rest is this part of the time of all work, and all of them together are at most as long as that. */
const partOfWork = 0.08

const spanOf = ({ from, to }: Pick<Fold, "from" | "to">): number => to - from

/** The rests that are longer than a shortened one. */
const foldsOf = ({ from, rests, to: end }: Timeline): ReadonlyArray<Fold> => {
  const spans = rests.map(({ from: begin, to }) => ({ from: begin, to: to ?? end }))
  const work = spans.reduce((left, rest) => left - spanOf(rest), end - from)
  const length = work * Math.min(partOfWork, 1 / spans.length)
  return length <= 0 ? [] : spans.filter((rest) => spanOf(rest) > length).map((rest) => ({ ...rest, length }))
}

/** Whether the rests take so much of a timeline that its work is better seen with short ones. */
export const isMostlyRest = (timeline: Timeline): boolean =>
  foldsOf(timeline).reduce((sum, rest) => sum + spanOf(rest), 0) > (timeline.to - timeline.from) / 3

/** Whether a timeline has rests that could be shortened. */
export const hasFolds = (timeline: Timeline): boolean => foldsOf(timeline).length > 0

export class Scale {
  readonly folds: ReadonlyArray<Fold>
  /** The places of the beginnings of folds. */
  readonly #places: ReadonlyArray<number>
  /** The fold of the last time that was asked for: the next one mostly lies near it. */
  #last = -1

  constructor(timeline: Timeline, isShortened: boolean) {
    this.folds = isShortened ? foldsOf(timeline) : []
    let taken = 0
    this.#places = this.folds.map((fold) => {
      const place = fold.from - taken
      taken += spanOf(fold) - fold.length
      return place
    })
  }

  /** The place of a time. */
  placeOf(ms: number): number {
    if (this.folds.length === 0) return ms
    const index = this.#foldUpTo(ms)
    const fold = this.folds[index]
    if (fold === undefined) return ms
    const within = ms < fold.to ? ((ms - fold.from) / spanOf(fold)) * fold.length : ms - fold.to + fold.length
    return this.#places[index]! + within
  }

  /** The index of the last fold that begins up to a time; -1 if there is none. */
  #foldUpTo(ms: number): number {
    const { folds } = this
    const [last, next] = [folds[this.#last], folds[this.#last + 1]]
    const isSame = (last === undefined || last.from <= ms) && (next === undefined || ms < next.from)
    if (!isSame) this.#last = lastUpTo(folds.length, (at) => folds[at]!.from <= ms)
    return this.#last
  }

  /** The time of a place. */
  timeAt(place: number): number {
    const index = lastUpTo(this.folds.length, (at) => this.#places[at]! <= place)
    const fold = this.folds[index]
    if (fold === undefined) return place
    const within = place - this.#places[index]!
    return within < fold.length ? fold.from + (within / fold.length) * spanOf(fold) : fold.to + within - fold.length
  }
}

/** The last of so many indexes up to which something holds; -1 if it does not hold for the first. */
const lastUpTo = (count: number, holds: (index: number) => boolean): number => {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(middle)) low = middle + 1
    else high = middle
  }
  return low - 1
}
