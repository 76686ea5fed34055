/**
 * The places of a graph of facts in columns: few lines cross, and a node stands beside those that it hangs on (columns.ts).
 *
 * A line over several columns goes through a place of its own in each column between, so it crosses no node.
 *
 * Boundary: pure; columns and lines in, places and paths out.
 */
import { atOnce } from "./atOnce.ts"
import { type Item, order, settle } from "./columns.ts"
import type { DerivationGraph, GraphLine, GraphNode } from "./derivationGraph.ts"

/** The sizes of nodes, the gap between two of a column, and the height of a line that goes through a column. */
const size = { height: 46, gapY: 12, lineHeight: 6, least: 140, most: 212 }

/** The widths of columns and of the gaps between them. */
export interface Widths {
  readonly node: number
  readonly gap: number
}

/** Columns that fit into a width, or else those that are as narrow as can be read. */
export const widthsFor = ({ nodes }: DerivationGraph, available: number): Widths => {
  const columns = nodes.map(({ column }) => column)
  const count = Math.max(...columns) - Math.min(...columns) + 1
  const gap = available < 800 ? 34 : 56
  const fitting = Math.floor((available + gap) / count) - gap
  return { node: Math.min(size.most, Math.max(size.least, fitting)), gap }
}

export interface Placed {
  readonly node: GraphNode
  readonly x: number
  readonly y: number
}

export interface Path {
  readonly line: GraphLine
  readonly d: string
}

export interface Places {
  readonly nodeWidth: number
  readonly nodeHeight: number
  readonly nodes: ReadonlyArray<Placed>
  readonly paths: ReadonlyArray<Path>
  readonly width: number
  readonly height: number
}

/** The items of all columns, with those of lines that go through. */
const itemsOf = ({ lines, nodes }: DerivationGraph, first: number) => {
  const columns: Array<Array<Item>> = []
  const items = new Map<string, Item>()
  const add = (key: string, column: number, height: number): Item => {
    const list = (columns[column - first] ??= [])
    const item: Item = { key, column, height, before: [], after: [], row: list.length, y: 0 }
    list.push(item)
    return item
  }
  for (const { column, key } of nodes) items.set(key, add(key, column, size.height))
  const ways = lines.flatMap((line) => {
    const [from, to] = [items.get(line.from), items.get(line.to)]
    if (from === undefined || to === undefined) return []
    const way = [from]
    for (let column = from.column + 1; column < to.column; column++) {
      way.push(add(`${line.from}>${line.to}@${column}`, column, size.lineHeight))
    }
    way.push(to)
    way.forEach((item, index) => {
      const next = way[index + 1]
      if (next === undefined) return
      item.after.push(next)
      next.before.push(item)
    })
    return [{ line, way }]
  })
  return { columns: Array.from(columns, (column) => column ?? []), items, ways }
}

const round = (n: number): number => Math.round(n * 10) / 10

export const placesOf = (graph: DerivationGraph, { gap, node: nodeWidth }: Widths): Places => {
  const first = graph.nodes.reduce((least, { column }) => Math.min(least, column), 0)
  const { columns, items, ways } = itemsOf(graph, first)
  atOnce(order(columns))
  atOnce(settle(columns, size.gapY))
  const all = columns.flat()
  const top = all.reduce((least, { height, y }) => Math.min(least, y - height / 2), Infinity)
  const bottom = all.reduce((most, { height, y }) => Math.max(most, y + height / 2), -Infinity)
  const xOf = (column: number): number => (column - first) * (nodeWidth + gap)
  const pathOf = (way: ReadonlyArray<Item>): string => {
    const parts: Array<string> = []
    way.forEach((item, index) => {
      const next = way[index + 1]
      const x = xOf(item.column)
      const y = round(item.y - top)
      if (index === 0) parts.push(`M${x + nodeWidth} ${y}`)
      else if (next !== undefined) parts.push(`L${x + nodeWidth} ${y}`)
      if (next === undefined) return
      const [x1, x2, y2] = [x + nodeWidth, xOf(next.column), round(next.y - top)]
      const bend = gap / 2
      parts.push(`C${x1 + bend} ${y} ${x2 - bend} ${y2} ${x2} ${y2}`)
    })
    return parts.join("")
  }
  return {
    nodeWidth,
    nodeHeight: size.height,
    nodes: graph.nodes.map((node) => ({
      node,
      x: xOf(node.column),
      y: round((items.get(node.key)?.y ?? 0) - top - size.height / 2)
    })),
    paths: ways.map(({ line, way }) => ({ line, d: pathOf(way) })),
    width: columns.length * (nodeWidth + gap) - gap,
    height: round(bottom - top)
  }
}

/** The node that is nearest to another in a direction: to the side, one of the next column; up and down, one of the same. */
export const nextPlace = (
  nodes: ReadonlyArray<Placed>,
  key: string,
  [toX, toY]: readonly [x: number, y: number]
): string | undefined => {
  const own = nodes.find(({ node }) => node.key === key)
  if (own === undefined) return undefined
  const distance = ({ x, y }: Placed): number => Math.abs(x - own.x) * 1_000 + Math.abs(y - own.y)
  const isThere = ({ x, y }: Placed): boolean =>
    toX === 0 ? x === own.x && (y - own.y) * toY > 0 : (x - own.x) * toX > 0
  return nodes.filter(isThere).toSorted((a, b) => distance(a) - distance(b))[0]?.node.key
}
