/**
 * Long work in steps: a generator that yields where it may be put aside. Boundary: nothing here waits; slices.ts does.
 */

/** Runs a generator of steps to its end at once. */
export const runSteps = <A>(steps: Generator<void, A>): A => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
