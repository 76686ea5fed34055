/** The nodes of a random graph that can be reached from one of them, by a join. */
import { type Benchmark, count, ratio } from "../framework/definition.ts"
import { type closure, plainReachability, reachability } from "../programs/graph.ts"
import { jobOf, loopOf } from "../support/joins.ts"

const graph = { nodes: 17_824, edges: 50_000 }
const graphOf = (isTiny: boolean) => (isTiny ? { nodes: 178, edges: 500 } : graph)

export const benchmark: Benchmark = {
  name: "reachability",
  title: "The nodes of a graph that can be reached, by a join",
  measures: `A random graph of ${count(graph.nodes)} nodes and ${count(graph.edges)} edges, from one of its nodes. Each edge is a fact, and so is each node that is reached. A job is timed from its start to its result, with the seeds.`,
  notMeasured: "A join on workers; a store.",
  missed:
    "Three of four facts are seeds: each is validated, encoded, named, hashed and put into the ledger, while the plain loop only pushes a text into an array. The join itself is the smaller part. The bulk path of seeds and merges has to become cheaper.",
  rounds: 9,
  warmups: 2,
  metrics: { job: { title: "the whole job", unit: "ms" } },
  // The two programs are alike in all that a contender uses.
  contenders: [jobOf(reachability as unknown as typeof closure, graphOf), loopOf(plainReachability, graphOf)],
  figures: [
    {
      name: "reachability/over-plain",
      title: "our job / the plain loop",
      unit: "ratio",
      better: "lower",
      bar: 12,
      aim: 6,
      ofRound: ratio("ours", "plain", "job")
    }
  ]
}
