/** The transitive closure of a random graph, by a join: about a million pairs. */
import { type Benchmark, count, ratio } from "../framework/definition.ts"
import { closure, plainClosure } from "../programs/graph.ts"
import { jobOf, loopOf } from "../support/joins.ts"

const graph = { nodes: 2_000, edges: 2_800 }
const graphOf = (isTiny: boolean) => (isTiny ? { nodes: 50, edges: 70 } : graph)

export const benchmark: Benchmark = {
  name: "closure",
  title: "The transitive closure of a graph, by a join",
  measures: `A random graph of ${count(graph.nodes)} nodes and ${count(graph.edges)} edges, whose closure has about a million pairs. Each pair is a fact with its provenance, hashed and logged. The plain loop keeps each pair under a name as long as the fact's id.`,
  notMeasured: "A join on workers; a store; memory.",
  rounds: 3,
  warmups: 1,
  metrics: { job: { title: "the whole job", unit: "ms" } },
  contenders: [jobOf(closure, graphOf), loopOf(plainClosure, graphOf)],
  figures: [
    {
      name: "closure/over-plain",
      title: "our job / the plain loop",
      unit: "ratio",
      better: "lower",
      bar: 8,
      aim: 4,
      ofRound: ratio("ours", "plain", "job")
    }
  ]
}
