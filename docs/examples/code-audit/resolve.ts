/**
 * Where a specifier leads, by the rules of Node and of the bundlers that follow it: relative files with and without
 * extension, `.js` that means `.ts`, directories, package `exports` and `imports` with conditions, a package's own name,
 * tsconfig `paths`, node_modules.
 *
 * The yardstick is esbuild with `platform: "node"`: a test compares what both reach. Three rules are its and not Node's:
 * extensions may be left out, `module` follows `main` where there are no `exports`, and TypeScript files win over
 * JavaScript ones outside node_modules, not inside.
 *
 * Boundary: pure over `Files`; absolute POSIX paths in, absolute POSIX paths out.
 */
import * as Effect from "effect/Effect"
import { isBuiltin } from "node:module"
import { posix } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { type Manifest, manifestTarget, packageName } from "./manifest.ts"
import { covers, type Tsconfig } from "./tsconfig.ts"

/** The part of a file system that resolution asks. */
export interface Files {
  readonly kind: (path: string) => Effect.Effect<"file" | "directory" | "absent">
  /** The package.json of a directory, undefined if it has none or none that can be read. */
  readonly manifest: (directory: string) => Effect.Effect<Manifest | undefined>
  /** The tsconfig.json or jsconfig.json of a directory. */
  readonly configFile: (directory: string) => Effect.Effect<string | undefined>
  /** The content of a tsconfig.json, with all that it inherits. */
  readonly tsconfig: (path: string) => Effect.Effect<Tsconfig>
  readonly realPath: (path: string) => Effect.Effect<string>
}

/** The target of a specifier. A package is named and not looked up unless the caller enters packages. */
export type Resolution =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "package"; readonly name: string }
  | { readonly kind: "builtin"; readonly name: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "missing"; readonly reason: string }

export interface ResolveRequest {
  /** The importing file. */
  readonly from: string
  readonly specifier: string
  readonly condition: "import" | "require"
  /** Whether to look packages up in node_modules. */
  readonly enterPackages: boolean
}

const missing = (reason: string): Resolution => ({ kind: "missing", reason })

const rewritten: Readonly<Record<string, ReadonlyArray<string>>> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"]
}

export const inNodeModules = (path: string): boolean => path.includes("/node_modules/")

const extensions = (path: string): ReadonlyArray<string> =>
  inNodeModules(path)
    ? [".jsx", ".js", ".tsx", ".ts", ".css", ".json"]
    : [".tsx", ".ts", ".jsx", ".js", ".css", ".json"]

/** Resolves one specifier. Never fails: what leads nowhere is `missing`, with the reason. */
export const resolve = Effect.fnUntraced(function* (
  files: Files,
  request: ResolveRequest
): Effect.fn.Return<Resolution> {
  const exact = yield* resolveExact(files, request, 0)
  if (exact.kind !== "missing") return exact
  // "./style.css?inline" and the like: a tool's suffix, unless there is such a file.
  const bare = request.specifier.replace(/(?<=.)[?#].*$/s, "")
  if (bare === request.specifier) return exact
  const stripped = yield* resolveExact(files, { ...request, specifier: bare }, 0)
  return stripped.kind === "missing" ? exact : stripped
})

const resolveExact = (files: Files, request: ResolveRequest, hops: number): Effect.Effect<Resolution> => {
  const { specifier, condition } = request
  if (specifier === "") return Effect.succeed(missing("an empty specifier"))
  if (hops > 16) return Effect.succeed(missing("its package.json goes round in a circle"))
  if (specifier.startsWith("node:") || isBuiltin(specifier)) {
    return Effect.succeed({ kind: "builtin", name: specifier.replace(/^node:/, "").replace(/\/$/, "") })
  }
  if (/^file:/i.test(specifier)) return resolveFileUrl(files, request)
  // "bun:sqlite", "virtual:styles", "https://...": of another runtime, a bundler's plugin or the net, and no package. One
  // letter is a drive.
  if (/^[a-z][a-z\d+.-]+:|^\/\//i.test(specifier)) {
    return Effect.map(resolveMapped(files, request), (mapped) => mapped ?? elsewhere(specifier))
  }
  if (/^\.{0,2}\/|^\.{1,2}$|^[A-Za-z]:[/\\]/.test(specifier)) {
    const isDirectory = /(^|\/)\.{0,2}$/.test(specifier)
    return resolvePath(files, posix.resolve(posix.dirname(request.from), specifier), condition, isDirectory)
  }
  if (specifier.startsWith("#")) return resolveInternal(files, request, hops)
  return resolveBare(files, request)
}

const elsewhere = (specifier: string): Resolution => ({ kind: "url", url: specifier.slice(0, 200) })

/** A URL of a file, which may be relative: "file:./a.js". */
const resolveFileUrl = (files: Files, { condition, from, specifier }: ResolveRequest): Effect.Effect<Resolution> => {
  const base = pathToFileURL(from).href
  const url = URL.canParse(specifier, base) ? new URL(specifier, base) : undefined
  let path: string | undefined
  try {
    path = url === undefined ? undefined : fileURLToPath(url).replaceAll("\\", "/")
  } catch {
    // Another host's file, or bytes that are no path.
  }
  return path === undefined
    ? Effect.succeed(missing("not the URL of a file"))
    : resolvePath(files, path, condition, path.endsWith("/"))
}

// ----------------------------------------------------------------------------------------------------------- files

/** A path to a file, as it is or completed, or to a directory with an entry. */
const resolvePath = Effect.fnUntraced(function* (
  files: Files,
  path: string,
  condition: ResolveRequest["condition"],
  isDirectory = false
): Effect.fn.Return<Resolution> {
  const file = isDirectory ? undefined : yield* findFile(files, path)
  if (file !== undefined) return yield* found(files, file)
  if ((yield* files.kind(path)) !== "directory") return missing(`there is no file ${posix.basename(path)}`)
  const entry = yield* findIndex(files, path, condition)
  return entry === undefined ? missing("a directory without an index file") : yield* found(files, entry)
})

const found = (files: Files, path: string): Effect.Effect<Resolution> =>
  Effect.map(files.realPath(path), (real): Resolution => ({ kind: "file", path: real }))

/** The file at a path: itself, with an extension, or the TypeScript file that a JavaScript extension stands for. */
const findFile = Effect.fnUntraced(function* (files: Files, path: string): Effect.fn.Return<string | undefined> {
  for (const candidate of [path, ...extensions(path).map((extension) => path + extension), ...sources(path)]) {
    if ((yield* files.kind(candidate)) === "file") return candidate
  }
  return undefined
})

const sources = (path: string): ReadonlyArray<string> => {
  const extension = posix.extname(path)
  return (rewritten[extension] ?? []).map((other) => path.slice(0, -extension.length) + other)
}

/** The entry of a directory: `main`, else `module`, else its index. `require` passes over `module` where an index is. */
const findIndex = Effect.fnUntraced(function* (
  files: Files,
  directory: string,
  condition: ResolveRequest["condition"]
): Effect.fn.Return<string | undefined> {
  const { main, module } = (yield* files.manifest(directory)) ?? {}
  const index = findFile(files, posix.join(directory, "index"))
  if (main === undefined && condition === "require") {
    const file = yield* index
    if (file !== undefined) return file
  }
  for (const field of [main, module]) {
    if (field === undefined) continue
    const path = posix.join(directory, field)
    const file = (yield* findFile(files, path)) ?? (yield* findFile(files, posix.join(path, "index")))
    if (file !== undefined) return file
  }
  return yield* index
})

// -------------------------------------------------------------------------------------------------------- packages

/** The nearest directory above a file for which `read` answers, with its answer. */
export const nearest = Effect.fnUntraced(function* <A>(
  from: string,
  read: (directory: string) => Effect.Effect<A | undefined>
): Effect.fn.Return<{ readonly directory: string; readonly value: A } | undefined> {
  for (let directory = posix.dirname(from); ; directory = posix.dirname(directory)) {
    const value = posix.basename(directory) === "node_modules" ? undefined : yield* read(directory)
    if (value !== undefined) return { directory, value }
    if (directory === posix.dirname(directory)) return undefined
  }
})

/**
 * The package that a file belongs to: the nearest directory above it whose package.json says more than how files are read,
 * else the nearest that has one at all.
 */
export const owner = Effect.fnUntraced(function* (files: Files, path: string) {
  const found = yield* nearest(path, (directory) =>
    Effect.map(files.manifest(directory), (manifest) => (manifest?.bounds === true ? manifest : undefined))
  )
  return found ?? (yield* nearest(path, files.manifest))
})

/** Whether a file belongs to the package at `root`: lies under it, and not in a package within. */
export const isOwnFile = Effect.fnUntraced(function* (
  files: Files,
  root: string,
  path: string
): Effect.fn.Return<boolean> {
  if (!path.startsWith(root === "/" ? root : `${root}/`)) return false
  for (let directory = posix.dirname(path); directory.length > root.length; directory = posix.dirname(directory)) {
    if (posix.basename(directory) === "node_modules") return false
    if ((yield* files.manifest(directory))?.bounds === true) return false
  }
  return true
})

/**
 * The configuration that speaks for a file: the nearest, else the first of those that it refers to, at any remove; the
 * nearest again if none does.
 */
export const configOf = Effect.fnUntraced(function* (
  files: Files,
  path: string
): Effect.fn.Return<Tsconfig | undefined> {
  const nearestFile = yield* nearest(path, files.configFile)
  if (nearestFile === undefined) return undefined
  const seen = new Set<string>()
  for (const waiting = [nearestFile.value]; waiting.length > 0;) {
    const next = waiting.pop() as string
    if (seen.has(next)) continue
    seen.add(next)
    const config = yield* files.tsconfig(next)
    if (covers(config, path)) return config
    waiting.push(...config.references.toReversed())
  }
  return yield* files.tsconfig(nearestFile.value)
})

const conditionsOf = (request: ResolveRequest): ReadonlySet<string> =>
  new Set(["node", "module", "default", request.condition])

/** "#name": mapped by tsconfig, or the `imports` of the package that the importing file belongs to. */
const resolveInternal = Effect.fnUntraced(function* (
  files: Files,
  request: ResolveRequest,
  hops: number
): Effect.fn.Return<Resolution> {
  const mapped = yield* resolveMapped(files, request)
  if (mapped !== undefined) return mapped
  const scope = yield* nearest(request.from, files.manifest)
  const target = scope && manifestTarget(scope.value.imports, request.specifier, conditionsOf(request))
  if (scope === undefined || target === undefined) {
    // Without a map of its own, a package means names that its bundler provides, such as "#imports".
    if (scope?.value.imports === undefined) return elsewhere(request.specifier)
    return missing(`the package's "imports" has no ${request.specifier}`)
  }
  if (target.startsWith("./")) return yield* resolveTarget(files, scope.directory, target)
  return yield* resolveExact(files, { ...request, specifier: target }, hops + 1)
})

/** A bare specifier: mapped by tsconfig, the package's own name, or a package. */
const resolveBare = Effect.fnUntraced(function* (files: Files, request: ResolveRequest): Effect.fn.Return<Resolution> {
  const mapped = yield* resolveMapped(files, request)
  if (mapped !== undefined) return mapped
  const name = packageName(request.specifier)
  if (name === undefined) {
    const config = inNodeModules(request.from) ? undefined : yield* configOf(files, request.from)
    const isMapped = config !== undefined && mapsName(config, request.specifier)
    return isMapped ? missing("the configuration maps it to no file") : elsewhere(request.specifier)
  }
  const own = yield* owner(files, request.from)
  if (own?.value.name === name && own.value.exports !== undefined) {
    return yield* resolveInPackage(files, own.directory, own.value.exports, request)
  }
  if (!request.enterPackages) return { kind: "package", name }
  for (let directory = posix.dirname(request.from); ; directory = posix.dirname(directory)) {
    const candidate = posix.join(directory, "node_modules", name)
    if (posix.basename(directory) !== "node_modules" && (yield* files.kind(candidate)) === "directory") {
      return yield* resolveInPackage(files, candidate, (yield* files.manifest(candidate))?.exports, request)
    }
    if (directory === posix.dirname(directory)) return missing(`the package ${name} is not installed`)
  }
})

const resolveInPackage = (
  files: Files,
  directory: string,
  exports: unknown,
  request: ResolveRequest
): Effect.Effect<Resolution> => {
  const subpath = `.${request.specifier.slice((packageName(request.specifier) ?? "").length)}`
  if (exports === undefined) {
    return resolvePath(
      files,
      posix.join(directory, subpath),
      request.condition,
      subpath === "." || subpath.endsWith("/")
    )
  }
  const target = manifestTarget(exports, subpath, conditionsOf(request))
  return target === undefined
    ? Effect.succeed(missing(`the package's "exports" has no ${subpath}`))
    : resolveTarget(files, directory, target)
}

/** A target of `exports` or `imports` names a file; only its TypeScript source may stand in for it. */
const resolveTarget = Effect.fnUntraced(function* (
  files: Files,
  directory: string,
  target: string
): Effect.fn.Return<Resolution> {
  const path = posix.join(directory, target)
  for (const candidate of [path, ...sources(path)]) {
    if ((yield* files.kind(candidate)) === "file") return yield* found(files, candidate)
  }
  return missing(`its package.json points to ${target}, which does not exist`)
})

// -------------------------------------------------------------------------------------------------------- tsconfig

/** The file to which tsconfig `paths` or `baseUrl` map a specifier; undefined if they say nothing that exists. */
const resolveMapped = Effect.fnUntraced(function* (
  files: Files,
  request: ResolveRequest
): Effect.fn.Return<Resolution | undefined> {
  if (inNodeModules(request.from)) return undefined
  const config = yield* configOf(files, request.from)
  if (config === undefined) return undefined
  for (const path of candidates(config, request.specifier)) {
    const resolution = yield* resolvePath(files, path, request.condition)
    if (resolution.kind === "file") return resolution
  }
  return undefined
})

const candidates = (config: Tsconfig, specifier: string): ReadonlyArray<string> => {
  const based = config.baseUrl === undefined ? [] : [posix.join(config.baseUrl, specifier)]
  const exact = config.paths[specifier]
  if (exact !== undefined) return [...exact, ...based]
  const patterns = Object.keys(config.paths)
    .filter((pattern) => matches(pattern, specifier))
    .sort((a, b) => b.indexOf("*") - a.indexOf("*"))
  const pattern = patterns[0]
  if (pattern === undefined) return based
  const [before = "", after = ""] = pattern.split("*")
  const filling = specifier.slice(before.length, specifier.length - after.length)
  return [...(config.paths[pattern] ?? []).map((path) => path.replace("*", () => filling)), ...based]
}

const mapsName = ({ paths }: Tsconfig, specifier: string): boolean =>
  Object.keys(paths).some((pattern) => pattern === specifier || (pattern !== "*" && matches(pattern, specifier)))

const matches = (pattern: string, specifier: string): boolean => {
  const [before = "", after] = pattern.split("*")
  return (
    after !== undefined &&
    specifier.length >= before.length + after.length &&
    specifier.startsWith(before) &&
    specifier.endsWith(after)
  )
}
