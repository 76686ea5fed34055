/**
 * The part of a package.json that is about resolution: reading one that may hold anything, and the algorithm by which `exports`
 * and `imports` map a name to a target (Node's PACKAGE_IMPORTS_EXPORTS_RESOLVE).
 *
 * Boundary: pure; which file a target is, is resolve.ts.
 */

/** The fields of a package.json that matter here, as far as they are of the right type. */
export interface Manifest {
  readonly name?: string
  readonly version?: string
  /** Whether its `.js` files are modules or CommonJS. */
  readonly type?: "module" | "commonjs"
  readonly main?: string
  readonly module?: string
  readonly exports?: unknown
  readonly imports?: unknown
  /** The configuration that stands for the package in another's `extends`. */
  readonly tsconfig?: string
  /** The files that others can load beside `exports`: `main`, `module`, `browser`, `types` and `bin`. */
  readonly entries: ReadonlyArray<string>
  /** The files that are commands. */
  readonly commands: ReadonlyArray<string>
  /** The packages that must be there at run time: dependencies and peers. */
  readonly dependencies: ReadonlyArray<string>
  /** The dependencies that may be missing: optional dependencies and optional peers. */
  readonly optional: ReadonlyArray<string>
  readonly devDependencies: ReadonlyArray<string>
  /** The fields that are passed over, as they nest deeper than any reader needs. */
  readonly tooDeep: ReadonlyArray<string>
  /** Whether a package begins here. A file that only says how the files beside it are read is a sign in a package. */
  readonly bounds: boolean
}

/** Reads the text of a package.json; undefined if it is not a JSON object. */
export const parseManifest = (text: string): Manifest | undefined => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ""))
  } catch {
    return undefined
  }
  if (!isRecord(parsed)) return undefined
  const json = { ...parsed }
  const tooDeep = Object.keys(json).filter((key) => nestsDeeper(json[key], levelsMax))
  for (const key of tooDeep) delete json[key]
  const { exports, imports, type } = json
  const optional = [...keys(json["optionalDependencies"]), ...optionalPeers(json["peerDependenciesMeta"])]
  return {
    ...field(json, "name"),
    ...field(json, "version"),
    ...(type === "module" || type === "commonjs" ? { type } : {}),
    ...field(json, "main"),
    ...field(json, "module"),
    ...field(json, "tsconfig"),
    ...(exports === undefined || exports === null ? {} : { exports }),
    ...(imports === undefined || imports === null ? {} : { imports }),
    entries: entriesIn(json),
    commands: commandsIn(json),
    dependencies: ["dependencies", "peerDependencies"]
      .flatMap((key) => keys(json[key]))
      .filter((name) => !optional.includes(name)),
    optional,
    devDependencies: keys(json["devDependencies"]),
    tooDeep,
    bounds: [...Object.keys(json), ...tooDeep].some((key) => !signs.has(key))
  }
}

/** Levels of objects and lists in a field. What follows walks it by calling itself. */
const levelsMax = 64

/** Whether a value has more levels of objects and lists than a limit. Walks level by level, so no depth ends it. */
const nestsDeeper = (value: unknown, limit: number): boolean => {
  let level: ReadonlyArray<unknown> = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []))
  }
  return false
}

/** The fields of a package.json that tell only how the files beside it are read. */
const signs = new Set(["type", "main", "module", "browser", "types", "typings", "sideEffects", "imports", "exports"])

const optionalPeers = (meta: unknown): ReadonlyArray<string> =>
  isRecord(meta)
    ? Object.entries(meta).flatMap(([name, value]) => (isRecord(value) && value["optional"] === true ? [name] : []))
    : []

const entriesIn = (json: Readonly<Record<string, unknown>>): ReadonlyArray<string> => {
  const index = json["exports"] === undefined && typeof json["main"] !== "string" ? ["index"] : []
  const named = ["main", "module", "browser", "types", "typings"].map((key) => json[key])
  return [...index, ...named.filter(isFilled), ...commandsIn(json)]
}

const commandsIn = ({ bin }: Readonly<Record<string, unknown>>): ReadonlyArray<string> =>
  (isRecord(bin) ? Object.values(bin) : [bin]).filter(isFilled)

const isFilled = (value: unknown): value is string => typeof value === "string" && value !== ""

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const field = <K extends string>(json: Readonly<Record<string, unknown>>, key: K): { readonly [P in K]?: string } => {
  const value = json[key]
  return typeof value === "string" && value !== "" ? ({ [key]: value } as { readonly [P in K]: string }) : {}
}

const keys = (value: unknown): ReadonlyArray<string> => (isRecord(value) ? Object.keys(value) : [])

/** The name of the package that a bare specifier starts with; undefined for "@/a", "$lib/a" and others that npm refuses. */
export const packageName = (specifier: string): string | undefined =>
  /^((@[\w.~-]+\/)?[\w-][\w.~-]*)(?=\/|$)/.exec(specifier)?.[0]

/**
 * The target that `exports` or `imports` give for a name ("." or "./sub", "#name"), undefined if it has none or is
 * closed with null.
 */
export const manifestTarget = (map: unknown, name: string, conditions: ReadonlySet<string>): string | undefined => {
  const entry = entryFor(entriesOf(map), name)
  return entry && (target(entry.value, entry.filling, conditions) ?? undefined)
}

/** Whether `exports` let others import the file at a path (relative to the package), under whatever conditions. */
export const isExposed = (exports: unknown, path: string): boolean => {
  const entries = entriesOf(exports)
  return Object.entries(entries).some(([key, value]) =>
    leaves(value).some((leaf) => {
      const filling = leaf === `./${path}` ? "" : fillingOf(leaf, `./${path}`)
      if (filling === undefined) return false
      // A more specific entry may close the name, or lead it elsewhere.
      const entry = entryFor(
        entries,
        key.replaceAll("*", () => filling)
      )
      return leaves(entry?.value).some((open) => open.replaceAll("*", () => entry?.filling ?? "") === `./${path}`)
    })
  )
}

/** The names that `exports` give to others in so many words: "." and "./sub", and no patterns. */
export const literalNames = (exports: unknown): ReadonlyArray<string> =>
  exports === undefined ? [] : Object.keys(entriesOf(exports)).filter((name) => !name.includes("*"))

/** All targets that `exports` name, whatever their conditions. */
export const targetsOf = (exports: unknown): ReadonlyArray<string> => leaves(exports)

type Entries = Readonly<Record<string, unknown>>

const entriesOf = (map: unknown): Entries =>
  isRecord(map) && Object.keys(map).some((key) => key.startsWith(".") || key.startsWith("#")) ? map : { ".": map }

/** The most specific entry for a name, and what its star stands for. */
const entryFor = (
  entries: Entries,
  name: string
): { readonly value: unknown; readonly filling: string | undefined } | undefined => {
  if (Object.hasOwn(entries, name) && !name.includes("*")) return { value: entries[name], filling: undefined }
  const [best] = Object.keys(entries)
    .filter((key) => fillingOf(key, name) !== undefined)
    .sort(bySpecificity)
  return best === undefined ? undefined : { value: entries[best], filling: fillingOf(best, name) }
}

/** The text that the star of a pattern stands for in a name; undefined if the pattern does not fit. */
const fillingOf = (pattern: string, name: string): string | undefined => {
  const [before = "", after] = pattern.split("*")
  if (after === undefined || name.length <= before.length + after.length - 1) return undefined
  if (!name.startsWith(before) || name === before || !name.endsWith(after)) return undefined
  return name.slice(before.length, name.length - after.length)
}

const leaves = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(leaves)
      : []

/** Node's PATTERN_KEY_COMPARE: the longer part before the star first, then the longer key. */
const bySpecificity = (a: string, b: string): number => b.indexOf("*") - a.indexOf("*") || b.length - a.length

/** A target for the conditions: undefined means "none here, go on", null "closed". */
const target = (
  value: unknown,
  filling: string | undefined,
  conditions: ReadonlySet<string>
): string | null | undefined => {
  if (typeof value === "string") return filling === undefined ? value : value.replaceAll("*", () => filling)
  if (value === null) return null
  if (Array.isArray(value)) {
    let last: string | null | undefined
    for (const item of value) {
      last = target(item, filling, conditions)
      if (typeof last === "string") return last
    }
    return last
  }
  if (!isRecord(value)) return undefined
  for (const [condition, nested] of Object.entries(value)) {
    if (!conditions.has(condition)) continue
    const chosen = target(nested, filling, conditions)
    if (chosen !== undefined) return chosen
  }
  return undefined
}
