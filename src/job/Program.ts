/**
 * Programs: their definition, and what can be asked of one with a context at hand.
 *
 * Boundary: the public names. program/Program.ts defines programs, and program/compile.ts makes outputs.
 */
import type { JobContext } from "../context/JobContext.ts"
import { outputFrom, seesOf } from "../program/compile.ts"
import { compiledOf } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import { InvalidOptions } from "../values/InvalidOptions.ts"

export { isProgram, make, warnings } from "../program/Program.ts"
export type { Migration, Program, StoredFact } from "../program/Program.ts"

/**
 * The output of a program on a context of one of its jobs, also of a job that did not converge: `error.partial.context`, or that
 * of `Journal.replay`. Neither invariants nor the budget are looked at. `view.cycle` is 0.
 *
 * @throws InvalidOptions for a context of another program
 * @throws the error of the program's own function, and an error that says why the output does not fit its schema
 */
export const output = <P extends Program.Any>(program: P, context: JobContext): Program.Output<P> => {
  const compiled = compiledOf(program)
  if (context.program !== compiled.name) {
    const found = JSON.stringify(context.program)
    const message = `Program.output: the context is of the program ${found}, not of ${JSON.stringify(compiled.name)}`
    throw new InvalidOptions({ of: "Program.output", option: "context", message })
  }
  return outputFrom(compiled, (body) => context.read(seesOf(compiled, "output"), body)).output
}
