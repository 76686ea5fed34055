/**
 * Rules of house style that need a syntax tree: how long functions and lines of comments are, and how much of an engine a test of
 * an example sets up. test/tidy.test.ts runs them over the project and proves that each of them can fail.
 */
import { parse } from "@babel/parser"
import type { File, Function as FunctionNode, Node } from "@babel/types"
import { once, type SourceFile, type Use } from "./houseStyle.ts"

/** Parsed once for all rules. */
const treeOf = once((file: SourceFile): File =>
  parse(file.text, {
    sourceType: "module",
    sourceFilename: file.path,
    plugins: file.path.endsWith("x") ? ["typescript", "jsx"] : ["typescript"]
  })
)

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

/** Fields of a node that hold no nodes below it. */
const notBelow = new Set(["loc", "extra", "leadingComments", "innerComments", "trailingComments"])

const childrenOf = (node: Node): ReadonlyArray<Node> => {
  const children: Array<Node> = []
  for (const [key, value] of Object.entries<unknown>(node as unknown as Record<string, unknown>)) {
    if (typeof value !== "object" || notBelow.has(key)) continue
    if (Array.isArray(value)) children.push(...value.filter(isNode))
    else if (isNode(value)) children.push(value)
  }
  return children
}

/* ---------------------------------------------------------------- functions */

/**
 * Functions of more lines than the limit, from signature to closing brace: declarations, methods, arrows and function
 * expressions. What is nested counts on its own and as a part of what it is nested in; a function that only returns
 * data is a table, and does not count.
 *
 * A function without a name of its own goes by what it is written under: `const run = Effect.gen(function* () { ... })`
 * is `run`. A method has its class before its name.
 */
export const longFunctions =
  (limitLines: number) =>
  (file: SourceFile): ReadonlyArray<Use> => {
    const found: Array<Use> = []
    const visit = (node: Node, outer: Scope): void => {
      const lines = linesOf(node)
      // A short node has nothing long in it.
      if (lines <= limitLines) return
      const scope = scopeOf(node, outer)
      if (isFunction(node) && !isTable(node)) {
        const text = `${scope.name} has ${lines} lines, more than ${limitLines}`
        found.push({ name: scope.name, text, line: node.loc?.start.line ?? 0 })
      }
      for (const child of childrenOf(node)) visit(child, scope)
    }
    // Most files need no parser.
    if (file.text.split("\n").length > limitLines) {
      visit(treeOf(file).program, { name: "an unnamed function", className: undefined })
    }
    return found
  }

interface Scope {
  /** The nearest name around a node. */
  readonly name: string
  /** The name of the class in whose body a node stands itself. */
  readonly className: string | undefined
}

const linesOf = ({ loc }: Node): number => (loc == null ? 0 : loc.end.line - loc.start.line + 1)

const isFunction = (node: Node): node is FunctionNode =>
  node.type === "FunctionDeclaration" ||
  node.type === "FunctionExpression" ||
  node.type === "ArrowFunctionExpression" ||
  node.type === "ObjectMethod" ||
  node.type === "ClassMethod" ||
  node.type === "ClassPrivateMethod"

const scopeOf = (node: Node, outer: Scope): Scope => {
  const named = (name: string | undefined): Scope => ({ name: name ?? outer.name, className: undefined })
  const ofClass = (name: string | undefined) =>
    named(outer.className === undefined ? name : `${outer.className}.${name}`)
  switch (node.type) {
    case "ClassDeclaration":
    case "ClassExpression":
      return { name: node.id?.name ?? outer.name, className: node.id?.name ?? outer.name }
    case "ClassBody":
      return outer
    case "FunctionDeclaration":
    case "FunctionExpression":
      return named(node.id?.name)
    case "VariableDeclarator":
      return named(nameOf(node.id))
    case "AssignmentExpression":
      return named(nameOf(node.left))
    case "ObjectProperty":
    case "ObjectMethod":
      return named(nameOf(node.key))
    case "ClassMethod":
    case "ClassProperty":
    case "ClassPrivateMethod":
    case "ClassPrivateProperty":
      return ofClass(nameOf(node.key))
    default:
      return named(undefined)
  }
}

const nameOf = (node: Node): string | undefined => {
  if (node.type === "Identifier") return node.name
  if (node.type === "StringLiteral") return node.value
  if (node.type === "PrivateName") return `#${node.id.name}`
  if (node.type === "MemberExpression") return nameOf(node.property)
  return undefined
}

/** Whether a function does nothing but return data: a literal in which nothing is called or defined. */
const isTable = ({ body }: FunctionNode): boolean => {
  if (body.type !== "BlockStatement") return isData(body)
  const [only, ...rest] = body.body
  return only?.type === "ReturnStatement" && only.argument != null && rest.length === 0 && isData(only.argument)
}

const isData = (node: Node): boolean => {
  switch (node.type) {
    case "StringLiteral":
    case "NumericLiteral":
    case "BooleanLiteral":
    case "NullLiteral":
    case "BigIntLiteral":
    case "RegExpLiteral":
    case "TemplateElement":
    case "Identifier":
      return true
    case "ObjectExpression":
    case "ObjectProperty":
    case "ArrayExpression":
    case "TemplateLiteral":
    case "SpreadElement":
    case "MemberExpression":
    case "UnaryExpression":
      return childrenOf(node).every(isData)
    case "TSAsExpression":
    case "TSSatisfiesExpression":
    case "ParenthesizedExpression":
      return isData(node.expression)
    default:
      return false
  }
}

/* ---------------------------------------------------------------- comments */

/** Lines of comments that are longer than the limit: the formatter wraps code, and leaves those as they are. */
export const longComments =
  (limitCharacters: number) =>
  (file: SourceFile): ReadonlyArray<Use> => {
    const lines = file.text.split("\n")
    if (lines.every((line) => line.length <= limitCharacters)) return []
    const numbers = new Set(
      (treeOf(file).comments ?? []).flatMap(({ loc }) =>
        loc == null ? [] : Array.from({ length: loc.end.line - loc.start.line + 1 }, (_, n) => loc.start.line + n)
      )
    )
    return [...numbers]
      .map((line) => ({ line, length: lines[line - 1]?.length ?? 0 }))
      .filter(({ length }) => length > limitCharacters)
      .map(({ length, line }) => ({
        name: "long comment",
        text: `has a comment of ${length} characters, more than ${limitCharacters}`,
        line
      }))
  }

/* ---------------------------------------------------------------- engines */

/** The layers of which an engine is composed. */
const partsOfEngine = new Set(["Engine", "WorkerPool", "JobStore"])

/** The functions that define tests: what stands in them is no set-up, but what a definition in them spans. */
const testFunctions = new Set(["describe", "it", "test", "layer", "beforeAll", "beforeEach", "afterAll", "afterEach"])

/**
 * Files whose own set-up of engines has more lines than the limit: definitions in which a layer of `Engine`, `WorkerPool` or
 * `JobStore` is composed, and single lines of tests that name one. A layer of the test kit is none.
 */
export const longSetUps =
  (limitLines: number) =>
  (file: SourceFile): ReadonlyArray<Use> => {
    if (!/\b(?:Engine|WorkerPool|JobStore)\.layer/.test(file.text)) return []
    const lines = new Set<number>()
    const visit = (node: Node, definition: Node | undefined): void => {
      const owner = isTest(node) ? undefined : isDefinition(node) ? node : definition
      if (isLayerOfEngine(node)) {
        const { end, start } = (owner ?? node).loc ?? { end: { line: 0 }, start: { line: 0 } }
        for (let line = start.line; line <= end.line; line++) lines.add(line)
      }
      for (const child of childrenOf(node)) visit(child, owner)
    }
    visit(treeOf(file).program, undefined)
    const text = `sets up engines of its own in ${lines.size} lines, more than ${limitLines}: Testing.layer has one`
    return lines.size <= limitLines ? [] : [{ name: "set-up", text, line: Math.min(...lines) }]
  }

const isDefinition = ({ type }: Node): boolean => type === "VariableDeclaration" || type === "FunctionDeclaration"

const isTest = (node: Node): boolean => node.type === "CallExpression" && testFunctions.has(rootOf(node.callee))

/** The name with which an expression begins: `it` of `it.effect.prop`. */
const rootOf = (node: Node): string => {
  if (node.type === "Identifier") return node.name
  return node.type === "MemberExpression" ? rootOf(node.object) : ""
}

const isLayerOfEngine = (node: Node): boolean =>
  node.type === "MemberExpression" &&
  node.object.type === "Identifier" &&
  partsOfEngine.has(node.object.name) &&
  (nameOf(node.property) ?? "").startsWith("layer")
