/**
 * Long work in steps, so that the event loop has its turns (SL1).
 *
 * Such work is a cursor: an object that does a stretch of the work, and returns whether it is done. The cursor has the only copy
 * of the algorithm, and callers decide the length of a stretch. The first stretch completes most work at once. The rest
 * continues in a generator, which costs more than a small effect.
 *
 * Boundary: nothing here waits; platform/slices.ts does.
 */

/**
 * Tuning: parts of work in one step, for parts of about a microsecond, such as validating, merging or reading a fact. The check
 * for the end of the slice, once a step, then costs less than one part in a hundred.
 */
export const stepSize = 64

/** Tuning: like `stepSize`, for parts of a tenth of that time, such as gathering, pruning or writing a fact. */
export const lightStepSize = 512

/** Work that is done a stretch at a time. */
export interface Cursor<out A> {
  /** Does up to `parts` parts of the work. Returns whether all of it is done. */
  step(parts: number): boolean
  /** The result of the work, once it is done. */
  readonly result: A
}

/** The result of work, or its remaining steps. */
export type InSteps<A> = A | Generator<void, A>

/** Does the first step of the work at once. A step has up to `parts` parts. */
export const inSteps = <A>(work: Cursor<A>, parts = stepSize): InSteps<A> =>
  work.step(parts) ? work.result : stepsLeft(work, parts)

/** Continues work that its first step did not complete. */
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
