/** Programs that walk a random graph with a join, and the same by a plain semi-naive loop. Workers load this module. */
import * as Schema from "effect/Schema"
import type { View } from "../../../src/index.ts"
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

/** The targets of all edges from a node, found by looking at each edge. */
const targetsIn = (view: View.View<typeof Edge>, node: string): ReadonlyArray<string> =>
  view
    .all(Edge)
    .filter(({ value }) => value.from === node)
    .map(({ value }) => value.to)

/** `reachability` without a join: for each new node, an agent filters all edges. */
export const filteredReachability = Program.make("filtered-reachability", {
  module: import.meta.url,
  input: graph,
  seed: (links) => [...edgesOf(links), Reached.of({ node: "n0" })],
  agents: [
    Agent.cpu("step", {
      each: Reached,
      reads: [Edge],
      writes: [Reached],
      execute: ({ value }, view) => ({ facts: targetsIn(view, value.node).map((node) => Reached.of({ node })) })
    })
  ],
  output: (view) => view.size(Reached)
})

/** `closure` without a join: for each new pair, an agent filters all edges. */
export const filteredClosure = Program.make("filtered-closure", {
  module: import.meta.url,
  input: graph,
  seed: (links) => [...edgesOf(links), ...linksOf(links).map(([from, to]) => Path.of({ from, to }))],
  agents: [
    Agent.cpu("step", {
      each: Path,
      reads: [Edge],
      writes: [Path],
      execute: ({ value: { from, to } }, view) => ({
        facts: targetsIn(view, to).map((target) => Path.of({ from, to: target }))
      })
    })
  ],
  budget: { maxFacts: 10_000_000, maxAgents: 10_000_000 },
  output: (view) => view.size(Path)
})

/** The links as facts of Prolog, and goals that count what follows from them by tabling. */
const prologOf = (links: ReadonlyArray<Link>, rules: string, counted: string): string => `
:- dynamic edge/2.
${links.map(([from, to]) => `link(${from}, ${to}).`).join("\n")}
${rules}
round :- abolish_all_tables, retractall(edge(_, _)), get_time(Begin),
  forall(link(From, To), assertz(edge(From, To))),
  findall(x, ${counted}, Found), length(Found, Count),
  get_time(End), Ms is (End - Begin) * 1000, format("~d ~6f~n", [Count, Ms]).`

/** Prolog's program for `reachability`. */
export const prologReachability = (links: ReadonlyArray<Link>): string =>
  prologOf(
    links,
    `:- table reached/1.
reached(n0).
reached(To) :- reached(From), edge(From, To).`,
    "reached(_)"
  )

/** Prolog's program for `closure`. */
export const prologClosure = (links: ReadonlyArray<Link>): string =>
  prologOf(
    links,
    `:- table path/2.
path(From, To) :- edge(From, To).
path(From, To) :- path(From, Middle), edge(Middle, To).`,
    "path(_, _)"
  )

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
