/** A match of a pattern in a large space. */
import { type Benchmark, count, value } from "../framework/definition.ts"
import { evaluated, worldWith } from "../support/metta.ts"

const atoms = 1_000_000
const sizeOf = (isTiny: boolean): number => (isTiny ? 1_000 : atoms)

/** Matches of a round. */
const matches = 200

/** Edges from each of many nodes, and as many other facts: a quarter of the atoms have each head. */
const definitions = function* (size: number): Generator<string> {
  for (let i = 0; i < size; i += 4)
    yield `(edge n${i} n${i + 1}) (weight n${i} ${i}) (label (node n${i}) "${i}") (group n${i % 1_000} n${i})`
}

export const benchmark: Benchmark = {
  name: "metta-space",
  title: `A match in a space of ${count(atoms)} atoms`,
  measures: `A space of ${count(atoms)} atoms is asked ${matches} patterns a round whose head and first argument are known, each of which one atom matches. The figure is the mean time of an evaluation of such a match. The index is made in the warm-up.`,
  notMeasured: "How long it takes to read the atoms, or to make the index; patterns whose first argument is unknown.",
  rounds: 5,
  warmups: 1,
  metrics: { match: { title: "one match", unit: "ms" } },
  contenders: [
    {
      name: "ours",
      about: "the space of docs/examples/metta",
      start: async (isTiny) => {
        const size = sizeOf(isTiny)
        const world = worldWith([...definitions(size)].join("\n"))
        return {
          round: async () => {
            const results: Array<string> = []
            let sum = 0
            for (let i = 0; i < matches; i++) {
              const node = Math.floor(((i + 0.5) * size) / matches / 4) * 4
              const [ms, found] = evaluated(
                world,
                `(match &self (, (edge n${node} $to) (weight n${node} $w)) ($to $w))`
              )
              sum += ms
              results.push(...found)
            }
            return { values: { match: sum / matches }, result: results }
          }
        }
      }
    }
  ],
  figures: [
    {
      name: "metta-space/match",
      title: "a match of two patterns whose first arguments are known",
      unit: "ms",
      better: "lower",
      bar: 1,
      aim: 0.1,
      ofRound: value("ours", "match")
    }
  ]
}
