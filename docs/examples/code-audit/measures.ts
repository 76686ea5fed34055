/**
 * The measures of each function: its length, its cyclomatic complexity and a hash by which clones are found.
 *
 * Complexity is McCabe's number of decisions plus one, counted as ESLint's classic rule does: branches, loops, cases,
 * `catch`, `?:`, `&&`, `||`, `??`, their assignments, default values and optional chains. A nested function counts for
 * itself, and so do the value of a class field and a static block, which are functions that nobody wrote as such.
 *
 * The hash is over the shape of the tree: kinds of node, operators and property names stay, and so does each name from
 * outside of the function: an import's with its module, another with the shape of its declaration. A function's own names
 * are numbered in order of appearance and literals stand for any of their type. So it finds what was copied and then
 * renamed, and tells apart what calls others.
 *
 * Boundary: takes a tree, returns values.
 */
import { posix } from "node:path"
import { type FunctionNode, isFunction, keyName, type Node, patternNames, type Tree, walk } from "./ast.ts"
import { isOutside } from "./loads.ts"
import { isTypeOnly } from "./references.ts"
import { declaringScope, type Scopes } from "./scopes.ts"
import type { Bound } from "./statements.ts"

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

export interface MeasureInput {
  readonly path: string
  readonly tree: Tree
  readonly scopes: Scopes
  /** The names that import statements bind. */
  readonly bound: ReadonlyMap<string, Bound>
  /** Whether functions are compared: false leaves out hashes and sizes. */
  readonly hashes: boolean
}

interface Frame {
  readonly node: Node
  /** How many nodes are above it. */
  readonly depth: number
  readonly name: string
  readonly firstToken: number
  /** The code of the name by which it is called from within. */
  readonly self: number
  complexity: number
}

/** Measures all functions of a tree, in the order in which they end. */
export const measureFunctions = (input: MeasureInput): ReadonlyArray<Measured> => {
  const measured: Array<Omit<Measured, "hash"> & { readonly compared: Slice | undefined }> = []
  const frames: Array<Frame> = []
  const tokens = new Tokens(input)
  const open = (node: Node, ancestors: ReadonlyArray<Node>, name: string): void => {
    const self = input.hashes ? tokens.selfOf(node, ancestors) : 0
    frames.push({ node, depth: ancestors.length, name, firstToken: tokens.length, self, complexity: 1 })
  }
  walk(input.tree, {
    enter: (node, ancestors, key) => {
      if (isTypeOnly(node)) return false
      if (isFunction(node)) open(node, ancestors, calledName(node, ancestors, frames))
      else if (isImplicit(node, ancestors, key)) open(node, ancestors, implicitName(node, ancestors))
      const ways = decisions(node)
      if (ways > 0) {
        const frame = frameAround(frames, node, ancestors)
        if (frame !== undefined) frame.complexity += ways
      }
      if (input.hashes) tokens.open(node, ancestors, key)
      return true
    },
    leave: (node, ancestors) => {
      if (input.hashes) tokens.close(node, ancestors)
      const frame = frames.at(-1)
      if (frame?.node !== node) return
      frames.pop()
      const isWritten = isFunction(node)
      // The value of a field is one more function only where it decides something.
      if (!isWritten && node.type !== "StaticBlock" && frame.complexity === 1) return
      const size = (tokens.length - frame.firstToken) / 2
      const place = (isWritten || node.type === "StaticBlock" ? node : ancestors.at(-1))?.loc?.start
      measured.push({
        name: frame.name,
        line: place?.line ?? 0,
        column: place?.column ?? 0,
        endLine: node.loc?.end.line ?? 0,
        complexity: frame.complexity,
        size,
        compared:
          input.hashes && isWritten && size >= cloneSizeMin
            ? { first: frame.firstToken, end: tokens.length, self: frame.self }
            : undefined
      })
    }
  })
  // Hashed at the end: a function may use what is declared after it.
  return measured.map(({ compared, ...rest }) => ({
    ...rest,
    hash: compared === undefined ? "" : tokens.hash(compared)
  }))
}

/** Whether a node is run as a function without being written as one. */
const isImplicit = (node: Node, ancestors: ReadonlyArray<Node>, key: string): boolean =>
  node.type === "StaticBlock" ||
  (key === "value" && /^Class(Private|Accessor)?Property$/.test(ancestors.at(-1)?.type ?? ""))

const implicitName = (node: Node, ancestors: ReadonlyArray<Node>): string => {
  if (node.type === "StaticBlock") return inClass("static", ancestors.at(-2)) ?? "static"
  const field = ancestors.at(-1)
  const name = field !== undefined && "key" in field ? keyName("computed" in field ? field : {}, field.key) : undefined
  return inClass(name, ancestors.at(-3)) ?? "field"
}

/** The function that a decision belongs to: keys and decorators of a method are evaluated around it. */
const frameAround = (frames: ReadonlyArray<Frame>, node: Node, ancestors: ReadonlyArray<Node>): Frame | undefined =>
  frames.findLast((frame) => frame.node === node || !isOutside(frame.node, ancestors[frame.depth + 1] ?? node))

const calledName = (node: FunctionNode, ancestors: ReadonlyArray<Node>, frames: ReadonlyArray<Frame>): string => {
  const outer = frames.findLast((frame) => isFunction(frame.node))
  const name = nameOf(node, ancestors, outer === undefined ? 0 : outer.depth + 1)
  return name ?? (outer === undefined ? "anonymous" : `anonymous in ${outer.name.replace(/^anonymous in /, "")}`)
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
    case "CatchClause":
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
      case "ClassPrivateProperty":
      case "ClassAccessorProperty":
        return inClass(keyName("computed" in above ? above : {}, above.key), ancestors[index - 2])
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

/** A name that stands for a variable: where its scope begins, and how it is declared. */
interface Variable {
  readonly start: number
  readonly hash: number
  declaration?: Slice
  /** The hash of name and declaration together, once it was asked for. */
  outside?: number
}

/** A part of the sequence, and the code of the name by which it is called from within: 0 for none. */
interface Slice {
  readonly first: number
  readonly end: number
  readonly self: number
}

/** The tree as a sequence of numbers, two for a node, of which any function is a slice. */
class Tokens {
  private readonly input: MeasureInput
  private readonly codes: Array<number> = []
  private readonly interned = new Map<string, number>()
  /** Hashes of the interned texts: numbers given in order of appearance would differ from file to file. */
  private readonly signatures: Array<number> = []
  private readonly variables: Array<Variable> = []
  /** Where each scope begins. */
  private readonly starts = new Map<Node, number>()
  /** Where each declaration that is not closed yet begins. */
  private readonly declarations: Array<number> = []
  private readonly variableCodes = new Map<Node | undefined, Map<string, number>>()

  constructor(input: MeasureInput) {
    this.input = input
  }

  get length(): number {
    return this.codes.length
  }

  open(node: Node, ancestors: ReadonlyArray<Node>, key: string): void {
    if (this.input.scopes.has(node)) this.starts.set(node, this.codes.length)
    if (declares(node)) this.declarations.push(this.codes.length)
    const parent = ancestors.at(-1)
    // Negative: a variable, numbered anew in each hash of a function that declares it. Zero closes a node.
    this.codes.push(
      isVariable(node, parent, key) ? -this.variable(node.name, ancestors) : this.intern(signature(node, parent, key))
    )
  }

  close(node: Node, ancestors: ReadonlyArray<Node>): void {
    this.codes.push(0)
    if (!declares(node)) return
    const first = this.declarations.pop() ?? 0
    for (const name of patternNames(node.id)) {
      const variable = this.variables[this.variable(name, ancestors) - 1] as Variable
      variable.declaration ??= { first, end: this.codes.length, self: 0 }
    }
  }

  /** The code of the name that a function has around it: it may call itself by that. */
  selfOf(node: Node, ancestors: ReadonlyArray<Node>): number {
    const parent = ancestors.at(-1)
    const name =
      node.type === "FunctionDeclaration"
        ? node.id?.name
        : parent?.type === "VariableDeclarator" && parent.id.type === "Identifier"
          ? parent.id.name
          : undefined
    return name === undefined ? 0 : this.variable(name, ancestors)
  }

  hash(slice: Slice): string {
    return this.fold(slice, (variable) => this.outside(variable))
      .map((half) => (half >>> 0).toString(16).padStart(8, "0"))
      .join("")
  }

  /** A variable as others see it: by its name and by the shape of its declaration. */
  private outside(variable: Variable): number {
    if (variable.declaration === undefined) return variable.hash
    variable.outside ??= this.fold(variable.declaration, ({ hash }) => hash)[0] ^ variable.hash
    return variable.outside
  }

  /** Two 32-bit FNV-1a hashes over a slice, with different seeds. */
  private fold({ first, end, self }: Slice, outside: (variable: Variable) => number): readonly [number, number] {
    const names = new Map<number, number>()
    let low = 0x811c9dc5
    let high = 0x6c62272e
    for (let index = first; index < end; index++) {
      let code = this.codes[index] as number
      if (code < 0) {
        const variable = this.variables[-code - 1] as Variable
        if (variable.start >= first || -code === self) {
          const seen = names.get(code) ?? names.size
          names.set(code, seen)
          code = 0x40000000 + seen
        } else code = outside(variable)
      } else if (code > 0) {
        code = this.signatures[code - 1] as number
      }
      low = Math.imul(low ^ code, 0x01000193)
      high = Math.imul(high ^ (code + index - first), 0x01000193)
    }
    return [low, high]
  }

  private variable(name: string, ancestors: ReadonlyArray<Node>): number {
    const scope = declaringScope(this.input.scopes, name, ancestors)
    let inScope = this.variableCodes.get(scope)
    if (inScope === undefined) this.variableCodes.set(scope, (inScope = new Map()))
    const known = inScope.get(name)
    if (known !== undefined) return known
    const start = scope === undefined ? -1 : (this.starts.get(scope) ?? -1)
    const isImport = scope !== undefined && scope === ancestors[0]
    this.variables.push({ start, hash: hashOf(outerName(name, isImport ? this.input : undefined)) })
    inScope.set(name, this.variables.length)
    return this.variables.length
  }

  private intern(text: string): number {
    const known = this.interned.get(text)
    if (known !== undefined) return known
    this.signatures.push(hashOf(text))
    this.interned.set(text, this.signatures.length)
    return this.signatures.length
  }
}

type Declaration = Extract<Node, { type: "VariableDeclarator" | "FunctionDeclaration" | "ClassDeclaration" }>

const declares = (node: Node): node is Declaration =>
  node.type === "VariableDeclarator" || node.type === "FunctionDeclaration" || node.type === "ClassDeclaration"

const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash | 0
}

/** The text that identifies a name from outside of a function: for an import, its module and its name there. */
const outerName = (name: string, module: Pick<MeasureInput, "path" | "bound"> | undefined): string => {
  const origin = module?.bound.get(name)
  if (module === undefined || origin === undefined) return `outer ${name}`
  const { specifier, imported } = origin
  const path = /^\.{1,2}\//.test(specifier)
    ? posix.join(posix.dirname(module.path), specifier).replace(/\.[cm]?[jt]sx?$/, "")
    : specifier
  return `import ${imported} of ${path}`
}

const isVariable = (
  node: Node,
  parent: Node | undefined,
  key: string
): node is Extract<Node, { type: "Identifier" }> => {
  if (node.type !== "Identifier") return false
  if (parent?.type === "MetaProperty" || parent?.type === "PrivateName") return false
  const isComputed = parent !== undefined && "computed" in parent && parent.computed
  if (key === "property") return isComputed
  // The name of a method is not part of what it does, that of a property is part of what its object is.
  if (key === "key") return parent !== undefined && (isFunction(parent) || isComputed)
  return key !== "label"
}

/** Fields that say what a node does, beside its kind and its children. */
const telling = [
  "operator",
  "prefix",
  "kind",
  "async",
  "generator",
  "delegate",
  "computed",
  "optional",
  "static",
  "await",
  "phase"
] as const

const signature = (node: Node, parent: Node | undefined, key: string): string => {
  switch (node.type) {
    case "Identifier":
    case "JSXIdentifier":
      return `${node.type} ${node.name}`
    case "BooleanLiteral":
      return `${node.type} ${node.value}`
    // A pattern is code.
    case "RegExpLiteral":
      return `${node.type} /${node.pattern}/${node.flags}`
    case "DirectiveLiteral":
      return `${node.type} ${node.value}`
    case "StringLiteral":
    case "NumericLiteral":
      return isName(node, parent, key) ? `name ${node.value}` : node.type
    // A declaration and a write do the same.
    case "FunctionDeclaration":
    case "FunctionExpression":
      return `function ${node.async} ${node.generator}`
    default: {
      const fields = node as unknown as Readonly<Record<string, boolean | string | null | undefined>>
      const told = telling.filter((field) => fields[field] != null && fields[field] !== false)
      return [node.type, ...told.map((field) => `${field} ${fields[field]}`)].join(" ")
    }
  }
}

/** Whether a literal stands for a name: of a property, or of a module that is loaded. */
const isName = (node: Node, parent: Node | undefined, key: string): boolean => {
  switch (parent?.type) {
    case "MemberExpression":
    case "OptionalMemberExpression":
      return key === "property" && node.type === "StringLiteral"
    case "ImportExpression":
      return key === "source"
    case "CallExpression":
      return parent.callee.type === "Identifier" && parent.callee.name === "require"
    default:
      return key === "key"
  }
}
