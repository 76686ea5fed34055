/** The nodes of a random graph that can be reached from one of them, by a join. */
import { type Benchmark, count, ratio } from "../framework/definition.ts"
import {
  type closure,
  filteredReachability,
  plainReachability,
  prologReachability,
  reachability
} from "../programs/graph.ts"
import { jobOf, loopOf, prologOf, smallJobsOf } from "../support/joins.ts"

const graph = { nodes: 17_824, edges: 50_000 }
const graphOf = (isTiny: boolean) => (isTiny ? { nodes: 178, edges: 500 } : graph)
/** The same density. The cost of filtering is a product of nodes and edges, so it would take a minute on the other graph. */
const smallGraph = { nodes: 1_782, edges: 5_000 }
const smallGraphOf = (isTiny: boolean) => (isTiny ? { nodes: 89, edges: 250 } : smallGraph)

// The programs are alike in all that a contender uses.
const joined = reachability as unknown as typeof closure
const filtered = filteredReachability as unknown as typeof closure

export const benchmark: Benchmark = {
  name: "reachability",
  title: "The nodes of a graph that can be reached, by a join",
  measures: [
    `A random graph of ${count(graph.nodes)} nodes and ${count(graph.edges)} edges, from one of its nodes. Each edge is a fact, and so is each node that is reached. A job is timed from its start to its result, with the seeds.`,
    `The job without a join is measured beside a job with one on a graph of ${count(smallGraph.nodes)} nodes and ${count(smallGraph.edges)} edges, because its cost is the product of both.`
  ],
  notMeasured: "A join on workers; a store. Prolog's facts have no reasons, no hash and no log.",
  missed:
    "Three of four facts are seeds: each is validated, encoded, named, hashed and put into the ledger, while the plain loop only pushes a text into an array. The join itself is the smaller part. The bulk path of seeds and merges has to become cheaper.",
  rounds: 9,
  warmups: 2,
  metrics: { job: { title: "the whole job", unit: "ms" } },
  contenders: [
    jobOf(joined, graphOf),
    loopOf(plainReachability, graphOf),
    prologOf(prologReachability, graphOf),
    ...smallJobsOf(joined, filtered, smallGraphOf)
  ],
  figures: [
    {
      name: "reachability/over-plain",
      title: "our job / the plain loop",
      unit: "ratio",
      better: "lower",
      bar: 12,
      aim: 6,
      ofRound: ratio("ours", "plain", "job")
    },
    {
      name: "reachability/over-prolog",
      title: "our job / SWI-Prolog",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("ours", "prolog", "job")
    },
    {
      name: "reachability/filter-over-join",
      title: "a job that filters all edges / a job with a join, on the small graph",
      unit: "ratio",
      better: "higher",
      ofRound: ratio("filter-small", "ours-small", "job")
    }
  ]
}
