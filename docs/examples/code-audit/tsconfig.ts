/**
 * The part of a tsconfig.json or jsconfig.json that is about imports: `paths`, `baseUrl`, whether unused imports stay, for which
 * files it speaks, and where the compiler writes.
 *
 * The file is JSON with comments and trailing commas, which is a JavaScript expression: the parser of the audit reads it.
 *
 * Boundary: pure; configs.ts finds the files and follows `extends` and `references`.
 */
import { parseExpression } from "@babel/parser"
import { posix } from "node:path"
import { keyName, type Node } from "./ast.ts"

/** Options of the compiler by name, as far as they are a truth or a text. */
export type CompilerOptions = Readonly<Record<string, boolean | string>>

/** A configuration with all that it inherits. All paths are absolute. */
export interface Tsconfig {
  /** Patterns with the patterns of what they stand for. */
  readonly paths: Readonly<Record<string, ReadonlyArray<string>>>
  readonly baseUrl: string | undefined
  readonly options: CompilerOptions
  /** Where the compiler writes, code and declarations, and the directory that it maps there. */
  readonly outDirs: ReadonlyArray<string>
  readonly rootDir: string | undefined
  /** The files that it speaks for, as patterns. */
  readonly files: ReadonlyArray<string>
  readonly include: ReadonlyArray<string>
  readonly exclude: ReadonlyArray<string>
  /** The files of the configurations that it hands other files to. */
  readonly references: ReadonlyArray<string>
}

/** The options of one file, each as it is written, with the directory that its relative paths start from. */
export type Options = Readonly<Record<string, { readonly value: unknown; readonly directory: string }>>

/** One file by itself: its options, and the names of the files that it extends and refers to. */
export interface OwnTsconfig {
  readonly options: Options
  readonly extends: ReadonlyArray<string>
  readonly references: ReadonlyArray<string>
  /** The parts that are not of the type that they must be. */
  readonly misunderstood: ReadonlyArray<string>
}

/** Reads the text of a tsconfig.json in `directory`; undefined if it is not one. */
export const parseTsconfig = (text: string, directory: string): OwnTsconfig | undefined => {
  let root: unknown
  try {
    root = text.trim() === "" ? {} : valueOf(parseExpression(text.replace(/^\uFEFF/, "")))
  } catch {
    return undefined
  }
  if (!isRecord(root)) return undefined
  const compiler = isRecord(root["compilerOptions"]) ? root["compilerOptions"] : {}
  const said = { ...compiler, ...only(root, "files", "include", "exclude") }
  const options = Object.entries(said).filter(([, value]) => value !== null)
  return {
    options: Object.fromEntries(options.map(([name, value]) => [name, { value, directory }])),
    extends: typeof root["extends"] === "string" ? [root["extends"]] : strings(root["extends"]),
    references: Array.isArray(root["references"])
      ? strings(root["references"].map((reference: unknown) => (isRecord(reference) ? reference["path"] : undefined)))
      : [],
    misunderstood: [
      ...wrong(root, "compilerOptions", isRecord),
      ...wrong(root, "extends", (value) => typeof value === "string" || isListOfStrings(value)),
      ...wrong(root, "references", Array.isArray),
      ...wrong(compiler, "paths", (value) => isRecord(value) && Object.values(value).every(isListOfStrings)),
      ...wrong(compiler, "baseUrl", (value) => typeof value === "string")
    ]
  }
}

/**
 * The configuration that options come to, in the file that starts the chain. `paths` are relative to `baseUrl` if there is
 * one, else to the file that has them; `${configDir}` stands for the directory of the file that starts the chain.
 */
export const settleTsconfig = (options: Options, directory: string, references: ReadonlyArray<string>): Tsconfig => {
  const absolute = (path: string, from: string): string =>
    path.startsWith("${configDir}")
      ? posix.join(directory, path.slice("${configDir}".length))
      : posix.resolve(from, path)
  const path = (name: string): string | undefined => {
    const option = options[name]
    return typeof option?.value === "string" ? absolute(option.value, option.directory) : undefined
  }
  const list = (name: string): ReadonlyArray<string> | undefined => {
    const option = options[name]
    return Array.isArray(option?.value)
      ? strings(option.value).map((item) => absolute(item, option.directory))
      : undefined
  }
  const baseUrl = path("baseUrl")
  const outDir = path("outDir")
  const paths = options["paths"]
  const files = list("files")
  return {
    paths: Object.fromEntries(
      (isRecord(paths?.value) ? Object.entries(paths.value) : []).map(([pattern, targets]) => [
        pattern,
        strings(targets).map((target) => absolute(target, baseUrl ?? paths?.directory ?? directory))
      ])
    ),
    baseUrl,
    options: compilerOptions(options),
    outDirs: [outDir, path("declarationDir")].filter((found) => found !== undefined),
    rootDir: path("rootDir"),
    files: files ?? [],
    include: list("include") ?? (files === undefined ? [posix.join(directory, "**/*")] : []),
    exclude: list("exclude") ?? [posix.join(directory, "node_modules"), ...(outDir === undefined ? [] : [outDir])],
    references
  }
}

const compilerOptions = (options: Options): CompilerOptions =>
  Object.fromEntries(
    Object.entries(options).flatMap(([name, { value }]) =>
      typeof value === "boolean" || typeof value === "string" ? [[name, value]] : []
    )
  )

/** Whether a configuration speaks for a file. */
export const covers = ({ files, include, exclude }: Tsconfig, path: string): boolean => {
  const isIn = (pattern: string): boolean => posix.matchesGlob(path, globOf(pattern))
  return files.includes(path) || (include.some(isIn) && !exclude.some(isIn))
}

/** TypeScript knows `*`, `?` and `**`; a name without them that has no extension is a directory, with all in it. */
const globOf = (pattern: string): string => {
  const last = posix.basename(pattern)
  const whole =
    last === "**" || !(/[*?]/.test(last) || posix.extname(last) !== "") ? posix.join(pattern, "**/*") : pattern
  return whole.replace(/[[\]{}()!+@]/g, "[$&]")
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isListOfStrings = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === "string")

const strings = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : []

const only = (record: Readonly<Record<string, unknown>>, ...names: ReadonlyArray<string>) =>
  Object.fromEntries(names.filter((name) => name in record).map((name) => [name, record[name]]))

const wrong = (
  record: Readonly<Record<string, unknown>>,
  name: string,
  isRight: (value: unknown) => boolean
): ReadonlyArray<string> => (record[name] === undefined || record[name] === null || isRight(record[name]) ? [] : [name])

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
