/**
 * The layout of a program's graph, by ELK. Its script is large, so it is fetched from this server when it is first needed.
 *
 * Boundary: a graph in, places out.
 */
import { loadScript } from "./browser.ts"
import type { Graph } from "./shapes.ts"

export interface Laid {
  readonly width: number
  readonly height: number
  readonly nodes: ReadonlyArray<{
    readonly id: string
    readonly name: string
    readonly isAgent: boolean
    readonly x: number
    readonly y: number
    readonly width: number
    readonly height: number
  }>
  readonly edges: ReadonlyArray<{ readonly id: string; readonly points: ReadonlyArray<readonly [number, number]> }>
}

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

/** Lays a program out, from what it begins with to what it ends with. Undefined if the engine cannot be loaded. */
export const layout = async (graph: Graph): Promise<Laid | undefined> => {
  let elk: Elk
  try {
    elk = await fetchEngine()
  } catch {
    return undefined
  }
  const edges: Array<{
    readonly id: string
    readonly sources: ReadonlyArray<string>
    readonly targets: ReadonlyArray<string>
  }> = []
  const edge = (from: string, to: string): void =>
    void edges.push({ id: `${from}>${to}`, sources: [from], targets: [to] })
  for (const { each, name, reads, writes } of graph.agents) {
    for (const kind of new Set(each === null ? reads : [each, ...reads])) edge(`k ${kind}`, `a ${name}`)
    for (const kind of writes) edge(`a ${name}`, `k ${kind}`)
  }
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
      ...graph.agents.map(({ name }) => ({ id: `a ${name}`, width: widthOf(name, 26), height: 34 }))
    ],
    edges
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
      points: sections.flatMap(({ bendPoints = [], endPoint, startPoint }) =>
        [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [x, y] as const)
      )
    }))
  }
}
