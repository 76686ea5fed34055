/**
 * Walking a syntax tree without recursion: minified code nests deeper than a stack is tall.
 *
 * Boundary: the shape of the tree only; what nodes mean is the business of bindings.ts and measures.ts.
 */
import type { Function as FunctionNode, Node } from "@babel/types"

export type { FunctionNode, Node }

/** The surroundings of a node: its ancestors (outermost first, its parent last), and the key under which the parent holds it. */
export interface Visitor {
  /** Called before the children. Returns false to leave them out, and `leave` with them. */
  readonly enter: (node: Node, ancestors: ReadonlyArray<Node>, key: string) => boolean | void
  /** Called after the children. */
  readonly leave?: (node: Node, ancestors: ReadonlyArray<Node>) => void
}

/**
 * A tree as lists in source order: each node, the parent's key that holds it, and where its subtree ends. Finding the
 * children is what a walk spends its time on; this does it once for all walks.
 */
export interface Tree {
  readonly nodes: ReadonlyArray<Node>
  readonly keys: ReadonlyArray<string>
  /** For each node, the index of the first one after it that is not inside it. */
  readonly ends: ReadonlyArray<number>
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as { readonly type?: unknown }).type === "string"

export const flatten = (root: Node): Tree => {
  const nodes: Array<Node> = []
  const keys: Array<string> = []
  const ends: Array<number> = []
  const waiting: Array<Node | number> = [root]
  const waitingKeys: Array<string> = [""]
  while (waiting.length > 0) {
    const node = waiting.pop() as Node | number
    const key = waitingKeys.pop() as string
    // A number says that all of that node's children have been listed.
    if (typeof node === "number") {
      ends[node] = nodes.length
      continue
    }
    waiting.push(nodes.length)
    waitingKeys.push("")
    nodes.push(node)
    keys.push(key)
    ends.push(0)
    const names = Object.keys(node)
    for (let index = names.length - 1; index >= 0; index--) {
      const name = names[index] as string
      const value = (node as unknown as Record<string, unknown>)[name]
      if (Array.isArray(value)) {
        for (let item = value.length - 1; item >= 0; item--) {
          if (isNode(value[item])) {
            waiting.push(value[item])
            waitingKeys.push(name)
          }
        }
      } else if (isNode(value)) {
        waiting.push(value)
        waitingKeys.push(name)
      }
    }
  }
  return { nodes, keys, ends }
}

/** Visits a tree in source order. */
export const walk = ({ nodes, keys, ends }: Tree, visitor: Visitor): void => {
  const ancestors: Array<Node> = []
  const open: Array<number> = []
  const closeUntil = (index: number): void => {
    while (open.length > 0 && index >= (ends[open[open.length - 1] as number] as number)) {
      open.pop()
      const left = ancestors.pop() as Node
      visitor.leave?.(left, ancestors)
    }
  }
  for (let index = 0; index < nodes.length;) {
    closeUntil(index)
    const node = nodes[index] as Node
    if (visitor.enter(node, ancestors, keys[index] as string) === false) {
      index = ends[index] as number
      continue
    }
    ancestors.push(node)
    open.push(index)
    index++
  }
  closeUntil(nodes.length)
}

/** Where a node starts: its line, counted from 1, and its column, counted from 0. */
export const placeOf = (node: Node): { readonly line: number; readonly column: number } => ({
  line: node.loc?.start.line ?? 0,
  column: node.loc?.start.column ?? 0
})

const functions = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "ObjectMethod",
  "ClassMethod",
  "ClassPrivateMethod"
])

export const isFunction = (node: Node): node is FunctionNode => functions.has(node.type)

/** The names that a binding pattern declares. */
export const patternNames = (pattern: Node | null | undefined): ReadonlyArray<string> => {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern.name]
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        patternNames(property.type === "RestElement" ? property.argument : property.value)
      )
    case "ArrayPattern":
      return pattern.elements.flatMap(patternNames)
    case "AssignmentPattern":
      return patternNames(pattern.left)
    case "RestElement":
      return patternNames(pattern.argument)
    case "TSParameterProperty":
      return patternNames(pattern.parameter)
    default:
      return []
  }
}

/** The name of a property, method or member that is written out, not computed; else undefined. */
export const keyName = (node: { readonly computed?: boolean | null | undefined }, key: Node): string | undefined => {
  if (key.type === "Identifier") return node.computed === true ? undefined : key.name
  if (key.type === "StringLiteral") return key.value
  if (key.type === "NumericLiteral") return String(key.value)
  if (key.type === "PrivateName") return `#${key.id.name}`
  return undefined
}

/** The strings that an expression can be, if that can be read off it: a literal, or a choice between literals. */
export const literals = (node: Node | undefined): ReadonlyArray<string> | undefined => {
  if (node?.type === "StringLiteral") return [node.value]
  if (node?.type === "TemplateLiteral" && node.expressions.length === 0) {
    return [node.quasis[0]?.value.cooked ?? ""]
  }
  if (node?.type === "ConditionalExpression") {
    const yes = literals(node.consequent)
    const no = literals(node.alternate)
    return yes === undefined || no === undefined ? undefined : [...yes, ...no]
  }
  return undefined
}
