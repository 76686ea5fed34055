/**
 * Long work in steps, so that the event loop has its turns (SL1).
 *
 * Such work is a cursor: an object that does a stretch of it, and says whether it is done. The algorithm stands there, once;
 * callers decide how much is done at a time. Most work is short and done by its first stretch, at once. Only what is left
 * after that goes on in a generator, which costs more than a small effect does.
 *
 * Boundary: nothing here waits; platform/slices.ts does.
 */

/**
 * Tuning: parts of work in one step, where a part takes about a microsecond: a fact is validated, merged or read. Asking
 * whether the slice is over, once for each step, then costs less than one part in a hundred.
 */
export const stepSize = 64

/** Tuning: as `stepSize`, where a part takes a tenth of that: a fact is gathered, pruned, or written as text. */
export const lightStepSize = 512

/** Work that is done a stretch at a time. */
export interface Cursor<out A> {
  /** Does up to so many parts of the work; whether all of it is done. */
  step(parts: number): boolean
  /** What the work came to, once it is done. */
  readonly result: A
}

/** What work came to, or the steps that are left of it. */
export type InSteps<A> = A | Generator<void, A>

/** Does the first step of the work at once. A step has so many `parts`. */
export const inSteps = <A>(work: Cursor<A>, parts = stepSize): InSteps<A> =>
  work.step(parts) ? work.result : stepsLeft(work, parts)

/** Goes on with work whose first step was not all of it. */
export function* stepsLeft<A>(work: Cursor<A>, parts = stepSize): Generator<void, A> {
  do yield
  while (!work.step(parts))
  return work.result
}

/** Whether there are steps left. */
export const isUnderWay = <A extends object>(work: InSteps<A>): work is Generator<void, A> => "next" in work

/** Runs a generator of steps to its end at once. */
export const runSteps = <A>(steps: Generator<void, A>): A => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
