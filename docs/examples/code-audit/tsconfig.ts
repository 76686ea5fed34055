/**
 * What a tsconfig.json says about imports: `paths`, `baseUrl`, and whether unused imports stay.
 *
 * The file is JSON with comments and trailing commas, which is a JavaScript expression: the parser of the audit reads it.
 *
 * Boundary: pure; files.ts follows `extends`.
 */
import { parseExpression } from "@babel/parser"
import { posix } from "node:path"
import { keyName, type Node } from "./ast.ts"
import type { Tsconfig } from "./resolve.ts"

/** A tsconfig.json by itself, and the files that it extends, in order. */
export interface OwnTsconfig {
  readonly config: Partial<Tsconfig>
  readonly extends: ReadonlyArray<string>
}

/** Reads the text of a tsconfig.json in `directory`; undefined if it is not one. */
export const parseTsconfig = (text: string, directory: string): OwnTsconfig | undefined => {
  let root: unknown
  try {
    root = valueOf(parseExpression(text.replace(/^\uFEFF/, "")))
  } catch {
    return undefined
  }
  if (!isRecord(root)) return undefined
  const options = isRecord(root["compilerOptions"]) ? root["compilerOptions"] : {}
  const baseUrl = typeof options["baseUrl"] === "string" ? posix.resolve(directory, options["baseUrl"]) : undefined
  const paths = isRecord(options["paths"]) ? options["paths"] : undefined
  const verbatim = options["verbatimModuleSyntax"] ?? options["preserveValueImports"]
  const bases = typeof root["extends"] === "string" ? [root["extends"]] : strings(root["extends"])
  return {
    config: {
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(paths === undefined
        ? {}
        : {
            paths: Object.fromEntries(
              Object.entries(paths).map(([pattern, targets]) => [
                pattern,
                strings(targets).map((path) => posix.resolve(baseUrl ?? directory, path))
              ])
            )
          }),
      ...(typeof verbatim === "boolean" ? { verbatim } : {})
    },
    extends: bases.map((base) => basePath(base, directory))
  }
}

/** The options of `own` over those of `base`. */
export const mergeTsconfig = (base: Tsconfig | undefined, own: Partial<Tsconfig>): Tsconfig => ({
  paths: own.paths ?? base?.paths ?? {},
  baseUrl: own.baseUrl ?? base?.baseUrl,
  verbatim: own.verbatim ?? base?.verbatim ?? false
})

/** Relative bases by their path; those in packages are looked for in the nearest node_modules only. */
const basePath = (base: string, directory: string): string => {
  const named = base.endsWith(".json") ? base : `${base}.json`
  return base.startsWith(".") || base.startsWith("/")
    ? posix.resolve(directory, named)
    : posix.join(directory, "node_modules", named)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const strings = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : []

const valueOf = (node: Node): unknown => {
  switch (node.type) {
    case "StringLiteral":
    case "NumericLiteral":
    case "BooleanLiteral":
      return node.value
    case "ArrayExpression":
      return node.elements.map((element) => (element === null ? null : valueOf(element)))
    case "ObjectExpression":
      return Object.fromEntries(
        node.properties.flatMap((property) => {
          const name = property.type === "ObjectProperty" ? keyName(property, property.key) : undefined
          return property.type === "ObjectProperty" && name !== undefined ? [[name, valueOf(property.value)]] : []
        })
      )
    default:
      return null
  }
}
