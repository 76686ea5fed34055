/** Runs programs one statement after the other, without a job: what a job has to agree with. */
import { beginWork, LimitReached, type Limits, work } from "../../../docs/examples/metta/budget.ts"
import { evaluateIn } from "../../../docs/examples/metta/machine.ts"
import { parseAtom, parseProgram } from "../../../docs/examples/metta/parse.ts"
import { print } from "../../../docs/examples/metta/print.ts"
import { World } from "../../../docs/examples/metta/world.ts"

/** The results of each evaluation of a program, in order. */
export const run = (
  text: string,
  limits: Limits = { steps: 10_000_000, depth: 250_000 }
): Array<ReadonlyArray<string>> => {
  const { statements, fault } = parseProgram(text)
  if (fault !== undefined) throw new SyntaxError(`line ${fault.line}, column ${fault.column}: ${fault.message}`)
  const world = new World()
  const lines: Array<ReadonlyArray<string>> = []
  for (const { start, end, isEvaluated, ...origin } of statements) {
    beginWork(Number.POSITIVE_INFINITY)
    const atom = parseAtom(text.slice(start, end), world.meaning)
    if (!isEvaluated) {
      world.define(atom, origin)
      continue
    }
    try {
      lines.push(evaluateIn(world, atom, { limits, origin, mayChange: true }).found.map((found) => print(found.atom)))
      world.keep()
    } catch (error) {
      if (!(error instanceof LimitReached)) throw error
      world.undo()
      lines.push([`(Error ${text.slice(start, end)} (${error.limit} ${error.most}))`])
    }
  }
  return lines
}

/** The results of the only evaluation of a program. */
export const results = (text: string): ReadonlyArray<string> => {
  const lines = run(text)
  if (lines.length !== 1) throw new Error(`this program has ${lines.length} evaluations`)
  return lines[0] ?? []
}

/** The results of all evaluations, those of assertions that hold left out: `[]` where every assertion holds. */
export const faults = (text: string): ReadonlyArray<string> =>
  run(text)
    .flat()
    .filter((result) => result !== "()")

/** The steps that the last evaluation on this thread took. */
export const steps = (): number => work.steps
