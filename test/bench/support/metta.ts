/** Programs of MeTTa for benchmarks: evaluations of a given length, and the machine without a job. */
import { beginWork } from "../../../docs/examples/metta/budget.ts"
import { evaluateIn } from "../../../docs/examples/metta/machine.ts"
import { parseAtom, parseAtoms } from "../../../docs/examples/metta/parse.ts"
import { print } from "../../../docs/examples/metta/print.ts"
import { metta } from "../../../docs/examples/metta/program.ts"
import { World } from "../../../docs/examples/metta/world.ts"
import { Engine } from "../converge.ts"
import { type LiveEngine, timed } from "./engine.ts"

/** A world with these definitions. */
export const worldWith = (definitions: string): World => {
  const world = new World()
  beginWork(Number.POSITIVE_INFINITY)
  for (const { atom, ...origin } of parseAtoms(definitions)) world.define(atom, origin)
  return world
}

/** Evaluates an atom in a world, and answers the milliseconds and the results. */
export const evaluated = (world: World, text: string): readonly [ms: number, results: ReadonlyArray<string>] => {
  const began = performance.now()
  const limits = { steps: 1_000_000_000, depth: 1_000_000 }
  const { found } = evaluateIn(world, parseAtom(text, world.meaning), { limits, origin: { line: 1, column: 1 } })
  return [performance.now() - began, found.map(({ atom }) => print(atom))]
}

/** Runs a program on an engine, and answers the milliseconds and the results of all evaluations. */
export const runText = async (
  engine: LiveEngine,
  text: string
): Promise<readonly [ms: number, lines: ReadonlyArray<ReadonlyArray<string>>]> => {
  const [ms, { output }] = await timed(() => engine.run(Engine.run(metta, { text, maxSteps: 1_000_000_000 })))
  return [ms, output.map(({ results }) => results)]
}

const spin = "(= (spin $n) (if (== $n 0) done (spin (- $n 1))))"

let turnsPerMs: number | undefined

/** The turns of a loop that an evaluation makes in a millisecond: the best of some runs of a warm machine. */
const calibrated = (): number => {
  if (turnsPerMs !== undefined) return turnsPerMs
  const world = worldWith(spin)
  const turns = 50_000
  const times = Array.from({ length: 8 }, () => evaluated(world, `(spin ${turns})`)[0])
  turnsPerMs = turns / Math.min(...times)
  return turnsPerMs
}

/** A program of some evaluations, each of about a length. */
export const evaluations = (count: number, us: number, isTiny: boolean): string => {
  const turns = isTiny ? 10 : Math.round((calibrated() * us) / 1_000)
  const one = us <= 1 ? "!(+ 1 2)" : `!(spin ${turns})`
  return `${spin}\n${`${one}\n`.repeat(count)}`
}
