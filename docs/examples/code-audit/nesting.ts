/**
 * How deep a text nests, and a limit of the audit's own for it.
 *
 * The parser calls itself for what stands inside of something else, so the host's stack ends a parse: at another depth on
 * the main thread than on a worker, and at another one once the code is compiled. An audit must not depend on that. So depth
 * is counted, on the tree, in units of stack, and all above `nestingMax` is too deep everywhere, although a larger stack
 * could take it. The smallest stack (984 kB, code not compiled yet) takes about 10,000 units of each construct.
 *
 * A text that is too deep is cut: brackets that nest deeper than a level lose their content. So the rest of it is read,
 * its imports first of all.
 *
 * Boundary: pure; what is made of a tree or of a cut text is the business of syntax.ts.
 */
import jsTokens from "js-tokens"
import type { Node, Tree } from "./ast.ts"

/** The units above which a text is too deep: some 180 brackets inside each other, or 1,000 times `else if`. */
export const nestingMax = 7_000

/** The levels of brackets to which a text is cut, in the order in which they are tried. */
export const cutLevels: ReadonlyArray<number> = [100, 20, 2, 1]

const bracket = 38

/** Units of stack between a node and its children, as measured; half as much again where a measure was not taken. */
const units: Readonly<Record<string, number>> = {
  ArrayExpression: bracket,
  ArrayPattern: bracket,
  ObjectExpression: bracket,
  ObjectPattern: bracket,
  CallExpression: bracket,
  OptionalCallExpression: bracket,
  NewExpression: bracket,
  ImportExpression: bracket,
  MemberExpression: bracket,
  OptionalMemberExpression: bracket,
  TemplateLiteral: bracket,
  JSXExpressionContainer: bracket,
  ArrowFunctionExpression: 28,
  FunctionExpression: 32,
  FunctionDeclaration: 32,
  ObjectMethod: 32,
  ClassMethod: 32,
  ClassPrivateMethod: 32,
  ClassExpression: 20,
  ClassDeclaration: 20,
  ClassProperty: 24,
  ClassPrivateProperty: 24,
  ClassAccessorProperty: 24,
  BlockStatement: 14,
  ForStatement: 14,
  ForInStatement: 14,
  ForOfStatement: 14,
  WhileStatement: 14,
  DoWhileStatement: 14,
  WithStatement: 14,
  LabeledStatement: 14,
  SwitchStatement: 14,
  StaticBlock: 14,
  ConditionalExpression: 12,
  IfStatement: 7,
  AssignmentExpression: 8,
  UnaryExpression: 4,
  BinaryExpression: 3,
  LogicalExpression: 3,
  ObjectProperty: 2,
  ClassBody: 2,
  TryStatement: 2,
  JSXElement: 2,
  JSXFragment: 2
}

/** Links of a chain, `a.b().c`, are read one after the other. */
const chained = new Set(["callee", "object", "tag"])

const unitsOf = (parent: Node, key: string): number => {
  if (chained.has(key) && parent.type !== "NewExpression" && parent.type !== "WithStatement") return 0
  // In TypeScript it may begin the arguments of a type.
  if (parent.type === "BinaryExpression" && parent.operator === "<") return bracket
  return units[parent.type] ?? (parent.type.startsWith("TS") ? 24 : 8)
}

/** The units of the deepest node of a tree. */
export const nestingOf = ({ nodes, keys, ends }: Tree, text: string): number => {
  const open: Array<{ readonly node: Node; readonly end: number; readonly depth: number }> = []
  let deepest = 0
  for (const [index, node] of nodes.entries()) {
    while (open.length > 0 && index >= (open[open.length - 1]?.end ?? 0)) open.pop()
    const parent = open.at(-1)
    const above = parent === undefined ? 0 : parent.depth + unitsOf(parent.node, keys[index] ?? "")
    const depth = above + bracket * parenthesesOf(node, text)
    deepest = Math.max(deepest, depth)
    open.push({ node, end: ends[index] ?? 0, depth })
  }
  return deepest
}

/** The parentheses around a node, which leave no node of their own. */
const parenthesesOf = ({ extra, start }: Node, text: string): number => {
  const from = extra?.["parenStart"]
  if (typeof from !== "number" || typeof start !== "number") return 0
  let count = 0
  for (let index = from; index < start; index++) if (text[index] === "(") count++
  return count
}

// ----------------------------------------------------------------------------------- a text that gives no tree at all

const opening = new Set(["(", "[", "{"])
const closing = new Set([")", "]", "}"])
const words = new Set([
  "else",
  "if",
  "for",
  "while",
  "do",
  "typeof",
  "void",
  "delete",
  "await",
  "yield",
  "new",
  "return"
])

interface Token {
  readonly type: string
  readonly value: string
}

const tokensOf = (text: string, jsx: boolean): Iterable<Token> => (jsx ? jsTokens(text, { jsx }) : jsTokens(text))

const step = ({ type, value }: Token): -1 | 0 | 1 => {
  if (type === "TemplateHead") return 1
  if (type === "TemplateTail") return -1
  if (type !== "Punctuator" && type !== "JSXPunctuator") return 0
  return opening.has(value) ? 1 : closing.has(value) ? -1 : 0
}

/** At least the units that parsing takes, read off the words of a text that does not parse. */
export const textNesting = (text: string, jsx: boolean): number => {
  let levels: Array<number> = [0]
  let sum = 0
  let deepest = 0
  let endsOpen = false
  for (const token of tokensOf(text, jsx)) {
    const change = step(token)
    const last = levels.length - 1
    const links = levels[last] ?? 0
    if (change > 0) {
      levels.push(0)
      sum += bracket
    } else if (change < 0 && last > 0) {
      sum -= links + bracket
      levels.pop()
    } else if (change < 0) {
      levels = [0]
      sum = 0
    } else if (token.value === ";" || token.value === "," || (token.type === "LineTerminatorSequence" && !endsOpen)) {
      sum -= links
      levels[last] = 0
    } else if (words.has(token.value) || token.type === "Punctuator" || token.value === "<") {
      levels[last] = links + 14
      sum += 14
    }
    deepest = Math.max(deepest, sum)
    if (!isBlank(token)) {
      endsOpen = words.has(token.value) || (token.type === "Punctuator" && change >= 0)
    }
  }
  return deepest
}

/**
 * The text with nothing left in brackets that nest deeper than `levels` but a name, where the grammar needs one. Lines stay
 * where they are, and so do the names of imports and exports and the texts of calls such as `require("./a")`.
 */
export const cutDeep = (text: string, levels: number, jsx: boolean): string => {
  const tokens = [...tokensOf(text, jsx)]
  const kept: Array<string> = []
  let depth = 0
  let recent = ""
  let filling = ""
  let keptUntil = -1
  for (const [index, token] of tokens.entries()) {
    const change = step(token)
    if (change < 0) depth = Math.max(0, depth - 1)
    if (depth < levels) {
      kept.push(token.value)
      if (change > 0) {
        filling = fillingOf(token, recent)
        if (isPlain(tokens, index, recent)) keptUntil = tokens.findIndex((other, at) => at > index && step(other) < 0)
      }
    } else if (index < keptUntil || isBlank(token)) kept.push(index < keptUntil ? token.value : blank(token.value))
    else {
      kept.push(filling + blank(token.value).slice(filling.length))
      filling = ""
    }
    if (change > 0) depth++
    if (!isBlank(token)) recent = `${recent} ${token.value}`.slice(-40)
  }
  return kept.join("")
}

/** Whether a bracket holds the names of an import or export, or nothing but a text. */
const isPlain = (tokens: ReadonlyArray<Token>, index: number, recent: string): boolean => {
  if (tokens[index]?.value === "{") return /(^|[\s;}])(import|export)( type)?( [\w$]+ ,)?$/.test(recent)
  const inside = tokens.slice(index + 1, index + 6).filter((token) => !isBlank(token))
  return inside[0]?.type === "StringLiteral" && step(inside[1] ?? inside[0]) < 0
}

/** A stand-in for the content of a bracket: for an expression, a parameter or an element alike. */
const fillingOf = ({ type, value }: Token, recent: string): string =>
  value === "(" && / for( await)?$/.test(recent) ? ";;" : value === "{" && type === "Punctuator" ? "" : "_"

const blank = (text: string): string => text.replace(/[^\n\r\u2028\u2029]/g, " ")

const isBlank = ({ type }: Token): boolean =>
  type === "WhiteSpace" || type === "LineTerminatorSequence" || type.endsWith("Comment")
