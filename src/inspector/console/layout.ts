/**
 * The layout of a program's graph: of a small one by ELK, of a large one by columns (programPlaces.ts). ELK's script is large, so
 * it is fetched from this server when it is first needed.
 *
 * Boundary: a graph in, places out.
 */
import { loadScript } from "./browser.ts"
import type { Laid } from "./graphPlaces.ts"
import type { ProgramNode, ProgramNodes } from "./programNodes.ts"
import { placesOfProgram } from "./programPlaces.ts"

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

/** The room that a node needs for its texts. Agents and intents have a second line. */
const sizeOf = ({ name, sort }: ProgramNode): { readonly width: number; readonly height: number } =>
  sort === "kind"
    ? { width: widthOf(name, 62), height: 30 }
    : { width: Math.max(sort === "agent" ? 150 : 110, widthOf(name, 30)), height: 48 }

/** Tuning: nodes and lines of a graph that the engine lays out within a frame that nobody notices. */
const mostForEngine = 60

const engineLayout = async (elk: Elk, { lines, nodes }: ProgramNodes): Promise<Laid> => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
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
    children: nodes.map((node) => ({ id: node.id, ...sizeOf(node) })),
    // The engine knows a line by its place here.
    edges: lines.map(({ from, to }, index) => ({ id: String(index), sources: [from], targets: [to] }))
  })
  return {
    width: laid.width,
    height: laid.height,
    nodes: laid.children.flatMap(({ height, id, width, x = 0, y = 0 }) => {
      const node = byId.get(id)
      return node === undefined ? [] : [{ ...node, x, y, width, height }]
    }),
    edges: laid.edges.flatMap(({ id, sections = [] }) => {
      const line = lines[Number(id)]
      if (line === undefined) return []
      const points = sections.flatMap(({ bendPoints = [], endPoint, startPoint }) =>
        [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [x, y] as const)
      )
      return [{ ...line, points }]
    })
  }
}

/**
 * Lays a program out, from where it begins to where it ends. A large graph, and one for which the engine cannot be loaded, is
 * laid out without the engine, so that the page does not freeze.
 */
export const layout = async (graph: ProgramNodes): Promise<Laid> => {
  if (graph.nodes.length + graph.lines.length > mostForEngine) return placesOfProgram(graph, sizeOf)
  try {
    return await engineLayout(await fetchEngine(), graph)
  } catch {
    return placesOfProgram(graph, sizeOf)
  }
}
