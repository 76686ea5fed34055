/**
 * The facts around a fact as a graph: what it follows from on one side, what follows from it on the other, each fact one column
 * further out than the last fact that it hangs on.
 *
 * Invariants: a side is bounded; what has no room in a column is counted by a node "N more", which has the lines of all that it
 * stands for. So every line is there, and no fact looks as if it came from nowhere (docs/decisions/0151). Boundary: pure;
 * answers of the server in, nodes with their columns and lines out. derivationPlaces.ts finds the places.
 */
import type { Explanation, Fact, Lineage } from "./shapes.ts"

export type GraphFact = Pick<Fact, "kind" | "id" | "provenance">

/** A fact of one side, with the keys of the facts between it and the center. */
interface Member {
  readonly key: string
  readonly fact: GraphFact
  readonly near: ReadonlyArray<string>
  /** The keys of facts that it reaches by values that are gone. */
  readonly nearByGone: ReadonlyArray<string>
}

/** The members of a side. Each comes after those that are near to it. `rest`: facts that are known by their number alone. */
interface Side {
  readonly members: ReadonlyArray<Member>
  readonly rest: number
}

export interface GraphNode {
  readonly key: string
  /** 0 is the center; columns on the left are negative. */
  readonly column: number
  /** Undefined for a node that stands for several facts. */
  readonly fact: GraphFact | undefined
  /** How many facts it stands for. */
  readonly count: number
  /** Whether the page has the facts that it stands for, so that they can be drawn. */
  readonly canOpen: boolean
}

export interface GraphLine {
  /** The cause. */
  readonly from: string
  readonly to: string
  readonly isByGone: boolean
}

export interface DerivationGraph {
  /** Column by column, from the left. */
  readonly nodes: ReadonlyArray<GraphNode>
  readonly lines: ReadonlyArray<GraphLine>
}

export const center = "center"

const byReasons = ({ provenance: { agent, because, cycle, each, origin, since, until } }: GraphFact): string =>
  JSON.stringify(because ?? [origin, agent, cycle, each?.kind, each?.id, since, until])

/**
 * The causes of each node of an explanation. It names each fact once, as the cause of the first that needs it. Reasons, the fact
 * of a task, and the causes of another fact of the same task show others.
 */
const allCauses = ({ nodes }: Explanation): ReadonlyArray<ReadonlySet<number>> => {
  const byVersion = new Map(nodes.map(({ provenance }, index) => [provenance.version, index]))
  const ofTask = new Map<string, ReadonlySet<number>>()
  return nodes.map((node, index) => {
    const causes = new Set(node.causes)
    const task = byReasons(node)
    const { because, each, since, until } = node.provenance
    if (node.omitted > 0) {
      for (const cause of ofTask.get(task) ?? []) causes.add(cause)
      for (const version of because ?? []) {
        const cause = byVersion.get(version)
        if (cause !== undefined) causes.add(cause)
      }
      if (because === undefined && each !== undefined && causes.size === 0) {
        const found = nodes.findIndex(
          ({ id, kind, provenance: { version } }) =>
            kind === each.kind && id === each.id && version > since && version <= until
        )
        if (found >= 0) causes.add(found)
      }
    }
    causes.delete(index)
    if (!ofTask.has(task)) ofTask.set(task, causes)
    return causes
  })
}

/** Tuning: facts of a side that are given columns. Those beyond are counted. */
const mostMembers = 400

const leftSide = (explanation: Explanation): Side => {
  const nodes = explanation.nodes.slice(0, mostMembers + 1)
  const keyOf = (index: number): string => (index === 0 ? center : `l${index}`)
  const consumers = nodes.map((): Array<string> => [])
  allCauses({ nodes }).forEach((causes, index) => {
    for (const cause of causes) consumers[cause]?.push(keyOf(index))
  })
  const members = nodes
    .map((fact, index) => ({ key: keyOf(index), fact, near: consumers[index] ?? [], nearByGone: [] }))
    .slice(1)
  // A cause is committed before what follows from it.
  members.sort((a, b) => b.fact.provenance.version - a.fact.provenance.version)
  return { members, rest: explanation.nodes.length - nodes.length }
}

const rightSide = (lineage: Lineage | undefined): Side => {
  if (lineage === undefined) return { members: [], rest: 0 }
  const keyOf = (version: number): string => (version === 0 ? center : `r${version}`)
  const members = lineage.facts.slice(0, mostMembers).map((fact) => ({
    key: keyOf(fact.provenance.version),
    fact,
    near: fact.causes.map(keyOf),
    nearByGone: fact.indirect.map(keyOf)
  }))
  return { members, rest: lineage.count - members.length }
}

/** The column of each member: one further out than those that are near to it. */
const columnsOf = ({ members }: Side): ReadonlyMap<string, number> => {
  const columns = new Map([[center, 0]])
  for (const { key, near, nearByGone } of members) {
    const all = [...near, ...nearByGone].map((other) => columns.get(other) ?? 0)
    columns.set(key, 1 + all.reduce((most, column) => Math.max(most, column), 0))
  }
  return columns
}

/** The drawn part of a side: rows of a column, by its number, and nodes of all. */
export interface Room {
  readonly nodes: number
  readonly rowsOf: (column: number) => number
}

/** One side, with what has no room gathered in one node for each column, or in one for all columns further out. */
const drawnSide = (side: Side, room: Room, sign: 1 | -1): DerivationGraph => {
  const columns = columnsOf(side)
  const byColumn: Array<Array<Member>> = []
  for (const member of side.members) (byColumn[columns.get(member.key) ?? 1] ??= []).push(member)
  const nodes: Array<GraphNode> = []
  /** The node that shows a member. */
  const shownBy = new Map([[center, center]])
  let left = room.nodes
  let last = 0
  const gather = (column: number, members: ReadonlyArray<Member>): void => {
    if (members.length === 0) return
    const key = `${sign}more${column}`
    for (const member of members) shownBy.set(member.key, key)
    nodes.push({ key, column: sign * column, fact: undefined, count: members.length, canOpen: true })
  }
  for (let column = 1; column < byColumn.length; column++) {
    const members = byColumn[column] ?? []
    last = column
    if (left <= 0) {
      gather(column, byColumn.slice(column).flat())
      break
    }
    const rows = Math.min(room.rowsOf(column), left)
    const shown = members.length <= rows + 1 && members.length <= left ? members.length : rows
    for (const { fact, key } of members.slice(0, shown)) {
      shownBy.set(key, key)
      nodes.push({ key, column: sign * column, fact, count: 1, canOpen: false })
    }
    gather(column, members.slice(shown))
    left -= shown
  }
  const lines = new Map<string, GraphLine>()
  const join = (near: string, far: string, isByGone: boolean): void => {
    const [a, b] = [shownBy.get(near), shownBy.get(far)]
    if (a === undefined || b === undefined || a === b) return
    const [from, to] = sign === 1 ? [a, b] : [b, a]
    const known = lines.get(`${from} ${to}`)
    if (known === undefined || known.isByGone) lines.set(`${from} ${to}`, { from, to, isByGone })
  }
  for (const { key, near, nearByGone } of side.members) {
    for (const other of near) join(other, key, false)
    for (const other of nearByGone) join(other, key, true)
  }
  if (side.rest > 0) {
    const key = `${sign}rest`
    nodes.push({ key, column: sign * Math.max(1, last), fact: undefined, count: side.rest, canOpen: false })
    const [from, to] = sign === 1 ? [center, key] : [key, center]
    lines.set(key, { from, to, isByGone: true })
  }
  return { nodes, lines: [...lines.values()] }
}

/** The graph around a fact. `most`: facts that are drawn. A side that needs less than half leaves the room to the other. */
export const graphOf = (
  explanation: Explanation,
  lineage: Lineage | undefined,
  most: number,
  rowsOf: (column: number) => number
): DerivationGraph => {
  const [left, right] = [leftSide(explanation), rightSide(lineage)]
  const half = Math.floor((most - 1) / 2)
  const before = drawnSide(
    left,
    { nodes: most - 1 - Math.min(right.members.length, half), rowsOf: (column) => rowsOf(-column) },
    -1
  )
  const drawnBefore = before.nodes.filter(({ fact }) => fact !== undefined).length
  const after = drawnSide(right, { nodes: most - 1 - drawnBefore, rowsOf }, 1)
  const [fact] = explanation.nodes
  const middle: GraphNode = { key: center, column: 0, fact, count: 1, canOpen: false }
  return {
    nodes: [...before.nodes, middle, ...after.nodes].sort((a, b) => a.column - b.column),
    lines: [...before.lines, ...after.lines]
  }
}
