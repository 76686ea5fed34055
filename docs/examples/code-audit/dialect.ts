/**
 * The rules of other files for reading a file: the nearest package.json, and for TypeScript the nearest
 * tsconfig.json, whose options are read as the compiler does.
 *
 * Boundary: pure over `Files`.
 */
import * as Effect from "effect/Effect"
import type { Dialect } from "./facts.ts"
import { configOf, type Files, inNodeModules, nearest } from "./resolve.ts"
import { languageOf } from "./syntax.ts"
import type { CompilerOptions } from "./tsconfig.ts"

/** The dialect of a file about which nothing is said. */
export const plainDialect: Dialect = {
  type: "none",
  jsx: { element: "React", fragment: "React" },
  keeps: "used",
  metadata: false,
  strictNulls: false
}

/** The dialect of a file, by its absolute path. */
export const dialectOf = Effect.fnUntraced(function* (files: Files, path: string): Effect.fn.Return<Dialect> {
  const scope = yield* nearest(path, files.manifest)
  const type = scope?.value.type ?? "none"
  if (languageOf(path) !== "ts" || inNodeModules(path)) return { ...plainDialect, type }
  const config = yield* configOf(files, path)
  return config === undefined ? { ...plainDialect, type } : { ...compilerDialect(config.options), type }
})

/** The compiler options that matter here. */
export const compilerDialect = (options: CompilerOptions): Omit<Dialect, "type"> => ({
  jsx: jsxOf(options),
  keeps:
    options["verbatimModuleSyntax"] === true ||
    options["importsNotUsedAsValues"] === "preserve" ||
    options["importsNotUsedAsValues"] === "error"
      ? "statements"
      : options["preserveValueImports"] === true
        ? "values"
        : "used",
  metadata: options["emitDecoratorMetadata"] === true,
  strictNulls: (options["strictNullChecks"] ?? options["strict"]) === true
})

const jsxOf = (options: CompilerOptions): Dialect["jsx"] => {
  const isAutomatic = String(options["jsx"]).startsWith("react-jsx") || typeof options["jsxImportSource"] === "string"
  if (isAutomatic) return { element: "", fragment: "" }
  const element = firstName(options["jsxFactory"]) ?? firstName(options["reactNamespace"]) ?? "React"
  return { element, fragment: firstName(options["jsxFragmentFactory"]) ?? element }
}

const firstName = (value: unknown): string | undefined =>
  typeof value === "string" ? /^[\p{ID_Start}$_][\p{ID_Continue}$]*/u.exec(value.trim())?.[0] : undefined

/** The comments at the top of a file about its JSX: `@jsx h`, `@jsxFrag Fragment`, `@jsxImportSource`, `@jsxRuntime`. */
export const withPragmas = (jsx: Dialect["jsx"], comments: ReadonlyArray<string>): Dialect["jsx"] => {
  const pragma = (name: string): string | undefined =>
    comments.flatMap((text) => [...text.matchAll(new RegExp(`@${name}\\s+(\\S+)`, "gi"))]).at(-1)?.[1]
  const runtime = pragma("jsxRuntime")
  const isAutomatic = runtime === "automatic" || (runtime !== "classic" && pragma("jsxImportSource") !== undefined)
  const given = runtime === "classic" && jsx.element === "" ? { element: "React", fragment: "React" } : jsx
  const element = firstName(pragma("jsx"))
  if (isAutomatic || given.element === "") return { element: element ?? "", fragment: element ?? "" }
  return { element: element ?? given.element, fragment: firstName(pragma("jsxFrag")) ?? element ?? given.fragment }
}
