/**
 * The work that CPU tasks do, the same source for every contender. Each step depends on the one before and the last one
 * is the result, so no compiler can leave any of it out.
 */

/** One step of a linear congruential generator: a trivial task. */
export const step = (value: number): number => (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0

const loop = (steps: number, value: number): number => {
  let current = value
  for (let i = 0; i < steps; i++) current = (Math.imul(current, 1_664_525) + 1_013_904_223) >>> 0
  return current
}

/**
 * Some number of steps: a task of any length. Called in a way that the compiler does not inline, since Node 24's makes a
 * hot loop that it inlined into a small function ten times slower (benchmark maglev): no figure should depend on
 * whether that has happened yet.
 */
export const spin = (steps: number, value: number): number => Reflect.apply(loop, undefined, [steps, value])

/** The same for the benchmark that is about the trap: a helper that a compiler may inline into its caller. */
export const helper = (steps: number, value: number): number => {
  let current = value
  for (let i = 0; i < steps; i++) current = (Math.imul(current, 1_664_525) + 1_013_904_223) >>> 0
  return current
}
