/**
 * The layout of a program's graph: of a small one by ELK, of a large one by columns (programPlaces.ts). ELK's script is large, so
 * it is loaded when it is first needed, and works in a thread of its own. Columns are laid out in slices. So no page waits.
 *
 * Boundary: a graph in, places out.
 */
import ELK, { type ElkNode } from "elkjs/lib/elk-api.js"
import { inSlices, startWorker, startWorkerOf } from "./browser.ts"
import type { Laid } from "./graphPlaces.ts"
import type { ProgramNode, ProgramNodes } from "./programNodes.ts"
import { placesOfProgram } from "./programPlaces.ts"

interface Engine {
  readonly elk: InstanceType<typeof ELK>
  /** Rejects if the engine cannot be loaded. */
  readonly failed: Promise<never>
}

let engine: Engine | undefined

/** Starts the engine: that of the page's server, or the one that the page of a record has in itself. */
const startEngine = (): Engine => {
  const text = document.getElementById("layout")?.textContent
  const { failed, worker } = text === undefined ? startWorker("inspector/layout.js") : startWorkerOf(text)
  return { failed, elk: new ELK({ algorithms: ["layered"], workerFactory: () => worker }) }
}

const widthOf = (name: string, extra: number): number => Math.min(230, Math.max(70, name.length * 7.4 + extra))

/** The room that a node needs for its texts. Agents and intents have a second line. */
const sizeOf = ({ name, sort }: ProgramNode): { readonly width: number; readonly height: number } =>
  sort === "kind"
    ? { width: widthOf(name, 62), height: 30 }
    : { width: Math.max(sort === "agent" ? 150 : 110, widthOf(name, 30)), height: 48 }

/** Tuning: nodes and lines of a graph that the engine lays out so soon that nobody waits for it. */
const mostForEngine = 60

const engineLayout = async ({ elk, failed }: Engine, { lines, nodes }: ProgramNodes): Promise<Laid> => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const root: ElkNode = {
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
  }
  const { children = [], edges = [], height = 0, width = 0 } = await Promise.race([elk.layout(root), failed])
  return {
    width,
    height,
    nodes: children.flatMap(({ height = 0, id, width = 0, x = 0, y = 0 }) => {
      const node = byId.get(id)
      return node === undefined ? [] : [{ ...node, x, y, width, height }]
    }),
    edges: edges.flatMap(({ id, sections = [] }) => {
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
 * laid out in columns. A failure is tried again at the next call.
 */
export const layout = async (graph: ProgramNodes): Promise<Laid> => {
  if (graph.nodes.length + graph.lines.length > mostForEngine) return inSlices(placesOfProgram(graph, sizeOf))
  let own: Engine | undefined
  try {
    own = engine ??= startEngine()
    return await engineLayout(own, graph)
  } catch {
    own?.elk.terminateWorker()
    if (engine === own) engine = undefined
    return inSlices(placesOfProgram(graph, sizeOf))
  }
}
