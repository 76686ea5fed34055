/**
 * Where each module is drawn.
 *
 * Layout is ELK's (elkjs, pure JavaScript), in one of two manners. A small graph is layered module by module, imports
 * pointing right. A large one would be a hairball that way: its modules are packed by folder, the most imported first,
 * and ELK layers the folders by the imports between them, which keeps every name readable and takes well under a second
 * for a thousand modules.
 *
 * Boundary: pure but for ELK; drawing.ts makes shapes of this.
 */
import { createRequire } from "node:module"
import { posix } from "node:path"
import type { ElkExtendedEdge, ElkNode, ELK } from "elkjs/lib/elk-api.js"
import type { Graph } from "./graph.ts"

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Point {
  readonly x: number
  readonly y: number
}

export interface ModuleBox extends Box {
  readonly path: string
  readonly label: string
  /** Its folder's place among the groups. */
  readonly group: number
}

export interface FolderBox extends Box {
  readonly folder: string
  readonly count: number
}

/** Imports between two folders, or one import, as a line through points. */
export interface Route {
  readonly from: string
  readonly to: string
  readonly count: number
  readonly points: ReadonlyArray<Point>
}

export interface Layout {
  readonly manner: "modules" | "folders"
  readonly width: number
  readonly height: number
  readonly modules: ReadonlyArray<ModuleBox>
  /** Empty in the manner of modules. */
  readonly folders: ReadonlyArray<FolderBox>
  /** The folders' names by group. */
  readonly groups: ReadonlyArray<string>
  /** Between modules or between folders, by the manner. */
  readonly routes: ReadonlyArray<Route>
}

/** The largest graph that is drawn module by module. */
const small = { modules: 80, edges: 260 }

const chip = { height: 20, gap: 5, padding: 9, charWidth: 6.3, labelMax: 30 }
const folderHeader = 26

/** Lays a graph out. `weight` orders the modules of a folder, heaviest first. */
export const layOut = async (graph: Graph, weight: (path: string) => number): Promise<Layout> => {
  const paths = [...graph.keys()]
  const groupOf = groupByFolder(paths)
  const groups = [...new Set(groupOf.values())].sort()
  const boxOf = (path: string): Omit<ModuleBox, "x" | "y"> => {
    const group = groupOf.get(path) ?? ""
    const label = clip(labelOf(path, group))
    return {
      path,
      label,
      group: groups.indexOf(group),
      width: chip.padding * 2 + label.length * chip.charWidth,
      height: chip.height
    }
  }
  const edges = [...graph].flatMap(([from, targets]) => targets.filter((to) => to !== from).map((to) => ({ from, to })))
  return paths.length <= small.modules && edges.length <= small.edges
    ? await layOutModules(paths.map(boxOf), edges, groups)
    : await layOutFolders(paths.sort((a, b) => weight(b) - weight(a)).map(boxOf), edges, groups)
}

const labelOf = (path: string, group: string): string => posix.relative(group, path).replace(/\.[cm]?[jt]sx?$/, "")

const clip = (label: string): string =>
  label.length <= chip.labelMax ? label : `\u2026${label.slice(1 - chip.labelMax)}`

/** The folder that each module is shown in: its own, unless that has too few to deserve a box; then the one above. */
const groupByFolder = (paths: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const groupOf = new Map(paths.map((path) => [path, posix.dirname(path)]))
  const enough = Math.max(3, Math.round(paths.length / 60))
  for (let depth = 32; depth > 0; depth--) {
    const members = Map.groupBy(paths, (path) => groupOf.get(path) ?? ".")
    for (const [folder, inside] of members) {
      if (folder === "." || folder.split("/").length !== depth || inside.length >= enough) continue
      for (const path of inside) groupOf.set(path, posix.dirname(folder))
    }
  }
  return groupOf
}

interface Edge {
  readonly from: string
  readonly to: string
}

const layOutModules = async (
  boxes: ReadonlyArray<Omit<ModuleBox, "x" | "y">>,
  edges: ReadonlyArray<Edge>,
  groups: ReadonlyArray<string>
): Promise<Layout> => {
  const root = await runElk({
    id: "root",
    layoutOptions: {
      ...layered,
      "elk.spacing.nodeNode": "8",
      "elk.layered.spacing.nodeNodeBetweenLayers": "56"
    },
    children: boxes.map(({ path, width, height }) => ({ id: path, width, height })),
    edges: edges.map(toElk)
  })
  const placed = placesOf(root)
  return {
    manner: "modules",
    width: root.width ?? 0,
    height: root.height ?? 0,
    modules: boxes.map((box) => ({ ...box, ...at(placed, box.path) })),
    folders: [],
    groups,
    routes: routesOf(
      root,
      edges.map((edge) => ({ ...edge, count: 1 }))
    )
  }
}

/** Shapes of folder and directions of layers that are tried; the one that shows its names largest on a screen is taken. */
const attempts = [
  { shape: 1.2, direction: "RIGHT" },
  { shape: 2.4, direction: "RIGHT" },
  { shape: 2.4, direction: "DOWN" },
  { shape: 5, direction: "DOWN" }
] as const
const screen = { width: 1600, height: 860 }

const layOutFolders = async (
  boxes: ReadonlyArray<Omit<ModuleBox, "x" | "y">>,
  edges: ReadonlyArray<Edge>,
  groups: ReadonlyArray<string>
): Promise<Layout> => {
  const layouts: Array<Layout> = []
  for (const attempt of attempts) layouts.push(await tryFolders(boxes, edges, groups, attempt))
  const scale = ({ width, height }: Layout): number => Math.min(screen.width / width, screen.height / height)
  return layouts.reduce((best, layout) => (scale(layout) > scale(best) ? layout : best))
}

const tryFolders = async (
  boxes: ReadonlyArray<Omit<ModuleBox, "x" | "y">>,
  edges: ReadonlyArray<Edge>,
  groups: ReadonlyArray<string>,
  { shape, direction }: (typeof attempts)[number]
): Promise<Layout> => {
  const packed = groups.map((_, group) =>
    pack(
      boxes.filter((box) => box.group === group),
      shape
    )
  )
  const groupOf = new Map(boxes.map((box) => [box.path, box.group]))
  const counts = new Map<string, number>()
  for (const { from, to } of edges) {
    const [a, b] = [groupOf.get(from), groupOf.get(to)]
    if (a !== b) counts.set(`${a} ${b}`, (counts.get(`${a} ${b}`) ?? 0) + 1)
  }
  const bundles = [...counts].map(([key, count]) => {
    const [from = "", to = ""] = key.split(" ")
    return { from, to, count }
  })
  const root = await runElk({
    id: "root",
    layoutOptions: {
      ...layered,
      "elk.direction": direction,
      "elk.spacing.nodeNode": "26",
      "elk.layered.spacing.nodeNodeBetweenLayers": "64",
      "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
      "elk.separateConnectedComponents": "false"
    },
    children: packed.map(({ width, height }, group) => ({ id: String(group), width, height })),
    edges: bundles.map(toElk)
  })
  const placed = placesOf(root)
  const folders = groups.map((folder, group): FolderBox => {
    const { width, height, boxes: inside } = packed[group] as Packed
    return { folder, count: inside.length, width, height, ...at(placed, String(group)) }
  })
  return {
    manner: "folders",
    width: root.width ?? 0,
    height: root.height ?? 0,
    modules: packed.flatMap(({ boxes: inside }, group) => {
      const { x, y } = folders[group] as FolderBox
      return inside.map((box) => ({ ...box, x: box.x + x, y: box.y + y }))
    }),
    folders,
    groups,
    routes: routesOf(root, bundles)
  }
}

interface Packed {
  readonly width: number
  readonly height: number
  readonly boxes: ReadonlyArray<ModuleBox>
}

/** Rows of chips in a box that is about `shape` times as wide as high. */
const pack = (boxes: ReadonlyArray<Omit<ModuleBox, "x" | "y">>, shape: number): Packed => {
  const area = boxes.reduce((sum, box) => sum + (box.width + chip.gap) * (box.height + chip.gap), 0)
  const widest = Math.max(110, ...boxes.map((box) => box.width))
  const limit = Math.max(widest, Math.sqrt(area * shape))
  const placed: Array<ModuleBox> = []
  let x = 0
  let y = 0
  let width = widest
  for (const box of boxes) {
    if (x > 0 && x + box.width > limit) {
      x = 0
      y += chip.height + chip.gap
    }
    placed.push({ ...box, x: x + chip.padding, y: y + folderHeader })
    x += box.width + chip.gap
    width = Math.max(width, x - chip.gap)
  }
  return { width: width + chip.padding * 2, height: y + chip.height + folderHeader + chip.padding, boxes: placed }
}

// ------------------------------------------------------------------------------------------------------------- ELK

const layered = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.edgeRouting": "SPLINES",
  "elk.spacing.edgeEdge": "4",
  "elk.spacing.edgeNode": "8",
  "elk.layered.spacing.edgeNodeBetweenLayers": "12",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "4",
  "elk.padding": "[top=12,left=12,bottom=12,right=12]"
}

const runElk = async (graph: ElkNode): Promise<ElkNode> => {
  // The bundle is CommonJS whose export is the class itself; its types promise a default export.
  const Elk = createRequire(import.meta.url)("elkjs/lib/elk.bundled.js") as new () => ELK
  return await new Elk().layout(graph)
}

const toElk = ({ from, to }: Edge, index: number): ElkExtendedEdge => ({
  id: `e${index}`,
  sources: [from],
  targets: [to]
})

const placesOf = (root: ElkNode): ReadonlyMap<string, Point> =>
  new Map((root.children ?? []).map(({ id, x = 0, y = 0 }) => [id, { x, y }]))

const at = (placed: ReadonlyMap<string, Point>, id: string): Point => placed.get(id) ?? { x: 0, y: 0 }

const routesOf = (root: ElkNode, edges: ReadonlyArray<Edge & { readonly count: number }>): ReadonlyArray<Route> =>
  edges.map((edge, index) => {
    const section = root.edges?.[index]?.sections?.[0]
    const points = section === undefined ? [] : [section.startPoint, ...(section.bendPoints ?? []), section.endPoint]
    return { ...edge, points }
  })
