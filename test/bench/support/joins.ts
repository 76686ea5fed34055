/** Contenders that walk a graph: jobs with a join and without, a plain loop, and Prolog. Boundary: composition. */
import * as Effect from "effect/Effect"
import { Engine } from "../converge.ts"
import type { Contender } from "../framework/definition.ts"
import { prologMissing, startProlog } from "../framework/prolog.ts"
import { type closure, type Graph, linksOf } from "../programs/graph.ts"
import { startEngine, timed } from "./engine.ts"

type GraphOf = (isTiny: boolean) => Graph
type Links = ReturnType<typeof linksOf>

/** The problem that the contenders of a small graph compute. */
const small = "a small graph"

const startJob = (program: typeof closure, graphOf: GraphOf) => (isTiny: boolean) => {
  const engine = startEngine()
  const graph = graphOf(isTiny)
  return Promise.resolve({
    round: async () => {
      const [job, result] = await timed(() =>
        engine.run(Effect.map(Engine.run(program, graph), ({ output }) => output))
      )
      return { values: { job }, result }
    },
    stop: engine.stop
  })
}

/** A job of a program, on the main thread. */
export const jobOf = (program: typeof closure, graphOf: GraphOf): Contender => ({
  name: "ours",
  about: "a job with one `Agent.join`, inline, from its seeds to its result; every fact has its two reasons",
  start: startJob(program, graphOf)
})

/** The same job on a small graph, and beside it one whose agent has `each` and filters all edges: its cost is a product. */
export const smallJobsOf = (
  joined: typeof closure,
  filtered: typeof closure,
  graphOf: GraphOf
): ReadonlyArray<Contender> => [
  { name: "ours-small", about: "the same job on a small graph", computes: small, start: startJob(joined, graphOf) },
  {
    name: "filter-small",
    about: "a job without a join on the small graph: an agent with `each` calls `view.all(Edge).filter(...)`",
    computes: small,
    start: startJob(filtered, graphOf)
  }
]

/** A plain loop over the same links. */
export const loopOf = (loop: (links: Links) => number, graphOf: GraphOf): Contender => ({
  name: "plain",
  about: "a semi-naive loop over maps and sets, without facts",
  start: (isTiny) => {
    const graph = graphOf(isTiny)
    return Promise.resolve({
      round: async () => {
        const links = linksOf(graph)
        const [job, result] = await timed(() => Promise.resolve(loop(links)))
        return { values: { job }, result }
      }
    })
  }
})

/** The same by tabling in a process of SWI-Prolog, which takes the time itself: from adding the edges to the count. */
export const prologOf = (programOf: (links: Links) => string, graphOf: GraphOf): Contender => ({
  name: "prolog",
  about: "SWI-Prolog, by tabling, without reasons; it adds the edges to its database and counts what follows",
  missing: prologMissing,
  start: (isTiny) => {
    const prolog = startProlog(programOf(linksOf(graphOf(isTiny))))
    return Promise.resolve({
      round: async () => {
        const [result, job] = (await prolog.ask("round")).split(" ").map(Number)
        if (result === undefined || job === undefined) throw new Error("swipl gave no time")
        return { values: { job }, result }
      },
      stop: prolog.stop
    })
  }
})
