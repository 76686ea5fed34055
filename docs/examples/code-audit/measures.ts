/**
 * What is measured of each function: its length, its cyclomatic complexity and a hash by which clones are found.
 *
 * Complexity is McCabe's number of decisions plus one, counted as ESLint's classic rule does: branches, loops, cases,
 * `?:`, `&&`, `||`, `??`, their assignments, default values and optional chains. A nested function counts for itself.
 *
 * The hash is over the shape of the tree: kinds of node, operators and property names stay; names of variables are
 * numbered in order of appearance and literals stand for any of their type, so it finds what was copied and then renamed.
 *
 * Boundary: takes a tree, returns values.
 */
import { type FunctionNode, isFunction, keyName, type Node, type Tree, walk } from "./ast.ts"
import { isTypeOnly } from "./references.ts"

export interface Measured {
  readonly name: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly complexity: number
  readonly size: number
  readonly hash: string
}

/** Nodes below which a function is too small for its copies to mean anything. */
export const cloneSizeMin = 60

interface Frame {
  readonly node: FunctionNode
  readonly name: string
  readonly firstToken: number
  complexity: number
}

/** Measures all functions of a tree, in the order in which they end. `hashes: false` leaves out hashes and sizes. */
export const measureFunctions = (tree: Tree, options: { readonly hashes: boolean }): ReadonlyArray<Measured> => {
  const measured: Array<Measured> = []
  const frames: Array<Frame> = []
  const tokens = new Tokens()
  walk(tree, {
    enter: (node, ancestors, key) => {
      if (isTypeOnly(node)) return false
      if (isFunction(node)) {
        const outer = frames.at(-1)
        const name = nameOf(node, ancestors, outer === undefined ? 0 : ancestors.indexOf(outer.node) + 1)
        frames.push({
          node,
          name:
            name ?? (outer === undefined ? "anonymous" : `anonymous in ${outer.name.replace(/^anonymous in /, "")}`),
          firstToken: tokens.length,
          complexity: 1
        })
      } else {
        const frame = frames.at(-1)
        if (frame !== undefined) frame.complexity += decisions(node)
      }
      if (options.hashes) tokens.open(node, ancestors.at(-1), key)
      return true
    },
    leave: (node) => {
      if (options.hashes) tokens.close()
      const frame = frames.at(-1)
      if (frame?.node !== node) return
      frames.pop()
      const size = (tokens.length - frame.firstToken) / 2
      const { start, end } = node.loc ?? { start: { line: 0, column: 0 }, end: { line: 0 } }
      measured.push({
        name: frame.name,
        line: start.line,
        column: start.column,
        endLine: end.line,
        complexity: frame.complexity,
        size,
        hash: options.hashes && size >= cloneSizeMin ? tokens.hash(frame.firstToken) : ""
      })
    }
  })
  return measured
}

/** How many ways a node adds to those through its function. */
const decisions = (node: Node): number => {
  switch (node.type) {
    case "IfStatement":
    case "ConditionalExpression":
    case "LogicalExpression":
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
    case "WhileStatement":
    case "DoWhileStatement":
    case "AssignmentPattern":
      return 1
    case "SwitchCase":
      return node.test == null ? 0 : 1
    case "AssignmentExpression":
      return node.operator === "&&=" || node.operator === "||=" || node.operator === "??=" ? 1 : 0
    case "OptionalMemberExpression":
    case "OptionalCallExpression":
      return node.optional ? 1 : 0
    default:
      return 0
  }
}

/** The name that a reader would call a function by, looked for no further out than `from`. */
const nameOf = (node: FunctionNode, ancestors: ReadonlyArray<Node>, from: number): string | undefined => {
  if (node.type === "ClassMethod" || node.type === "ClassPrivateMethod") {
    return inClass(keyName("computed" in node ? node : {}, node.key), ancestors.at(-2))
  }
  if (node.type === "ObjectMethod") return keyName(node, node.key)
  if (node.type !== "ArrowFunctionExpression" && node.id != null) return node.id.name
  for (let index = ancestors.length - 1; index >= from; index--) {
    const above = ancestors[index] as Node
    switch (above.type) {
      case "VariableDeclarator":
        return above.id.type === "Identifier" ? above.id.name : undefined
      case "ObjectProperty":
        return keyName(above, above.key)
      case "ClassProperty":
        return inClass(keyName(above, above.key), ancestors[index - 2])
      case "AssignmentExpression":
        if (above.left.type === "MemberExpression") return keyName(above.left, above.left.property)
        return above.left.type === "Identifier" ? above.left.name : undefined
      case "ExportDefaultDeclaration":
        return "default"
      // `const map = dual(2, (self, f) => ...)`: whatever a function is wrapped in, it goes by the name of the whole.
      case "CallExpression":
      case "NewExpression":
      case "TSAsExpression":
      case "TSSatisfiesExpression":
      case "ParenthesizedExpression":
        break
      default:
        return undefined
    }
  }
  return undefined
}

const inClass = (name: string | undefined, owner: Node | undefined): string | undefined => {
  const named = owner !== undefined && "id" in owner && owner.id?.type === "Identifier" ? owner.id.name : undefined
  return name === undefined || named === undefined ? name : `${named}.${name}`
}

/** The tree as a sequence of numbers, two for a node, of which any function is a slice. */
class Tokens {
  private readonly codes: Array<number> = []
  private readonly interned = new Map<string, number>()

  get length(): number {
    return this.codes.length
  }

  open(node: Node, parent: Node | undefined, key: string): void {
    // Negative: a variable, numbered anew in each hash. Zero closes a node.
    this.codes.push(isVariable(node, parent, key) ? -this.intern(`=${node.name}`) : this.intern(signature(node)))
  }

  close(): void {
    this.codes.push(0)
  }

  /** Two 32-bit FNV-1a hashes over the tokens from `first` on, with different seeds. */
  hash(first: number): string {
    const names = new Map<number, number>()
    let low = 0x811c9dc5
    let high = 0x6c62272e
    for (let index = first; index < this.codes.length; index++) {
      let code = this.codes[index] as number
      if (code < 0) {
        const seen = names.get(code) ?? names.size
        names.set(code, seen)
        code = 0x40000000 + seen
      } else if (code > 0) {
        code = this.signatures[code - 1] as number
      }
      low = Math.imul(low ^ code, 0x01000193)
      high = Math.imul(high ^ (code + index - first), 0x01000193)
    }
    return (low >>> 0).toString(16).padStart(8, "0") + (high >>> 0).toString(16).padStart(8, "0")
  }

  /** Hashes of the interned texts: numbers given in order of appearance would differ from file to file. */
  private readonly signatures: Array<number> = []

  private intern(text: string): number {
    const known = this.interned.get(text)
    if (known !== undefined) return known
    let hash = 0x811c9dc5
    for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
    this.signatures.push(hash | 0)
    this.interned.set(text, this.signatures.length)
    return this.signatures.length
  }
}

const isVariable = (
  node: Node,
  parent: Node | undefined,
  key: string
): node is Extract<Node, { type: "Identifier" }> => {
  if (node.type !== "Identifier") return false
  const isComputed = parent !== undefined && "computed" in parent && parent.computed
  if (key === "property") return isComputed
  // The name of a method is not part of what it does, that of a property is part of what its object is.
  if (key === "key") return parent !== undefined && (isFunction(parent) || isComputed)
  return key !== "label"
}

const signature = (node: Node): string => {
  switch (node.type) {
    case "Identifier":
    case "JSXIdentifier":
      return `${node.type} ${node.name}`
    case "BinaryExpression":
    case "LogicalExpression":
    case "AssignmentExpression":
    case "UnaryExpression":
      return `${node.type} ${node.operator}`
    case "UpdateExpression":
      return `${node.type} ${node.operator} ${node.prefix}`
    case "BooleanLiteral":
      return `${node.type} ${node.value}`
    case "ClassMethod":
    case "ObjectMethod":
      return `${node.type} ${node.kind} ${node.async} ${node.generator}`
    case "FunctionDeclaration":
    case "FunctionExpression":
      return `function ${node.async} ${node.generator}`
    case "ArrowFunctionExpression":
      return `arrow ${node.async}`
    case "YieldExpression":
      return `${node.type} ${node.delegate}`
    case "MemberExpression":
      return `${node.type} ${node.computed}`
    default:
      return node.type
  }
}
