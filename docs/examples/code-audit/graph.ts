/**
 * The import graph: who imports whom, its cycles, and each module's place in it.
 *
 * Boundary: pure; everything is sorted, so that the answer depends on the graph and not on the order of facts.
 */
import type { Cycle, Link, Place } from "./facts.ts"

/** Modules by path, each with the modules that it imports; both sorted. */
export type Graph = ReadonlyMap<string, ReadonlyArray<string>>

/** The graph of the modules that were read and the links between them that were followed. */
export const makeGraph = (modules: Iterable<string>, links: Iterable<Pick<Link, "from" | "to" | "fate">>): Graph => {
  const graph = new Map<string, Set<string>>()
  for (const path of [...modules].sort()) graph.set(path, new Set())
  for (const link of links) {
    if (link.fate === "entered" && graph.has(link.to)) graph.get(link.from)?.add(link.to)
  }
  return new Map([...graph].map(([path, targets]) => [path, [...targets].sort()]))
}

export const edgeCount = (graph: Graph): number => {
  let count = 0
  for (const targets of graph.values()) count += targets.length
  return count
}

/** The strongly connected components of a graph, by Tarjan's algorithm without recursion; each sorted. */
export const components = (graph: Graph): ReadonlyArray<ReadonlyArray<string>> => {
  const found: Array<ReadonlyArray<string>> = []
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const onStack = new Set<string>()
  const stack: Array<string> = []
  for (const root of graph.keys()) {
    if (index.has(root)) continue
    const calls: Array<{ readonly path: string; next: number }> = [{ path: root, next: 0 }]
    while (calls.length > 0) {
      const call = calls[calls.length - 1] as { readonly path: string; next: number }
      const { path } = call
      if (call.next === 0) {
        index.set(path, index.size)
        low.set(path, index.size - 1)
        stack.push(path)
        onStack.add(path)
      }
      const target = graph.get(path)?.[call.next++]
      if (target !== undefined) {
        if (!index.has(target)) calls.push({ path: target, next: 0 })
        else if (onStack.has(target)) lower(low, path, index.get(target))
        continue
      }
      calls.pop()
      const caller = calls.at(-1)
      if (caller !== undefined) lower(low, caller.path, low.get(path))
      if (low.get(path) !== index.get(path)) continue
      const component = stack.splice(stack.lastIndexOf(path))
      for (const member of component) onStack.delete(member)
      found.push(component.sort())
    }
  }
  return found
}

const lower = (low: Map<string, number>, path: string, to: number | undefined): void => {
  if (to !== undefined && to < (low.get(path) ?? Infinity)) low.set(path, to)
}

/**
 * The import cycles of a graph: components of more than one module, and modules that import themselves. `eager` is the
 * same graph without `import()`.
 */
export const findCycles = (graph: Graph, eager: Graph): ReadonlyArray<Cycle> => {
  const isCycle = (component: ReadonlyArray<string>, within: Graph): boolean =>
    component.length > 1 || within.get(component[0] as string)?.includes(component[0] as string) === true
  const inEagerCycle = new Set(
    components(eager)
      .filter((component) => isCycle(component, eager))
      .flat()
  )
  return components(graph)
    .filter((component) => isCycle(component, graph))
    .map((modules) => {
      const members = new Set(modules)
      const inside = new Map(modules.map((path) => [path, (graph.get(path) ?? []).filter((to) => members.has(to))]))
      return {
        modules,
        route: shortestRoute(inside),
        edges: edgeCount(inside),
        eager: modules.some((path) => inEagerCycle.has(path))
      }
    })
    .sort((a, b) => b.modules.length - a.modules.length || compare(a.modules[0], b.modules[0]))
}

const compare = (a: string | undefined = "", b: string | undefined = ""): number => (a < b ? -1 : a > b ? 1 : 0)

/** Modules that a search for a shortest way round may look at, all starts together. */
const stepsMax = 200_000

/** A shortest way round in a component: the shortest from any of its first modules, so that its cost is bounded. */
const shortestRoute = (graph: Graph): ReadonlyArray<string> => {
  let best: ReadonlyArray<string> = []
  const starts = Math.max(1, Math.min(64, Math.floor(stepsMax / graph.size)))
  for (const start of [...graph.keys()].slice(0, starts)) {
    const route = routeBack(graph, start)
    if (best.length === 0 || (route.length > 0 && route.length < best.length)) best = route
    if (best.length > 0 && best.length <= 2) break
  }
  return best
}

const routeBack = (graph: Graph, start: string): ReadonlyArray<string> => {
  const cameFrom = new Map<string, string>()
  for (let layer = [start]; layer.length > 0;) {
    const next: Array<string> = []
    for (const path of layer) {
      for (const target of graph.get(path) ?? []) {
        if (target === start) {
          const route = [path]
          for (let at = path; at !== start; route.push(at)) at = cameFrom.get(at) as string
          return route.reverse()
        }
        if (cameFrom.has(target)) continue
        cameFrom.set(target, path)
        next.push(target)
      }
    }
    layer = next
  }
  return []
}

/** Each module's fan-in, fan-out and distance from the entry, the most imported first. */
export const findPlaces = (graph: Graph, entry: string): ReadonlyArray<Place> => {
  const fanIn = new Map<string, number>()
  for (const targets of graph.values()) for (const to of targets) fanIn.set(to, (fanIn.get(to) ?? 0) + 1)
  const depths = findDepths(graph, entry)
  return [...graph]
    .map(([path, targets]) => ({
      path,
      fanIn: fanIn.get(path) ?? 0,
      fanOut: targets.length,
      depth: depths.get(path) ?? -1
    }))
    .sort((a, b) => b.fanIn - a.fanIn || compare(a.path, b.path))
}

/** The number of imports on the shortest way from the entry to each module. */
export const findDepths = (graph: Graph, entry: string): ReadonlyMap<string, number> => {
  const depths = new Map(graph.has(entry) ? [[entry, 0]] : [])
  let layer = [...depths.keys()]
  for (let depth = 1; layer.length > 0; depth++) {
    const next: Array<string> = []
    for (const target of layer.flatMap((path) => graph.get(path) ?? [])) {
      if (depths.has(target)) continue
      depths.set(target, depth)
      next.push(target)
    }
    layer = next
  }
  return depths
}
