/** Work that can rest, done without a rest. Boundary: pure. */

/** Gives the result of work that yields where it could rest. */
export const atOnce = <A>(work: Generator<unknown, A>): A => {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}
