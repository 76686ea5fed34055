/**
 * The layout of a program's graph, by ELK. Its script is large, so it is fetched from this server when it is first needed.
 *
 * Boundary: a graph in, places out.
 */
import { loadScript } from "./browser.ts"
import type { Laid } from "./graphPlaces.ts"
import type { Graph } from "./shapes.ts"

interface Point {
  readonly x: number
  readonly y: number
}

interface ElkNode {
  readonly id: string
  readonly x?: number
  readonly y?: number
  readonly width: number
  readonly height: number
}

interface ElkResult {
  readonly width: number
  readonly height: number
  readonly children: ReadonlyArray<ElkNode>
  readonly edges: ReadonlyArray<{
    readonly id: string
    readonly sections?: ReadonlyArray<{
      readonly startPoint: Point
      readonly endPoint: Point
      readonly bendPoints?: ReadonlyArray<Point>
    }>
  }>
}

interface Elk {
  readonly layout: (graph: unknown) => Promise<ElkResult>
}

let engine: Promise<Elk> | undefined

interface WithElk {
  readonly ELK: new () => Elk
}

/** The engine of a page that has it in itself. */
const ownEngine = (): Promise<Elk> | undefined =>
  "ELK" in window ? Promise.resolve(new (window as unknown as WithElk).ELK()) : undefined

/** Fetches the engine once. A failure is tried again at the next call. */
const fetchEngine = (): Promise<Elk> =>
  (engine ??=
    ownEngine() ??
    loadScript("inspector/layout.js", document.documentElement.dataset["layout"] ?? "").then(
      () => new (window as unknown as WithElk).ELK(),
      (error: unknown) => {
        engine = undefined
        throw error
      }
    ))

const widthOf = (name: string, extra: number): number => Math.min(230, Math.max(70, name.length * 7.4 + extra))

interface Edge {
  readonly agent: string
  readonly kind: string
  readonly isWrite: boolean
}

/** The reads and the writes of a program. The engine knows an edge by its place here. */
const edgesOf = ({ agents }: Graph): ReadonlyArray<Edge> =>
  agents.flatMap(({ each, name: agent, reads, writes }) => [
    ...[...new Set(each === null ? reads : [each, ...reads])].map((kind) => ({ agent, kind, isWrite: false })),
    ...[...new Set(writes)].map((kind) => ({ agent, kind, isWrite: true }))
  ])

/** Lays a program out, from what it begins with to what it ends with. Undefined if the engine cannot be loaded. */
export const layout = async (graph: Graph): Promise<Laid | undefined> => {
  let elk: Elk
  try {
    elk = await fetchEngine()
  } catch {
    return undefined
  }
  const edges = edgesOf(graph)
  const laid = await elk.layout({
    id: "root",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": "RIGHT",
      "elk.edgeRouting": "POLYLINE",
      "elk.layered.spacing.nodeNodeBetweenLayers": "26",
      "elk.layered.spacing.edgeNodeBetweenLayers": "8",
      "elk.layered.spacing.edgeEdgeBetweenLayers": "6",
      "elk.spacing.nodeNode": "14"
    },
    children: [
      ...graph.kinds.map(({ name }) => ({ id: `k ${name}`, width: widthOf(name, 62), height: 30 })),
      // An agent has a second line, for its tasks.
      ...graph.agents.map(({ name }) => ({ id: `a ${name}`, width: Math.max(150, widthOf(name, 26)), height: 48 }))
    ],
    edges: edges.map(({ agent, isWrite, kind }, index) => {
      const ends = [`k ${kind}`, `a ${agent}`]
      const [from = "", to = ""] = isWrite ? ends.reverse() : ends
      return { id: String(index), sources: [from], targets: [to] }
    })
  })
  return {
    width: laid.width,
    height: laid.height,
    nodes: laid.children.map(({ height, id, width, x = 0, y = 0 }) => ({
      id,
      name: id.slice(2),
      isAgent: id.startsWith("a "),
      x,
      y,
      width,
      height
    })),
    edges: laid.edges.map(({ id, sections = [] }) => ({
      id,
      ...(edges[Number(id)] ?? { agent: "", kind: "", isWrite: false }),
      points: sections.flatMap(({ bendPoints = [], endPoint, startPoint }) =>
        [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [x, y] as const)
      )
    }))
  }
}
