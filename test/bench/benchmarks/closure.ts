/** The transitive closure of a random graph, by a join: about a million pairs. */
import { type Benchmark, count, ratio } from "../framework/definition.ts"
import { closure, filteredClosure, plainClosure, prologClosure } from "../programs/graph.ts"
import { jobOf, loopOf, prologOf, smallJobsOf } from "../support/joins.ts"

const graph = { nodes: 2_000, edges: 2_800 }
const graphOf = (isTiny: boolean) => (isTiny ? { nodes: 50, edges: 70 } : graph)
/** The same density. Filtering costs the product of pairs and edges, so it would take many minutes on the other graph. */
const smallGraph = { nodes: 200, edges: 280 }
const smallGraphOf = (isTiny: boolean) => (isTiny ? { nodes: 30, edges: 42 } : smallGraph)

export const benchmark: Benchmark = {
  name: "closure",
  title: "The transitive closure of a graph, by a join",
  measures: [
    `A random graph of ${count(graph.nodes)} nodes and ${count(graph.edges)} edges, whose closure has about a million pairs. Each pair is a fact with its provenance, hashed and logged. The plain loop keeps each pair under a name as long as the fact's id.`,
    `The job without a join is measured beside a job with one on a graph of ${count(smallGraph.nodes)} nodes and ${count(smallGraph.edges)} edges, because its cost is the product of pairs and edges.`
  ],
  notMeasured: "A join on workers; a store; memory. Prolog's facts have no reasons, no hash and no log.",
  rounds: 3,
  warmups: 1,
  metrics: { job: { title: "the whole job", unit: "ms" } },
  contenders: [
    jobOf(closure, graphOf),
    loopOf(plainClosure, graphOf),
    prologOf(prologClosure, graphOf),
    ...smallJobsOf(closure, filteredClosure as unknown as typeof closure, smallGraphOf)
  ],
  figures: [
    {
      name: "closure/over-plain",
      title: "our job / the plain loop",
      unit: "ratio",
      better: "lower",
      bar: 8,
      aim: 4,
      ofRound: ratio("ours", "plain", "job")
    },
    {
      name: "closure/over-prolog",
      title: "our job / SWI-Prolog",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("ours", "prolog", "job")
    },
    {
      name: "closure/filter-over-join",
      title: "a job that filters all edges / a job with a join, on the small graph",
      unit: "ratio",
      better: "higher",
      ofRound: ratio("filter-small", "ours-small", "job")
    }
  ]
}
