/** The advice of checks where a program gives something else: what is most likely wrong, and what to do. Boundary: pure. */
import { compiledOf } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"

/** Whether the agent of this name keeps its answers (`memoize`). */
export const memoizes = (programs: ReadonlyArray<Program.Any>, agent: string): boolean =>
  programs.some((program) => compiledOf(program).agents.some(({ memoize, name }) => name === agent && memoize))

/** For a task that ran out of time only under load. */
export const tooShort = "Its timeout is too short for a machine under load: give it more time"

/** For what a second run in the same process gives otherwise. */
export const outlives =
  "It goes by a clock or a source of randomness, or by state that outlives a run, such as a variable of the module: take the time " +
  "and random values from the input, and keep state in facts"

/** For an agent whose cycle runs again after a kill. */
export const runsAgain = (isMemoized: boolean): string =>
  isMemoized
    ? "an answer that was not kept yet when the process died is asked for again, so `memoize` alone does not give the same: ask by a " +
      "key that follows from the fact, or take from the answer only what is the same each time"
    : "a cycle that was not committed runs again, and has to give the same again: an agent that cannot do so needs `memoize`"

/** For a handler that gave another answer, or was too late. */
export const calledAgain =
  "A handler is called again with the same idempotency key when its process dies before its answer is kept: it has to give the same " +
  "answer again, within its timeout"
