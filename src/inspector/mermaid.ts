/**
 * Writes a machine as Mermaid `stateDiagram-v2` text.
 *
 * The diagram has nested and parallel states, initial and final states, and transitions with their guard as `EVENT [guard]`.
 * Mermaid cannot draw the rest, so it stands in a note beside the state: invoked actors, events that the state handles without
 * leaving, and transitions between the state and its own children (Mermaid hides such an edge behind the states). Transitions
 * of the machine's root start at a pseudo state, "any state".
 *
 * Invariants:
 * - the text is deterministic, in the order of declaration
 * - a state's id is its key if that is unique, otherwise its path
 * - two states have one edge per direction, with all its labels, because Mermaid draws two edges on top of each other
 * - an edge between states of different parents stands at the end, because inside a block it would move its states there
 *
 * Boundary: the machine's resolved state nodes in, text out.
 */
import type { AnyStateMachine } from "xstate"
import { nameOf } from "./definition.ts"

/** The fields of XState's StateNode that a diagram needs. */
interface Node {
  readonly key: string
  readonly id: string
  readonly type: string
  readonly history: false | "shallow" | "deep"
  readonly description?: string | undefined
  readonly parent?: Node | undefined
  readonly path: ReadonlyArray<string>
  readonly states: Readonly<Record<string, Node>>
  readonly initial: { readonly target: ReadonlyArray<Node> } | undefined
  readonly invoke: ReadonlyArray<{ readonly id: string; readonly src: unknown }>
  readonly transitions: ReadonlyMap<string, ReadonlyArray<Edge>>
  readonly always?: ReadonlyArray<Edge> | undefined
}

interface Edge {
  readonly eventType: string
  readonly guard?: unknown
  readonly delay?: unknown
  readonly actions: ReadonlyArray<unknown>
  readonly target?: ReadonlyArray<Node> | undefined
}

/** Options of `toMermaid`. */
export interface MermaidOptions {
  /** Puts the states' descriptions into their notes. Default: false, because long notes spread the diagram. */
  readonly descriptions?: boolean
}

/** Returns the diagram as text, without a final line break. */
export const toMermaid = (machine: AnyStateMachine, options: MermaidOptions = {}): string => {
  const root: Node = machine.root
  const drawing = new Drawing(root, options.descriptions ?? false)
  const body = drawing.block(root, "  ")
  return ["stateDiagram-v2", ...body, ...drawing.root(root), ...written(drawing.far, "  ")].join("\n")
}

class Drawing {
  /** Edges between states of different parents. */
  readonly far: Bundles = new Map()
  readonly #ids = new Map<Node, string>()
  readonly #anyState: string
  readonly #isDescribed: boolean

  constructor(root: Node, isDescribed: boolean) {
    this.#isDescribed = isDescribed
    const nodes = descendants(root)
    const uses = new Map<string, number>()
    for (const { key } of nodes) uses.set(word(key), (uses.get(word(key)) ?? 0) + 1)
    const taken = new Set(reserved)
    const take = (wanted: string): string => {
      let id = wanted
      for (let copy = 2; taken.has(id); copy++) id = `${wanted}_${copy}`
      taken.add(id)
      return id
    }
    for (const node of nodes) {
      this.#ids.set(node, take(uses.get(word(node.key)) === 1 ? word(node.key) : word(node.path.join("_"))))
    }
    this.#anyState = take("any_state")
  }

  /** Writes the states inside a composite state or at the top of the diagram, with their notes and the edges between them. */
  block(parent: Node, indent: string): ReadonlyArray<string> {
    const lines: Array<string> = []
    const initial = parent.type === "parallel" ? undefined : parent.initial?.target[0]
    if (initial !== undefined) lines.push(`${indent}[*] --> ${this.#id(childTowards(parent, initial))}`)
    children(parent).forEach((child, index) => {
      if (parent.type === "parallel" && index > 0) lines.push(`${indent}--`)
      lines.push(...this.#state(child, indent), ...this.#note(child, this.#id(child), edgesInto(child), indent))
    })
    const near: Bundles = new Map()
    const ends: Array<string> = []
    for (const child of children(parent)) {
      for (const [edge, target] of edgesOut(child)) {
        const isNear = target.parent === parent && parent.type !== "parallel"
        bundle(isNear ? near : this.far, `${this.#id(child)} --> ${this.#id(target)}`, label(edge))
      }
      if (child.type === "final") ends.push(`${indent}${this.#id(child)} --> [*]`)
    }
    return [...lines, ...written(near, indent), ...ends]
  }

  /** Writes the transitions and invocations of the machine itself, which hold in every state. */
  root(root: Node): ReadonlyArray<string> {
    const everywhere: Bundles = new Map()
    for (const [edge, target] of edgesInto(root)) {
      bundle(everywhere, `${this.#anyState} --> ${this.#id(target)}`, label(edge))
    }
    const lines = [...written(everywhere, "  "), ...this.#note(root, this.#anyState, [], "  ")]
    return lines.length === 0 ? [] : [`  state "any state" as ${this.#anyState}`, ...lines]
  }

  #id(node: Node): string {
    return this.#ids.get(node) ?? this.#anyState
  }

  #state(node: Node, indent: string): ReadonlyArray<string> {
    const id = this.#id(node)
    const title = node.type === "history" ? `${node.key} (${node.history || "shallow"} history)` : node.key
    const named = id === title ? id : `"${escape(title)}" as ${id}`
    if (children(node).length > 0)
      return [`${indent}state ${named} {`, ...this.block(node, `${indent}  `), `${indent}}`]
    return [id === title ? `${indent}${id}` : `${indent}state ${named}`]
  }

  #note(node: Node, id: string, into: ReadonlyArray<Arrow>, indent: string): ReadonlyArray<string> {
    const description = this.#isDescribed ? (node.description ?? "") : ""
    const lines = [...description.split("\n").map((line) => line.trim()), ...noteOf(node, into)].filter(Boolean)
    if (lines.length === 0) return []
    const body = [...new Set(lines)].map((line) => `${indent}  ${escape(line)}`)
    return [`${indent}note right of ${id}`, ...body, `${indent}end note`]
  }
}

type Arrow = readonly [edge: Edge, target: Node]

const children = (node: Node): ReadonlyArray<Node> => Object.values(node.states)

const descendants = (node: Node): ReadonlyArray<Node> =>
  children(node).flatMap((child) => [child, ...descendants(child)])

const edges = (node: Node): ReadonlyArray<Edge> => [...(node.always ?? []), ...[...node.transitions.values()].flat()]

const arrows = (node: Node): ReadonlyArray<Arrow> =>
  edges(node).flatMap((edge) => (edge.target ?? []).map((target): Arrow => [edge, target]))

const isInside = (node: Node, ancestor: Node): boolean =>
  node.parent !== undefined && (node.parent === ancestor || isInside(node.parent, ancestor))

const edgesInto = (node: Node): ReadonlyArray<Arrow> => arrows(node).filter(([, target]) => isInside(target, node))

const edgesOut = (node: Node): ReadonlyArray<Arrow> =>
  arrows(node).filter(([, target]) => !isInside(target, node) && !isInside(node, target))

const childTowards = (ancestor: Node, node: Node): Node =>
  node.parent === undefined || node.parent === ancestor ? node : childTowards(ancestor, node.parent)

const noteOf = (node: Node, into: ReadonlyArray<Arrow>): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const { id, src } of node.invoke) lines.push(`invokes ${invoked(node, id, nameOf(src))}`)
  for (const edge of edges(node)) {
    if (edge.target === undefined) lines.push(`${edge.actions.length === 0 ? "ignores" : "on"} ${label(edge)}`)
  }
  for (const [edge, target] of [...into, ...edgesOutward(node)]) lines.push(`on ${label(edge)} to ${target.key}`)
  return lines
}

/** Returns the edges from a state to its ancestors. Mermaid's layout cannot draw them either. */
const edgesOutward = (node: Node): ReadonlyArray<Arrow> => arrows(node).filter(([, target]) => isInside(node, target))

/** XState numbers an actor without an id of its own. Such an id tells a reader nothing, so it is left out. */
const invoked = (node: Node, id: string, src: string): string =>
  id === src || id.endsWith(`.${node.id}`) ? src : `${src} as ${id}`

/** The labels of all edges, by `source --> target`. */
type Bundles = Map<string, Set<string>>

const bundle = (bundles: Bundles, arrow: string, text: string): void => {
  const labels = bundles.get(arrow)
  if (labels === undefined) bundles.set(arrow, new Set([text]))
  else labels.add(text)
}

/** An unconditional edge has no label, unless it shares its line with others. */
const written = (bundles: Bundles, indent: string): ReadonlyArray<string> =>
  [...bundles].map(([arrow, labels]) => {
    const texts = labels.size === 1 ? [...labels] : [...labels].map((text) => (text === "" ? "always" : text))
    const text = escape(texts.join(", "))
    return text === "" ? `${indent}${arrow}` : `${indent}${arrow} : ${text}`
  })

const label = (edge: Edge): string => {
  const guard = edge.guard === undefined ? "" : `[${nameOf(edge.guard)}]`
  return [event(edge), guard].filter((part) => part !== "").join(" ")
}

const event = (edge: Edge): string => {
  const [, kind, rest] =
    /^xstate\.(done\.state|done\.actor|error\.actor|snapshot|after)\.(.*)$/u.exec(edge.eventType) ?? []
  switch (kind) {
    case undefined:
      return edge.eventType === "*" ? "any event" : edge.eventType
    case "done.state":
      return "done"
    case "done.actor":
      return "actor done"
    case "error.actor":
      return "actor failed"
    case "snapshot":
      return "actor changed"
    default:
      return typeof edge.delay === "number" ? `after ${edge.delay} ms` : `after ${nameOf(edge.delay ?? rest)}`
  }
}

const word = (text: string): string => text.replace(/\W+/gu, "_")

/** Words of Mermaid's grammar, which cannot be ids. */
const reserved = ["state", "note", "end", "direction", "as", "class", "classDef", "style", "click", "default", "root"]

/** Mermaid ends a label at a colon, semicolon or line break, and reads `#` as the start of an entity. */
const escape = (text: string): string =>
  text.replace(/\s+/gu, " ").replace(/[#:;"{}<>]/gu, (character) => `#${character.codePointAt(0)};`)
