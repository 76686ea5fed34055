/** Contenders that walk a graph: a job with a join, and a plain loop. Boundary: composition. */
import * as Effect from "effect/Effect"
import { Engine } from "../converge.ts"
import type { Contender } from "../framework/definition.ts"
import { type closure, type Graph, linksOf } from "../programs/graph.ts"
import { startEngine, timed } from "./engine.ts"

/** A job of a program, on the main thread. */
export const jobOf = (program: typeof closure, graphOf: (isTiny: boolean) => Graph): Contender => ({
  name: "ours",
  about: "a job with one `Agent.join`, inline, from its seeds to its result; every fact has its two reasons",
  start: (isTiny) => {
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
})

/** A plain loop over the same links. */
export const loopOf = (
  loop: (links: ReturnType<typeof linksOf>) => number,
  graphOf: (isTiny: boolean) => Graph
): Contender => ({
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
