/**
 * The places of a large program's graph: each node is one column further than the nodes that lead to it, and lines that would
 * lead back are turned for that. The lines of a node share one way through the columns. It takes milliseconds, or some seconds
 * where many lines lead back.
 *
 * Boundary: pure; a graph and the sizes of its nodes in, places out. layout.ts lays small graphs out with more care.
 */
import { type Item, order, settle } from "./columns.ts"
import type { Laid } from "./graphPlaces.ts"
import type { ProgramLine, ProgramNode, ProgramNodes } from "./programNodes.ts"

/** The room between columns and between items of one, the height of a line, and how far a line that leads back is aside. */
const size = { gapX: 64, gapY: 8, lineHeight: 2, aside: 7 }

interface Size {
  readonly width: number
  readonly height: number
}

/** A line as it is laid out: from left to right. */
interface Way {
  readonly line: ProgramLine
  readonly from: string
  readonly to: string
  readonly isTurned: boolean
}

/** Turns the lines that lead back to a node from which the walk came. Nodes that nothing leads to come first. */
const waysOf = ({ lines, nodes }: ProgramNodes): ReadonlyArray<Way> => {
  const out = Map.groupBy(lines, ({ from }) => from)
  const reached = new Set(lines.map(({ to }) => to))
  const state = new Map<string, "open" | "done">()
  const back = new Set<ProgramLine>()
  const walk = (start: string): void => {
    const stack = [{ id: start, next: 0 }]
    state.set(start, "open")
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const line = out.get(top.id)?.[top.next++]
      if (line === undefined) {
        state.set(top.id, "done")
        stack.pop()
      } else if (state.get(line.to) === "open") back.add(line)
      else if (!state.has(line.to)) {
        state.set(line.to, "open")
        stack.push({ id: line.to, next: 0 })
      }
    }
  }
  for (const { id } of nodes) if (!reached.has(id)) walk(id)
  for (const { id } of nodes) if (!state.has(id)) walk(id)
  return lines.map((line) => {
    const isTurned = back.has(line)
    return { line, from: isTurned ? line.to : line.from, to: isTurned ? line.from : line.to, isTurned }
  })
}

/** The column of each node: one more than the last of the nodes that lead to it, and beside the first that it leads to. */
const columnsOf = (nodes: ReadonlyArray<ProgramNode>, ways: ReadonlyArray<Way>): ReadonlyMap<string, number> => {
  const out = Map.groupBy(ways, ({ from }) => from)
  const before = new Map<string, number>()
  for (const { to } of ways) before.set(to, (before.get(to) ?? 0) + 1)
  const columns = new Map<string, number>()
  const ready = nodes.filter(({ id }) => !before.has(id)).map(({ id }) => id)
  for (const id of ready) columns.set(id, 0)
  // The list grows while it is walked.
  for (const id of ready) {
    for (const { to } of out.get(id) ?? []) {
      columns.set(to, Math.max(columns.get(to) ?? 0, (columns.get(id) ?? 0) + 1))
      const left = (before.get(to) ?? 0) - 1
      before.set(to, left)
      if (left === 0) ready.push(to)
    }
  }
  const reached = new Set(ways.map(({ to }) => to))
  for (const { id } of nodes) {
    const next = out.get(id)?.map(({ to }) => columns.get(to) ?? 0) ?? []
    if (!reached.has(id) && next.length > 0) columns.set(id, Math.max(0, Math.min(...next) - 1))
  }
  return columns
}

const join = (from: Item, to: Item): void => {
  if (from.after.includes(to)) return
  from.after.push(to)
  to.before.push(from)
}

/** The items of all columns, and the items that each line goes through. */
function* itemsOf(
  nodes: ReadonlyArray<ProgramNode>,
  ways: ReadonlyArray<Way>,
  sizeOf: (node: ProgramNode) => Size
): Generator<
  undefined,
  { readonly columns: ReadonlyArray<Array<Item>>; readonly lists: ReadonlyArray<ReadonlyArray<Item>> }
> {
  const columnOf = columnsOf(nodes, ways)
  const columns: Array<Array<Item>> = []
  const items = new Map<string, Item>()
  const itemAt = (key: string, column: number, height: number): Item => {
    const present = items.get(key)
    if (present !== undefined) return present
    const list = (columns[column] ??= [])
    const item: Item = { key, column, height, before: [], after: [], row: list.length, y: 0 }
    items.set(key, item)
    list.push(item)
    return item
  }
  for (const node of nodes) itemAt(node.id, columnOf.get(node.id) ?? 0, sizeOf(node).height)
  const lists: Array<ReadonlyArray<Item>> = []
  for (const { from, isTurned, to } of ways) {
    const list: Array<Item> = []
    const last = columnOf.get(to) ?? 0
    for (let column = columnOf.get(from) ?? 0; column <= last; column++) {
      const isEnd = list.length === 0 || column === last
      const key = list.length === 0 ? from : column === last ? to : `${from}@${column}${isTurned ? "<" : ""}`
      const item = itemAt(key, column, isEnd ? 0 : size.lineHeight)
      const before = list.at(-1)
      if (before !== undefined) join(before, item)
      list.push(item)
    }
    lists.push(list)
    yield
  }
  return { columns: Array.from(columns, (column) => column ?? []), lists }
}

const round = (n: number): number => Math.round(n * 10) / 10

/** The places of a graph. It can rest on the way. */
export function* placesOfProgram(
  { lines, nodes }: ProgramNodes,
  sizeOf: (node: ProgramNode) => Size
): Generator<undefined, Laid> {
  const ways = waysOf({ lines, nodes })
  yield
  const { columns, lists } = yield* itemsOf(nodes, ways, sizeOf)
  yield* order(columns)
  yield* settle(columns, size.gapY)
  const sizes = new Map(nodes.map((node) => [node.id, sizeOf(node)]))
  const all = columns.flat()
  const top = all.reduce((least, { height, y }) => Math.min(least, y - height / 2), Infinity)
  const bottom = all.reduce((most, { height, y }) => Math.max(most, y + height / 2), -Infinity)
  const widths = columns.map((column) => Math.max(0, ...column.map(({ key }) => sizes.get(key)?.width ?? 0)))
  const lefts: Array<number> = []
  let width = 0
  for (const own of widths) {
    lefts.push(width)
    width += own + size.gapX
  }
  const places = new Map(
    all.map(({ column, height, key, y }) => {
      const own = sizes.get(key)?.width ?? widths[column] ?? 0
      const x = (lefts[column] ?? 0) + ((widths[column] ?? 0) - own) / 2
      return [key, { x, width: own, middle: y - top, height }] as const
    })
  )
  /** The points of a line, from left to right: into the left side of an item, and out of the right side. */
  const pointsOf = (list: ReadonlyArray<Item>, isTurned: boolean): ReadonlyArray<readonly [number, number]> =>
    list.flatMap(({ key }, index) => {
      const place = places.get(key)
      if (place === undefined) return []
      const y = round(place.middle + (isTurned && sizes.has(key) ? size.aside : 0))
      const sides = [[round(place.x), y] as const, [round(place.x + place.width), y] as const]
      return index === 0 ? sides.slice(1) : index === list.length - 1 ? sides.slice(0, 1) : sides
    })
  const edges: Array<Laid["edges"][number]> = []
  for (const [index, { isTurned, line }] of ways.entries()) {
    const points = pointsOf(lists[index] ?? [], isTurned)
    edges.push({ ...line, points: isTurned ? points.toReversed() : points })
    yield
  }
  return {
    width: Math.max(0, width - size.gapX),
    height: nodes.length === 0 ? 0 : bottom - top,
    nodes: nodes.map((node) => {
      const place = places.get(node.id)
      const { height, width: own } = sizeOf(node)
      return { ...node, x: round(place?.x ?? 0), y: round((place?.middle ?? 0) - height / 2), width: own, height }
    }),
    edges
  }
}
