/**
 * A program of joins and folds whose kinds combine lawfully, and a naive model of it: its facts depend on what arrives, and not on
 * the order. Workers load it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Fold, Intent, type Job, type JobContext, Program } from "../../../src/index.ts"
import type { Arriver } from "./arrivalRun.ts"
import { decide } from "./intents.ts"

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const groups = 3

/** A fact that arrives. */
export const Given = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("Item"), id: below(5), v: below(9) }),
  Schema.Struct({
    kind: Schema.Literal("Tag"),
    id: below(5),
    labels: Schema.Array(below(4)).check(Schema.isMaxLength(3))
  }),
  Schema.Struct({ kind: Schema.Literal("Edge"), from: below(5), to: below(5) })
])
export type Given = typeof Given.Type
export type Part = ReadonlyArray<Given>

/** The name of the fact that something given proposes. */
export const nameOf = (given: Given): string =>
  given.kind === "Edge" ? `e${given.from}-${given.to}` : `${given.kind}${given.id}`

const Item = Fact.kind("Item", {
  schema: Schema.Struct({ id: Schema.Int, v: Schema.Int }),
  id: ({ id }) => `i${id}`,
  conflict: Fact.max(({ v }) => v)
})
const Tag = Fact.kind("Tag", {
  schema: Schema.Struct({ id: Schema.Int, labels: Schema.Array(Schema.Int) }),
  id: ({ id }) => `t${id}`,
  conflict: Fact.union("labels")
})
const Edge = Fact.kind("Edge", {
  schema: Schema.Struct({ from: Schema.Int, to: Schema.Int }),
  id: ({ from, to }) => `${from}-${to}`
})
const Path = Fact.kind("Path", { schema: Edge.schema, id: Edge.id })

const union = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): ReadonlyArray<number> =>
  [...new Set([...a, ...b])].sort((x, y) => x - y)

/** An item and a tag that met: what is known of both. */
const Pair = Fact.kind("Pair", {
  schema: Schema.Struct({ item: Schema.Int, tag: Schema.Int, v: Schema.Int, labels: Schema.Array(Schema.Int) }),
  id: ({ item, tag }) => `${item}/${tag}`,
  conflict: (a, b) => ({ ...a, v: Math.max(a.v, b.v), labels: union(a.labels, b.labels) })
})
const Total = Fact.kind("Total", {
  schema: Schema.Struct({ item: Schema.String, total: Schema.Int }),
  id: ({ item }) => item,
  conflict: "keepLast"
})
const Reach = Fact.kind("Reach", {
  schema: Schema.Struct({ from: Schema.String, count: Schema.Int }),
  id: ({ from }) => from,
  conflict: "keepLast"
})

/** The proposal of something given. Equal labels count once, in order, as the rule of their kind gives them. */
export const proposalOf = (given: Given): Fact.ProposalOf<typeof Item | typeof Tag | typeof Edge> => {
  if (given.kind === "Item") return Item.of({ id: given.id, v: given.v })
  if (given.kind === "Tag") return Tag.of({ id: given.id, labels: union(given.labels, []) })
  return Edge.of({ from: given.from, to: given.to })
}

export const settling = Program.make("settling", {
  module: import.meta.url,
  input: Schema.Struct({ seeds: Schema.Array(Given) }),
  seed: ({ seeds }) => seeds.map(proposalOf),
  signals: [Item, Tag, Edge],
  agents: [
    Agent.make("waits", { execute: () => Effect.succeed({ intents: [Intent.approval({ id: "end" })] }) }),
    Agent.make("begins", {
      each: Edge,
      writes: [Path],
      execute: ({ value }) => Effect.succeed({ facts: [Path.of(value)] })
    }),
    Agent.join("goes on", {
      left: [Path, ({ to }) => to],
      right: [Edge, ({ from }) => from],
      placement: "worker",
      writes: [Path],
      execute: (path, edge) => ({ facts: [Path.of({ from: path.value.from, to: edge.value.to })] })
    }),
    Agent.join("pairs", {
      left: [Item, ({ id }) => id % groups],
      right: [Tag, ({ id }) => id % groups],
      writes: [Pair],
      execute: ({ value: { id, v } }, tag) => ({
        facts: [Pair.of({ item: id, tag: tag.value.id, v, labels: tag.value.labels })]
      })
    }),
    Agent.fold("totals", {
      over: Pair,
      by: ({ item }) => `i${item}`,
      into: Total,
      add: (total, { labels, v }, item) => ({ item, total: (total?.total ?? 0) + v + labels.length }),
      remove: (total, { labels, v }) => ({ ...total, total: total.total - v - labels.length })
    }),
    Agent.fold("reach", {
      over: Path,
      by: ({ from }) => `p${from}`,
      into: Reach,
      aggregate: Fold.count(),
      as: (from, count) => ({ from, count })
    })
  ]
})

const arriving = (job: Job.Job<typeof settling>) => ({
  ...{ events: job.events, result: job.result, status: job.status, until: job.until },
  send: (part: Part | undefined) => job.signal(part === undefined ? [decide("end")] : part.map(proposalOf))
})

export const settlingArriver: Arriver<Part> = {
  start: (seeds) => Effect.map(Engine.start(settling, { seeds }, { id: "job" }), arriving),
  resume: Effect.map(Engine.resume(settling, "job"), arriving)
}

/** The facts of a context by their names, without those of the engine. */
export const factsOf = (context: JobContext.JobContext): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    context
      .facts()
      .filter(({ kind }) => kind !== Intent.Decision.name)
      .map(({ id, kind, value }) => [`${kind}/${id}`, value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
  )

/** The facts that everything given comes to. */
export const modelOf = (all: ReadonlyArray<Given>): Readonly<Record<string, unknown>> => {
  const items = new Map<number, number>()
  const tags = new Map<number, ReadonlyArray<number>>()
  const edges = new Map<string, readonly [number, number]>()
  for (const given of all) {
    if (given.kind === "Item") items.set(given.id, Math.max(given.v, items.get(given.id) ?? 0))
    else if (given.kind === "Tag") tags.set(given.id, union(given.labels, tags.get(given.id) ?? []))
    else edges.set(`${given.from}-${given.to}`, [given.from, given.to])
  }
  const paths = new Map(edges)
  for (let size = -1; size !== paths.size;) {
    size = paths.size
    for (const [from, middle] of [...paths.values()]) {
      for (const [start, to] of edges.values()) if (start === middle) paths.set(`${from}-${to}`, [from, to])
    }
  }
  const facts: Record<string, unknown> = {}
  for (const [id, [from, to]] of edges) facts[`Edge/${id}`] = { from, to }
  for (const [id, [from, to]] of paths) facts[`Path/${id}`] = { from, to }
  for (const [id, v] of items) facts[`Item/i${id}`] = { id, v }
  for (const [id, labels] of tags) facts[`Tag/t${id}`] = { id, labels }
  for (const from of new Set([...paths.values()].map(([start]) => start))) {
    const count = [...paths.values()].filter(([start]) => start === from).length
    facts[`Reach/p${from}`] = { from: `p${from}`, count }
  }
  for (const [item, v] of items) {
    const met = [...tags].filter(([tag]) => tag % groups === item % groups)
    for (const [tag, labels] of met) facts[`Pair/${item}/${tag}`] = { item, labels, tag, v }
    const total = met.reduce((sum, [, labels]) => sum + v + labels.length, 0)
    if (met.length > 0) facts[`Total/i${item}`] = { item: `i${item}`, total }
  }
  return facts
}
