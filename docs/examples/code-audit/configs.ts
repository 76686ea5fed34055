/**
 * Finds the configuration of a directory, its tsconfig.json or jsconfig.json, and reads it with all that it extends.
 *
 * A base is found as TypeScript finds it: a path with or without `.json`, or a name that is looked up in every node_modules
 * above, through the package's `exports` or its field `tsconfig`. A base that is not found takes nothing away from the file
 * that names it, and is noted.
 *
 * References are read when they are needed: packages that refer to each other are many.
 *
 * Boundary: asks `ConfigSource` for files; what a text means is tsconfig.ts.
 */
import * as Effect from "effect/Effect"
import { posix } from "node:path"
import { manifestTarget, packageName } from "./manifest.ts"
import type { Files } from "./resolve.ts"
import { type Options, parseTsconfig, settleTsconfig, type Tsconfig } from "./tsconfig.ts"

/** Where configurations are read. */
export interface ConfigSource extends Pick<Files, "kind" | "manifest"> {
  readonly text: (path: string) => Effect.Effect<string | undefined>
  /** Takes down what was not understood of a file. */
  readonly note: (path: string, message: string) => void
}

/** The file that configures a directory, if it has one. */
export const configFile = Effect.fnUntraced(function* (
  source: Pick<ConfigSource, "kind">,
  directory: string
): Effect.fn.Return<string | undefined> {
  for (const name of ["tsconfig.json", "jsconfig.json"]) {
    const path = posix.join(directory, name)
    if ((yield* source.kind(path)) === "file") return path
  }
  return undefined
})

/** A configuration with its bases. What cannot be read counts as one that says nothing. */
export const readConfig = Effect.fnUntraced(function* (source: ConfigSource, path: string): Effect.fn.Return<Tsconfig> {
  const { options, references } = yield* readChain(source, path, [])
  const targets: Array<string> = []
  for (const name of references) {
    const named = posix.resolve(posix.dirname(path), name)
    const target = (yield* source.kind(named)) === "directory" ? posix.join(named, "tsconfig.json") : named
    if ((yield* source.kind(target)) === "file") targets.push(target)
    else source.note(path, `refers to ${JSON.stringify(name)}, which was not found`)
  }
  return settleTsconfig(options, posix.dirname(path), targets)
})

interface Chain {
  readonly options: Options
  readonly references: ReadonlyArray<string>
}

/** The options of a file over those of its bases: of several, the later ones go first where they say something. */
const readChain = (source: ConfigSource, path: string, above: ReadonlyArray<string>): Effect.Effect<Chain> =>
  Effect.gen(function* () {
    const text = yield* source.text(path)
    const own = text === undefined ? undefined : parseTsconfig(text, posix.dirname(path))
    if (own === undefined) {
      source.note(path, text === undefined ? "cannot be read" : "not valid JSON, even with comments")
      return { options: {}, references: [] }
    }
    for (const part of own.misunderstood) source.note(path, `"${part}" was not understood`)
    let options: Options = {}
    for (const name of own.extends) {
      const base = yield* findBase(source, path, name)
      if (base === undefined) source.note(path, `extends ${JSON.stringify(name)}, which was not found`)
      else if (base === path || above.includes(base)) source.note(path, "extends itself in a circle")
      else options = { ...options, ...(yield* readChain(source, base, [...above, path])).options }
    }
    return { options: { ...options, ...own.options }, references: own.references }
  })

/** The file that a name in `extends` stands for. */
const findBase = (source: ConfigSource, from: string, name: string): Effect.Effect<string | undefined> => {
  const directory = posix.dirname(from)
  if (/^\.{0,2}(\/|$)/.test(name)) return findConfig(source, posix.resolve(directory, name))
  return name.startsWith("#") ? findInternalBase(source, directory, name) : findPackagedBase(source, directory, name)
}

/** A file, with or without its extension, or that of a directory. */
const findConfig = Effect.fnUntraced(function* (
  source: ConfigSource,
  path: string
): Effect.fn.Return<string | undefined> {
  for (const candidate of [path, `${path}.json`, posix.join(path, "tsconfig.json")]) {
    if ((yield* source.kind(candidate)) === "file") return candidate
  }
  return undefined
})

const conditions = new Set(["node", "require", "import", "types", "default"])

/** "#name": the `imports` of the package that the file is in. */
const findInternalBase = Effect.fnUntraced(function* (
  source: ConfigSource,
  from: string,
  name: string
): Effect.fn.Return<string | undefined> {
  for (const directory of upwards(from)) {
    const manifest = yield* source.manifest(directory)
    if (manifest === undefined) continue
    const target = manifestTarget(manifest.imports, name, conditions)
    if (target === undefined) return undefined
    return target.startsWith("./")
      ? yield* findConfig(source, posix.join(directory, target))
      : yield* findPackagedBase(source, directory, target)
  }
  return undefined
})

/** A name, looked up in every node_modules from a directory upwards; the package that holds the file may be named, too. */
const findPackagedBase = Effect.fnUntraced(function* (
  source: ConfigSource,
  from: string,
  name: string
): Effect.fn.Return<string | undefined> {
  const packaged = packageName(name)
  if (packaged === undefined) return undefined
  const subpath = `.${name.slice(packaged.length)}`
  for (const directory of upwards(from)) {
    const own = (yield* source.manifest(directory))?.name === packaged
    const home = own ? directory : posix.join(directory, "node_modules", packaged)
    if ((yield* source.kind(home)) !== "directory") continue
    const manifest = yield* source.manifest(home)
    for (const exported of manifest?.exports === undefined ? [] : [subpath, `${subpath}.json`]) {
      const target = manifestTarget(manifest?.exports, exported, conditions)
      const found = target === undefined ? undefined : yield* findConfig(source, posix.join(home, target))
      if (found !== undefined) return found
    }
    const path = posix.join(home, subpath === "." ? (manifest?.tsconfig ?? ".") : subpath)
    const found = yield* findConfig(source, path)
    if (found !== undefined) return found
  }
  return undefined
})

/** A directory and those above it, but for node_modules themselves. */
const upwards = (from: string): ReadonlyArray<string> => {
  const above = posix.dirname(from)
  const rest = above === from ? [] : upwards(above)
  return posix.basename(from) === "node_modules" ? rest : [from, ...rest]
}
