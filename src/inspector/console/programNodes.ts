/**
 * The nodes and lines of a program's graph: agents, kinds and intents as the program declares them, and besides those the kinds
 * that have facts in the job and the intents that its agents asked for. Boundary: pure; answers of the server in, a graph out.
 */
import { own } from "./own.ts"
import type { Graph, Replayed, Work } from "./shapes.ts"

type Sort = "agent" | "kind" | "intent"

export interface ProgramNode {
  readonly id: string
  readonly sort: Sort
  readonly name: string
  /** Whether the job has it, and the program does not declare it. */
  readonly isAdded: boolean
}

export interface ProgramLine {
  readonly from: string
  readonly to: string
  readonly verb: "reads" | "writes" | "asks for" | "is answered by"
}

export interface ProgramNodes {
  readonly nodes: ReadonlyArray<ProgramNode>
  readonly lines: ReadonlyArray<ProgramLine>
}

/** The number of intents of each kind that an agent asked for, by its name. */
export type Asked = Readonly<Record<string, Readonly<Record<string, number>>>>

interface Known {
  /** The facts of the job by kind. */
  readonly counts: Readonly<Record<string, number>>
  readonly asked: Asked
}

const letters = { agent: "a", kind: "k", intent: "i" } as const

export const nodeId = (sort: Sort, name: string): string => `${letters[sort]} ${name}`

/** The answers of the intents that the engine performs, for programs that have nothing else to do with them. */
const engineAnswers: Readonly<Record<string, string>> = { Approval: "Decision", ChildJob: "ChildResult" }

/** The intents that each agent asked for: from the journal, or from the result where there is no journal. */
export const askedIn = (
  work: Pick<Work, "agents"> | undefined,
  intents: ReadonlyArray<Pick<Replayed["intents"][number], "agent" | "kind">>
): Asked => {
  const told = Object.entries(work?.agents ?? {}).flatMap(([agent, { intents }]) =>
    intents === undefined ? [] : [[agent, intents] as const]
  )
  if (told.length > 0) return Object.fromEntries(told)
  const counted = [...Map.groupBy(intents, ({ agent }) => agent)].map(([agent, all]) => {
    const kinds = [...Map.groupBy(all, ({ kind }) => kind)].map(([kind, { length }]) => [kind, length] as const)
    return [agent, Object.fromEntries(kinds)] as const
  })
  return Object.fromEntries(counted)
}

/** The numbers of intents by kind, over all agents. */
export const askedByKind = (asked: Asked): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>()
  for (const kinds of Object.values(asked)) {
    for (const [kind, count] of Object.entries(kinds)) sums.set(kind, (sums.get(kind) ?? 0) + count)
  }
  return sums
}

/** The intents that an agent declares, and those that it asked for in this job. */
export const intentsOf = ({ intents, name }: Graph["agents"][number], asked: Asked): ReadonlyArray<string> => [
  ...new Set([...intents, ...Object.keys(own(asked, name) ?? {})])
]

/** The kinds of intents with the kinds that answer them. Null: the program does not declare it, and nobody knows its answers. */
const answersOf = ({ intents }: Graph, asked: Asked): ReadonlyMap<string, ReadonlyArray<string> | null> => {
  const found = new Map<string, ReadonlyArray<string> | null>(intents.map(({ answers, name }) => [name, answers]))
  for (const name of askedByKind(asked).keys()) {
    if (found.has(name)) continue
    const answer = own(engineAnswers, name)
    found.set(name, answer === undefined ? null : [answer])
  }
  return found
}

const linesOf = (
  graph: Graph,
  asked: Asked,
  answers: ReadonlyMap<string, ReadonlyArray<string> | null>
): ReadonlyArray<ProgramLine> => [
  ...graph.agents.flatMap((agent) => {
    const own = nodeId("agent", agent.name)
    const reads = new Set(agent.each === null ? agent.reads : [agent.each, ...agent.reads])
    return [
      ...[...reads].map((kind) => ({ from: nodeId("kind", kind), to: own, verb: "reads" as const })),
      ...[...new Set(agent.writes)].map((kind) => ({ from: own, to: nodeId("kind", kind), verb: "writes" as const })),
      ...intentsOf(agent, asked).map((kind) => ({ from: own, to: nodeId("intent", kind), verb: "asks for" as const }))
    ]
  }),
  ...[...answers].flatMap(([name, kinds]) =>
    (kinds ?? []).map((kind) => ({
      from: nodeId("intent", name),
      to: nodeId("kind", kind),
      verb: "is answered by" as const
    }))
  )
]

/** The graph of a program as a job uses it. */
export const nodesOf = (graph: Graph, { asked, counts }: Known): ProgramNodes => {
  const answers = answersOf(graph, asked)
  const kinds = new Map(graph.kinds.map(({ name }) => [name, false]))
  for (const names of answers.values()) for (const name of names ?? []) kinds.set(name, kinds.get(name) ?? false)
  for (const [name, count] of Object.entries(counts)) if (count > 0) kinds.set(name, kinds.get(name) ?? true)
  const node = (sort: Sort, name: string, isAdded: boolean): ProgramNode => ({
    id: nodeId(sort, name),
    sort,
    name,
    isAdded
  })
  return {
    nodes: [
      ...[...kinds].map(([name, isAdded]) => node("kind", name, isAdded)),
      ...[...answers].map(([name, kindsOf]) => node("intent", name, kindsOf === null)),
      ...graph.agents.map(({ name }) => node("agent", name, false))
    ],
    lines: linesOf(graph, asked, answers)
  }
}
