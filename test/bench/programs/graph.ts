/** Programs that walk a random graph with a join, and the same by a plain semi-naive loop. Workers load this module. */
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../converge.ts"

export interface Graph {
  readonly nodes: number
  readonly edges: number
}

type Link = readonly [from: string, to: string]

const made = new Map<string, ReadonlyArray<Link>>()

/** Different links of a random graph: the same for the same numbers. They are made once, since they are not the work. */
export const linksOf = (graph: Graph): ReadonlyArray<Link> => {
  const name = `${graph.nodes}/${graph.edges}`
  const links = made.get(name) ?? makeLinks(graph)
  made.set(name, links)
  return links
}

const makeLinks = ({ edges, nodes }: Graph): ReadonlyArray<Link> => {
  let state = 7
  const random = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  const links = new Map<string, Link>()
  while (links.size < edges) {
    const [from, to] = [random(nodes), random(nodes)]
    links.set(`${from}>${to}`, [`n${from}`, `n${to}`])
  }
  return [...links.values()]
}

const graph = Schema.Struct({ nodes: Schema.Int, edges: Schema.Int })

const Edge = Fact.kind("Edge", {
  schema: Schema.Struct({ from: Schema.String, to: Schema.String }),
  id: ({ from, to }) => `${from}>${to}`
})

const Reached = Fact.kind("Reached", { schema: Schema.Struct({ node: Schema.String }), id: ({ node }) => node })

const Path = Fact.kind("Path", {
  schema: Schema.Struct({ from: Schema.String, to: Schema.String }),
  id: ({ from, to }) => `${from}>${to}`
})

const edgesOf = (links: Graph) => linksOf(links).map(([from, to]) => Edge.of({ from, to }))

/** The nodes that can be reached from the first one. */
export const reachability = Program.make("reachability", {
  module: import.meta.url,
  input: graph,
  seed: (links) => [...edgesOf(links), Reached.of({ node: "n0" })],
  agents: [
    Agent.join("step", {
      left: [Reached, ({ node }) => node],
      right: [Edge, ({ from }) => from],
      writes: [Reached],
      execute: (_, edge) => ({ facts: [Reached.of({ node: edge.value.to })] })
    })
  ],
  output: (view) => view.size(Reached)
})

/** The pairs of nodes with a path between them. */
export const closure = Program.make("closure", {
  module: import.meta.url,
  input: graph,
  seed: (links) => [...edgesOf(links), ...linksOf(links).map(([from, to]) => Path.of({ from, to }))],
  agents: [
    Agent.join("step", {
      left: [Path, ({ to }) => to],
      right: [Edge, ({ from }) => from],
      writes: [Path],
      execute: (path, edge) => ({ facts: [Path.of({ from: path.value.from, to: edge.value.to })] })
    })
  ],
  budget: { maxFacts: 10_000_000 },
  output: (view) => view.size(Path)
})

const targetsOf = (links: ReadonlyArray<Link>): ReadonlyMap<string, ReadonlyArray<string>> => {
  const targets = new Map<string, Array<string>>()
  for (const [from, to] of links) {
    const known = targets.get(from)
    if (known === undefined) targets.set(from, [to])
    else known.push(to)
  }
  return targets
}

const none: ReadonlyArray<string> = []

/** The number of nodes that can be reached from the first one, by a semi-naive loop. */
export const plainReachability = (links: ReadonlyArray<Link>): number => {
  const targets = targetsOf(links)
  const reached = new Set(["n0"])
  for (let news = ["n0"]; news.length > 0;) {
    const next: Array<string> = []
    for (const node of news) {
      for (const to of targets.get(node) ?? none) {
        if (reached.has(to)) continue
        reached.add(to)
        next.push(to)
      }
    }
    news = next
  }
  return reached.size
}

/** The number of pairs of nodes with a path between them, by a semi-naive loop that keeps each pair under its name. */
export const plainClosure = (links: ReadonlyArray<Link>): number => {
  const targets = targetsOf(links)
  const paths = new Map<string, { readonly from: string; readonly to: string }>()
  let news: Array<{ readonly from: string; readonly to: string }> = []
  for (const [from, to] of links) {
    const path = { from, to }
    paths.set(`${from}>${to}`, path)
    news.push(path)
  }
  while (news.length > 0) {
    const next: typeof news = []
    for (const { from, to: middle } of news) {
      for (const to of targets.get(middle) ?? none) {
        const name = `${from}>${to}`
        if (paths.has(name)) continue
        const path = { from, to }
        paths.set(name, path)
        next.push(path)
      }
    }
    news = next
  }
  return paths.size
}
