/**
 * From the text of a file to its syntax tree, and what is wrong with the text.
 *
 * A file is a module or a script by its name, then by the `type` of its package.json, as in Node. Where neither says it,
 * the text does: what is valid as CommonJS is CommonJS, what is valid only as a module is one. TypeScript compiles modules
 * to either, so its files are read as modules first.
 *
 * The parser is @babel/parser: pure JavaScript, so the example runs wherever Node does; it reads TypeScript and JSX
 * beside every version of JavaScript; and it goes on after most errors, so that a broken file still yields its imports.
 *
 * Boundary: synchronous, no I/O, and the same for the same text, whatever the host's stack (nesting.ts).
 */
import { parse, type ParserOptions, type ParserPlugin } from "@babel/parser"
import type { File, Statement } from "@babel/types"
import { flatten, type Tree } from "./ast.ts"
import type { Dialect, ProblemCode } from "./facts.ts"
import { cutDeep, cutLevels, nestingMax, nestingOf, textNesting } from "./nesting.ts"

export interface Fault {
  readonly code: ProblemCode
  readonly line: number
  readonly message: string
}

/** The form in which a text was read. Without a `file` it could not be read at all. */
export interface Syntax {
  readonly file: (File & { readonly comments?: File["comments"] }) | undefined
  readonly tree: Tree
  readonly faults: ReadonlyArray<Fault>
}

type Goal = "module" | "commonjs"

/** Reads a text. Never throws: faults say what is wrong with it. */
export const readSyntax = (path: string, text: string, type: Dialect["type"]): Syntax => {
  const read = readWhole(path, text, type)
  if (read !== "too-deep") return read
  const deep: Fault = { code: "too-deep", line: 0, message: "nests too deep: what lies deepest in it is not read" }
  for (const levels of cutLevels) {
    const cut = readWhole(path, cutDeep(text, levels, hasJsx(path)), type)
    if (cut !== "too-deep" && cut.file !== undefined) return { ...cut, faults: [deep] }
  }
  return { ...nothing, faults: [{ ...deep, message: "nests too deep to be read" }] }
}

const nothing: Syntax = { file: undefined, tree: { nodes: [], keys: [], ends: [] }, faults: [] }

const readWhole = (path: string, text: string, type: Dialect["type"]): Syntax | "too-deep" => {
  const attempt = bestAttempt(path, text, type)
  if (attempt === "too-deep") return attempt
  if (attempt.file === undefined) {
    return textNesting(text, hasJsx(path)) > nestingMax ? "too-deep" : { ...nothing, faults: faultsOf(attempt) }
  }
  const tree = flatten(attempt.file.program)
  if (nestingOf(tree, text) > nestingMax) return "too-deep"
  return { file: attempt.file, tree, faults: faultsOf(attempt) }
}

// -------------------------------------------------------------------------------------------------------- attempts

interface Attempt {
  readonly goal: Goal
  readonly file: File | undefined
  readonly error: ParseError | undefined
  /** Whether it is read as a module although a CommonJS file was promised. */
  readonly unpromised: boolean
}

/** The first attempt without an error, or the one that got furthest. */
const bestAttempt = (path: string, text: string, type: Dialect["type"]): Attempt | "too-deep" => {
  const promised = goalOf(path, type)
  const isTypeScript = languageOf(path) === "ts"
  const goals: ReadonlyArray<Goal> =
    promised === "module"
      ? ["module"]
      : isTypeScript || (promised === undefined && looksLikeModule(text))
        ? ["module", "commonjs"]
        : ["commonjs", "module"]
  let best: Attempt | undefined
  let plain: Attempt | undefined
  for (const goal of goals) {
    for (const plugins of dialectsOf(path, text)) {
      const made = attemptAs(goal, plugins, withoutAbstract(path, text), /\.d\.[cm]?ts$/.test(path))
      if (made === "too-deep") return made
      const attempt = { ...made, unpromised: !isTypeScript && promised === "commonjs" && goal === "module" }
      if (attempt.error === undefined) {
        if (goal === "commonjs" || isTypeScript || promised === "module" || hasModuleSyntax(attempt.file))
          return attempt
        // Valid as a module, perhaps without being one: it is CommonJS if that can be.
        plain ??= attempt
      } else if (best === undefined || rank(attempt) > rank(best)) best = attempt
    }
  }
  return plain ?? best ?? { goal: "module", file: undefined, error: undefined, unpromised: false }
}

/** How much a failed attempt tells: one with statements of a module more than one without, and any tree more than none. */
const rank = ({ goal, file }: Attempt): number =>
  file === undefined ? 0 : goal === "module" && hasModuleSyntax(file) ? 2 : 1

/** The type of a file, by its name or its package.json. */
export const goalOf = (path: string, type: Dialect["type"]): Goal | undefined => {
  if (/\.m[jt]sx?$/.test(path)) return "module"
  if (/\.c[jt]sx?$/.test(path)) return "commonjs"
  return type === "none" ? undefined : type
}

/** Only a hint, to read most files once: comments and strings may look like it. */
const looksLikeModule = (text: string): boolean => /^\s*(?:import|export)\b/m.test(text)

export const hasModuleSyntax = (file: File | undefined): boolean => file?.program.body.some(isModuleSyntax) === true

const isModuleSyntax = (statement: Statement): boolean =>
  statement.type === "ImportDeclaration" ||
  statement.type === "ExportNamedDeclaration" ||
  statement.type === "ExportDefaultDeclaration" ||
  statement.type === "ExportAllDeclaration"

export const languageOf = (path: string): "js" | "ts" | "json" => {
  if (path.endsWith(".json")) return "json"
  return /\.[cm]?tsx?$/.test(path) ? "ts" : "js"
}

const hasJsx = (path: string): boolean => languageOf(path) === "js" || path.endsWith("x")

/** The extensions of the language that a file may be written in, the likeliest first. */
const dialectsOf = (path: string, text: string): ReadonlyArray<ReadonlyArray<ParserPlugin>> => {
  const found: Array<ReadonlyArray<ParserPlugin>> = []
  if (languageOf(path) === "js") {
    found.push(["jsx", "decorators"])
    if (text.includes("@")) found.push(["jsx", "decorators-legacy"])
    if (text.includes("@flow")) found.push([["flow", { all: true }], "jsx", "decorators"])
  } else {
    const typescript: ReadonlyArray<ParserPlugin> = path.endsWith("x") ? ["typescript", "jsx"] : ["typescript"]
    found.push([...typescript, "decorators-legacy"])
    if (/\bexport\s+(default\s+)?@/.test(text)) found.push([...typescript, "decorators"])
  }
  return found
}

const proposals: ReadonlyArray<ParserPlugin> = [
  "decoratorAutoAccessors",
  "deferredImportEvaluation",
  "destructuringPrivate",
  "doExpressions",
  "explicitResourceManagement",
  "exportDefaultFrom",
  "sourcePhaseImports",
  "throwExpressions",
  ["importAttributes", { deprecatedAssertSyntax: true }],
  ["optionalChainingAssign", { version: "2023-07" }]
]

interface ParseError {
  readonly message: string
  readonly reasonCode?: string
  readonly missingPlugin?: string | ReadonlyArray<string>
  readonly loc?: { readonly line: number }
}

/** The syntax that compilers accept and the parser does not. */
const harmless = new Set([
  "NonAbstractClassHasAbstractMethod",
  "OverrideNotInSubClass",
  "UnsupportedParameterDecorator"
])

/** The parser does not know `export default @decorated abstract class`: it takes it without the word. */
const withoutAbstract = (path: string, text: string): string =>
  languageOf(path) === "ts" && /\bexport\s+default\s+@/.test(text)
    ? text.replace(/\babstract(?=\s+class\b)/g, (word) => " ".repeat(word.length))
    : text

const attemptAs = (
  goal: Goal,
  plugins: ReadonlyArray<ParserPlugin>,
  text: string,
  dts: boolean
): Pick<Attempt, "goal" | "file" | "error"> | "too-deep" => {
  const options: ParserOptions = {
    sourceType: goal,
    plugins: [...plugins.map((plugin) => (plugin === "typescript" ? withDeclarations(dts) : plugin)), ...proposals],
    errorRecovery: true,
    attachComment: false,
    createImportExpressions: true,
    allowSuperOutsideMethod: true,
    allowUndeclaredExports: true
  }
  try {
    const file = parse(text, options)
    const errors = (file.errors ?? []) as unknown as ReadonlyArray<ParseError>
    return { goal, file, error: errors.find(({ reasonCode = "" }) => !harmless.has(reasonCode)) }
  } catch (error) {
    if (error instanceof RangeError) return "too-deep"
    return { goal, file: undefined, error: error as ParseError }
  }
}

const withDeclarations = (dts: boolean): ParserPlugin => ["typescript", { dts }]

// ---------------------------------------------------------------------------------------------------------- faults

const faultsOf = ({ error, unpromised }: Attempt): ReadonlyArray<Fault> => {
  if (error !== undefined) return [{ code: "syntax", line: error.loc?.line ?? 0, message: reasonOf(error) }]
  if (!unpromised) return []
  const message = "uses import or export, and is CommonJS by its name or its package.json: Node refuses it"
  return [{ code: "module-in-commonjs", line: 0, message }]
}

/** The parser's reason, without words of the parser's own settings. */
const reasonOf = ({ message, reasonCode = "", missingPlugin }: ParseError): string => {
  if (reasonCode === "ImportOutsideModule") return "import and export stand only in modules"
  if (reasonCode === "ImportMetaOutsideModule") return "import.meta stands only in modules"
  if (missingPlugin !== undefined) return `a syntax that the audit does not know (${[missingPlugin].flat().join(", ")})`
  const reason = message.split("\n")[0]?.replace(/ ?\(\d+:\d+\)$/, "") ?? ""
  return /plugin|sourceType|allow\w+Outside|babel/i.test(reason) ? "not valid here" : reason
}
