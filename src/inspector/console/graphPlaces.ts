/**
 * Places in a graph: the part that is in sight at a scale, and the way from node to node. Boundary: pure; layout.ts finds places.
 */
import type { ProgramLine, ProgramNode } from "./programNodes.ts"

/** A node with its place. */
export interface GraphNode extends ProgramNode {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A graph with places. */
export interface Laid {
  readonly width: number
  readonly height: number
  readonly nodes: ReadonlyArray<GraphNode>
  readonly edges: ReadonlyArray<ProgramLine & { readonly points: ReadonlyArray<readonly [number, number]> }>
}

/** The key that points somewhere, as a direction. */
export const directions: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1]
}

const middleOf = ({ height, width, x, y }: GraphNode): readonly [number, number] => [x + width / 2, y + height / 2]

/** The nearest node in a direction: a step aside counts double. Undefined if there is none. */
export const nextNode = (
  nodes: ReadonlyArray<GraphNode>,
  from: GraphNode,
  [dx, dy]: readonly [x: number, y: number]
): GraphNode | undefined => {
  const [x, y] = middleOf(from)
  let best: GraphNode | undefined
  let least = Infinity
  for (const node of nodes) {
    const [nodeX, nodeY] = middleOf(node)
    const along = (nodeX - x) * dx + (nodeY - y) * dy
    const aside = Math.abs((nodeX - x) * dy) + Math.abs((nodeY - y) * dx)
    // A node that lies more aside than ahead is in another direction.
    if (node.id === from.id || along < 1 || aside > 3 * along) continue
    const distance = along + 2 * aside
    if (distance < least) [best, least] = [node, distance]
  }
  return best
}

/** Scales: the least, the least at which text can be read, the greatest at which a graph begins, and the greatest. */
const [smallest, readable, begin, largest] = [0.08, 0.75, 1.5, 4] as const

/** Room around the graph, in its own units. */
export const margin = 8

export const clampScale = (scale: number): number => Math.min(largest, Math.max(smallest, scale))

interface Box {
  readonly width: number
  readonly height: number
}

/** The scale at which all of a graph is in sight. */
export const wholeScale = ({ height, width }: Laid, box: Box): number =>
  clampScale(Math.min(begin, box.width / (width + 2 * margin), box.height / (height + 2 * margin)))

/** The scale at which a graph begins: all of it is in sight if it can be read then, or a part of it that is easy to read. */
export const beginScale = (laid: Laid, box: Box): number => {
  const whole = wholeScale(laid, box)
  return whole < readable ? 1 : whole
}
