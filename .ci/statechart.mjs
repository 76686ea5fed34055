// Lays out the statechart of a job with ELK, once, when the package is built: the console draws it without a layout engine.
import ELK from "elkjs"

/** The states of a machine's node, with their children. */
const stateOf = (node) => {
  const children = Object.values(node.states)
  const isParent = children.length > 0
  return {
    id: node.id,
    ...(isParent
      ? {
          children: children.map(stateOf),
          layoutOptions: { "elk.padding": "[top=34,left=18,bottom=18,right=18]" }
        }
      : { width: Math.max(94, node.key.length * 8 + 24), height: 46 })
  }
}

const descendants = (node) => Object.values(node.states).flatMap((child) => [child, ...descendants(child)])

/** One edge for each pair of states, with all its events. */
const edgesOf = (root) => {
  const edges = new Map()
  for (const node of descendants(root)) {
    for (const transitions of node.transitions.values()) {
      for (const { eventType, guard, target } of transitions) {
        const to = target?.[0]
        if (to === undefined || to === node) continue
        // An edge into a parent state leads to its first child: it ends at the parent's border.
        const key = `${node.id}>${to.id}`
        const name = guard === undefined ? eventType : `${eventType} [${guard.type ?? guard}]`
        const edge = edges.get(key) ?? { id: key, sources: [node.id], targets: [to.id], names: [] }
        edges.set(key, edge)
        edge.names.push(name)
      }
    }
  }
  return [...edges.values()]
}

const round = (n) => Math.round(n * 10) / 10

/** Absolute places of all states. */
const placesOf = (node, x, y, states) => {
  for (const child of node.children ?? []) {
    const at = { x: x + child.x, y: y + child.y }
    states.push({
      id: child.id,
      x: round(at.x),
      y: round(at.y),
      width: round(child.width),
      height: round(child.height),
      isParent: child.children !== undefined
    })
    placesOf(child, at.x, at.y, states)
  }
  return states
}

/** The statechart of a machine, laid out: states with their places, and edges with their points. */
export const layoutOf = async (machine) => {
  const elk = new ELK()
  const laid = await elk.layout({
    id: "root",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": "RIGHT",
      "elk.hierarchyHandling": "INCLUDE_CHILDREN",
      "elk.json.edgeCoords": "ROOT",
      "elk.layered.spacing.nodeNodeBetweenLayers": "44",
      "elk.spacing.nodeNode": "26",
      "elk.spacing.edgeNode": "14",
      "elk.spacing.edgeEdge": "10",
      "elk.edgeRouting": "ORTHOGONAL"
    },
    children: Object.values(machine.root.states).map(stateOf),
    edges: edgesOf(machine.root).map(({ id, sources, targets }) => ({ id, sources, targets }))
  })
  const names = new Map(edgesOf(machine.root).map((edge) => [edge.id, edge.names]))
  const nodes = new Map(descendants(machine.root).map((node) => [node.id, node]))
  return {
    width: round(laid.width),
    height: round(laid.height),
    states: placesOf(laid, 0, 0, []).map((state) => {
      const node = nodes.get(state.id)
      return {
        ...state,
        key: node.key,
        path: node.path.join("."),
        isFinal: node.type === "final",
        description: node.description ?? ""
      }
    }),
    edges: laid.edges.map(({ id, sections, sources, targets }) => ({
      from: nodes.get(sources[0]).path.join("."),
      to: nodes.get(targets[0]).path.join("."),
      names: names.get(id),
      points: sections.flatMap(({ bendPoints = [], endPoint, startPoint }) =>
        [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [round(x), round(y)])
      )
    }))
  }
}
