/**
 * From the text of a file to what the audit knows of it: its imports, its exports and its functions.
 *
 * The parser is @babel/parser: pure JavaScript, so the example runs wherever Node does; it reads TypeScript and JSX
 * beside every version of JavaScript; it goes on after most errors, so a file that a newer tool accepts still yields
 * its imports; and at 15-20 MB/s it is honest CPU work, not a wait for a native addon. It is the audit's only dependency that
 * runs on a worker thread.
 *
 * Boundary: synchronous, no I/O; where a specifier leads is resolve.ts.
 */
import { parse as parseText, type ParserOptions, type ParserPlugin } from "@babel/parser"
import type { File, Statement } from "@babel/types"
import { flatten } from "./ast.ts"
import { analyseBindings, type Bindings } from "./bindings.ts"
import type { Export, FunctionMeasure, Import, Module, Problem } from "./facts.ts"
import { measureFunctions } from "./measures.ts"
import { boundImports, exportsOf, importsOf } from "./statements.ts"

/** What parsing one file yields. */
export interface Parsed {
  readonly module: Module
  readonly imports: ReadonlyArray<Import>
  readonly exports: ReadonlyArray<Export>
  readonly functions: ReadonlyArray<FunctionMeasure>
  readonly problems: ReadonlyArray<Problem>
}

/** Functions that are shorter and simpler than this are counted, but no fact of their own. */
const substance = { lines: 4, complexity: 3 }

/** Characters a line has on average in what no person wrote by hand, and the size from which it matters. */
const minified = { lineLength: 300, bytes: 20_000 }

/** Parses one file. Never throws for what is in the text: whatever is wrong with it is a problem in the result. */
export const parseSource = (path: string, text: string, bytes: number): Parsed => {
  const lines = text === "" ? 0 : text.split("\n").length - (text.endsWith("\n") ? 1 : 0)
  const blank: Module = {
    path,
    language: languageOf(path),
    format: "data",
    bytes,
    lines,
    functions: 0,
    complexity: 0,
    computedImports: 0
  }
  if (blank.language === "json") return parseJson(blank, text)

  const problems: Array<Problem> = []
  const isMinified = bytes >= minified.bytes && text.length / Math.max(lines, 1) > minified.lineLength
  if (isMinified) {
    problems.push({
      path,
      code: "minified",
      line: 0,
      message: "minified or generated: its functions are counted, not compared"
    })
  }
  let file: File & { readonly errors?: ReadonlyArray<unknown> | null }
  try {
    file = parseText(text, parserOptions(path)) as File
  } catch (error) {
    return {
      module: blank,
      imports: [],
      exports: [],
      functions: [],
      problems: [...problems, syntaxProblem(path, error)]
    }
  }
  const [firstError] = file.errors ?? []
  if (firstError !== undefined) problems.push(syntaxProblem(path, firstError))

  const statements = file.program.body
  const bound = boundImports(statements)
  const exported = exportsOf(path, statements, bound)
  const interest = new Set([...bound.keys(), ...exported.map((found) => found.local)])
  interest.delete("")
  const tree = flatten(file.program)
  const bindings = analyseBindings(tree, interest)
  const functions = measureFunctions(tree, { hashes: !isMinified })
  const isModule = file.program.sourceType === "module" || statements.some(isModuleSyntax)
  return {
    module: {
      ...blank,
      format: isModule ? "esm" : "cjs",
      functions: functions.length,
      complexity: functions.reduce((sum, measured) => sum + measured.complexity, 0),
      computedImports: bindings.computed
    },
    imports: importsOf(path, text, statements, bindings, blank.language === "ts"),
    exports: exported.map(({ local, ...rest }) => ({ ...rest, uses: usesOf(bindings, local) })),
    functions: isMinified ? [] : functions.filter(isSubstantial).map((measured) => ({ path, ...measured })),
    problems
  }
}

const isSubstantial = (measured: Omit<FunctionMeasure, "path">): boolean =>
  measured.hash !== "" ||
  measured.endLine - measured.line + 1 >= substance.lines ||
  measured.complexity >= substance.complexity

const usesOf = (bindings: Bindings, local: string): number => {
  const uses = bindings.uses.get(local)
  return uses === undefined ? 0 : uses.values + uses.types
}

const languageOf = (path: string): Module["language"] => {
  if (path.endsWith(".json")) return "json"
  return /\.[cm]?tsx?$/.test(path) ? "ts" : "js"
}

const parserOptions = (path: string): ParserOptions => {
  const proposals: Array<ParserPlugin> = [
    "decoratorAutoAccessors",
    "explicitResourceManagement",
    "deferredImportEvaluation"
  ]
  const language: Array<ParserPlugin> = path.endsWith(".tsx")
    ? ["typescript", "jsx", "decorators-legacy"]
    : languageOf(path) === "ts"
      ? [["typescript", { dts: /\.d\.[cm]?ts$/.test(path) }], "decorators-legacy"]
      : ["jsx", "decorators"]
  return {
    ...sourceType(path),
    plugins: [...language, ...proposals],
    errorRecovery: true,
    attachComment: false,
    createImportExpressions: true,
    allowSuperOutsideMethod: true,
    allowUndeclaredExports: true
  }
}

/** Named by the extension, or told by the text itself. CommonJS is the inside of a function: it may return. */
const sourceType = (path: string): ParserOptions => {
  if (/\.m[jt]s$/.test(path)) return { sourceType: "module" }
  if (path.endsWith(".cjs")) return { sourceType: "commonjs" }
  return { sourceType: "unambiguous", allowReturnOutsideFunction: true, allowNewTargetOutsideFunction: true }
}

const syntaxProblem = (path: string, error: unknown): Problem => {
  const { message, loc } = error as { readonly message?: string; readonly loc?: { readonly line: number } }
  const reason = (message ?? String(error)).split("\n")[0]?.replace(/ ?\(\d+:\d+\)$/, "") ?? ""
  return { path, code: "syntax", line: loc?.line ?? 0, message: reason }
}

const parseJson = (module: Module, text: string): Parsed => {
  const parsed: Parsed = { module, imports: [], exports: [], functions: [], problems: [] }
  try {
    JSON.parse(text)
    return parsed
  } catch (error) {
    return { ...parsed, problems: [{ ...syntaxProblem(module.path, error), message: "not valid JSON" }] }
  }
}

const isModuleSyntax = (statement: Statement): boolean =>
  statement.type === "ImportDeclaration" ||
  statement.type === "ExportNamedDeclaration" ||
  statement.type === "ExportDefaultDeclaration" ||
  statement.type === "ExportAllDeclaration"
