/**
 * From the text of a file to what the audit knows of it: its imports, its exports and its functions.
 *
 * Boundary: synchronous, no I/O; how a text becomes a tree is syntax.ts, where a specifier leads is resolve.ts.
 */
import type { File } from "@babel/types"
import { analyseBindings, type Bindings } from "./bindings.ts"
import { plainDialect, withPragmas } from "./dialect.ts"
import type { Dialect, Export, FunctionMeasure, Import, Module, Problem } from "./facts.ts"
import { measureFunctions } from "./measures.ts"
import { scopesOf } from "./scopes.ts"
import { aliasNames, boundImports, exportsOf, importsOf } from "./statements.ts"
import { goalOf, hasModuleSyntax, languageOf, readSyntax } from "./syntax.ts"

/** The facts that parsing one file gives. */
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
export const parseSource = (path: string, text: string, bytes: number, dialect: Dialect = plainDialect): Parsed => {
  const lines = text === "" ? 0 : text.split("\n").length - (text.endsWith("\n") ? 1 : 0)
  const blank: Module = {
    path,
    language: languageOf(path),
    format: "data",
    bytes,
    lines,
    functions: 0,
    complexity: 0,
    computedImports: 0,
    unseen: []
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
  const { file, tree, faults } = readSyntax(path, text, dialect.type)
  problems.push(...faults.map((fault) => ({ path, ...fault })))
  if (file === undefined) return { module: blank, imports: [], exports: [], functions: [], problems }

  const statements = file.program.body
  const bound = boundImports(statements)
  const exported = exportsOf(path, statements, bound)
  const interest = new Set([...bound.keys(), ...aliasNames(statements), ...exported.map((found) => found.local)])
  interest.delete("")
  const jsx = withPragmas(dialect.jsx, pragmas(file))
  const isModule =
    hasModuleSyntax(file) ||
    (blank.language === "ts" ? goalOf(path, dialect.type) === "module" : file.program.sourceType === "module")
  const scopes = scopesOf(tree)
  const bindings = analyseBindings({ tree, scopes, interest, bound, dialect: { ...dialect, jsx } })
  const functions = measureFunctions({ path, tree, scopes, bound, hashes: !isMinified })
  return {
    module: {
      ...blank,
      format: isModule ? "esm" : "cjs",
      functions: functions.length,
      complexity: functions.reduce((sum, measured) => sum + measured.complexity, 0),
      computedImports: bindings.computed,
      unseen: bindings.unseen
    },
    imports: importsOf({
      from: path,
      text,
      statements,
      bindings,
      keeps: blank.language === "ts" ? dialect.keeps : "all"
    }),
    exports: exported.map(({ local, ...rest }) => ({ ...rest, uses: usesOf(bindings, local) })),
    functions: isMinified ? [] : functions.filter(isSubstantial).map((measured) => ({ path, ...measured })),
    problems
  }
}

/** The comments that stand before all code, where a file says how its JSX is meant. */
const pragmas = (file: File): ReadonlyArray<string> => {
  const start = file.program.body[0]?.start ?? Infinity
  return (file.comments ?? []).filter((comment) => (comment.start ?? 0) < start).map(({ value }) => value)
}

const isSubstantial = (measured: Omit<FunctionMeasure, "path">): boolean =>
  measured.hash !== "" ||
  measured.endLine - measured.line + 1 >= substance.lines ||
  measured.complexity >= substance.complexity

const usesOf = (bindings: Bindings, local: string): number => {
  const uses = bindings.uses.get(local)
  return uses === undefined ? 0 : uses.values + uses.types
}

const parseJson = (module: Module, text: string): Parsed => {
  const parsed: Parsed = { module, imports: [], exports: [], functions: [], problems: [] }
  try {
    JSON.parse(text)
    return parsed
  } catch {
    return { ...parsed, problems: [{ path: module.path, code: "syntax", line: 0, message: "not valid JSON" }] }
  }
}
