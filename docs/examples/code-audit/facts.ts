/**
 * The kinds of fact that an audit is made of, tier by tier.
 *
 * Paths are POSIX and relative to the root of the audited package (a file outside it starts with "../"), so ids, and
 * with them the job's hash, are the same on every machine. Boundary: schemas and identities; nothing here computes.
 */
import * as Schema from "effect/Schema"
import { Fact } from "effect-converge"

const Count = Schema.Finite
const Names = Schema.Array(Schema.String)

// ---------------------------------------------------------------------------------------------------- tier 1: crawl

/** What was asked for: the entry file as the caller named it, and whether to enter other packages too. */
export const Request = Fact.kind("Request", {
  schema: Schema.Struct({ entry: Schema.String, deep: Schema.Boolean }),
  id: () => "request"
})

/**
 * The audited package. `root` is its directory, in the terms of the request (relative to the working directory if the
 * entry was); `dependencies` are the packages that its package.json promises at run time, `optional` those that may be
 * missing, `developed` those that only its developers have; `exports` is the JSON of its field of that name, "" if it has
 * none; `entries` are the files that other fields show; `built` says where the compiler writes which sources.
 */
export const Package = Fact.kind("Package", {
  schema: Schema.Struct({
    name: Schema.String,
    version: Schema.String,
    root: Schema.String,
    entry: Schema.String,
    dependencies: Names,
    optional: Names,
    developed: Names,
    exports: Schema.String,
    entries: Names,
    built: Schema.Array(Schema.Struct({ from: Schema.String, to: Schema.String }))
  }),
  id: () => "package"
})

export type Package = (typeof Package)["schema"]["Type"]

/** A file that the crawl wants to read. */
export const Wanted = Fact.kind("Wanted", {
  schema: Schema.Struct({ path: Schema.String }),
  id: (wanted) => wanted.path
})

/** The text of a file, as it was read once. */
export const Source = Fact.kind("Source", {
  schema: Schema.Struct({ path: Schema.String, bytes: Count, text: Schema.String }),
  id: (source) => source.path
})

/** What can be wrong with a file or with what it asks for. None of it stops the crawl. */
export const ProblemCode = Schema.Literals([
  "missing",
  "directory",
  "unreadable",
  "too-large",
  "changed-while-read",
  "not-utf8",
  "empty",
  "syntax",
  "minified",
  "config"
])
export type ProblemCode = typeof ProblemCode.Type

/** Something that kept the audit from knowing a file as well as the others. `line` is 0 where there is none. */
export const Problem = Fact.kind("Problem", {
  schema: Schema.Struct({ path: Schema.String, code: ProblemCode, line: Count, message: Schema.String }),
  id: (problem) => `${problem.path}: ${problem.code}`,
  conflict: "keepFirst"
})
export type Problem = (typeof Problem)["schema"]["Type"]

/** A file that was parsed, and what it measures as a whole. */
export const Module = Fact.kind("Module", {
  schema: Schema.Struct({
    path: Schema.String,
    language: Schema.Literals(["js", "ts", "json"]),
    format: Schema.Literals(["esm", "cjs", "data"]),
    bytes: Count,
    lines: Count,
    functions: Count,
    complexity: Count,
    /** `import()` and `require()` whose argument is not a literal: edges that no static crawl can know. */
    computedImports: Count
  }),
  id: (module) => module.path
})
export type Module = (typeof Module)["schema"]["Type"]

/** The id that an import and its link have in common. */
export const linkKey = (of: {
  readonly from: string
  readonly condition: string
  readonly specifier: string
}): string => `${of.from} ${of.condition} ${of.specifier}`

/**
 * A module's wish for another, all its statements for one specifier together.
 *
 * `elision` says what happens to it when types are stripped: "type" is written as a type and always goes, "unused" is
 * a TypeScript import of which no value is used, and goes unless the project keeps its imports verbatim.
 */
export const Import = Fact.kind("Import", {
  schema: Schema.Struct({
    from: Schema.String,
    specifier: Schema.String,
    condition: Schema.Literals(["import", "require"]),
    how: Schema.Literals(["static", "reexport", "dynamic", "require", "type"]),
    elision: Schema.Literals(["none", "type", "unused"]),
    /** What the module takes from it for itself; "*" stands for everything. What it passes on is in its exports. */
    names: Names,
    line: Count,
    /** Whether every occurrence is inside `try` or has a `catch`: then it may be missing on purpose. */
    guarded: Schema.Boolean
  }),
  id: linkKey
})
export type Import = (typeof Import)["schema"]["Type"]

/**
 * Where an import leads. `kind` says to what: a file of the package (`internal`), a file of another one (`outside`), a
 * package, a built-in module, a URL, a file that is not code (`asset`), or nowhere; `to` is its path or name, or the
 * reason. `fate` is what the crawl did: entered it, only recorded it, or left it out because it is gone with the types.
 */
export const Link = Fact.kind("Link", {
  schema: Schema.Struct({
    from: Schema.String,
    specifier: Schema.String,
    condition: Schema.Literals(["import", "require"]),
    kind: Schema.Literals(["internal", "outside", "package", "builtin", "url", "asset", "missing"]),
    to: Schema.String,
    fate: Schema.Literals(["entered", "recorded", "elided"])
  }),
  id: linkKey
})
export type Link = (typeof Link)["schema"]["Type"]

/**
 * A name that a module exports. A re-export names its source: `from` is the specifier, `imported` the name there ("*"
 * for the namespace); `export * from` has the name "*". For a module's own value both are "". `uses` counts the uses
 * inside the module itself, `type` marks what exists for the type checker only.
 */
export const Export = Fact.kind("Export", {
  schema: Schema.Struct({
    path: Schema.String,
    name: Schema.String,
    from: Schema.String,
    imported: Schema.String,
    line: Count,
    uses: Count,
    type: Schema.Boolean
  }),
  id: (self) => (self.name === "*" ? `${self.path}#* from ${self.from}` : `${self.path}#${self.name}`)
})
export type Export = (typeof Export)["schema"]["Type"]

/**
 * A function of some substance (trivial ones are counted in `Module` only). `hash` is equal for functions that differ
 * in nothing but the names of variables and the values of literals; "" for those too small to compare.
 */
export const FunctionMeasure = Fact.kind("FunctionMeasure", {
  schema: Schema.Struct({
    path: Schema.String,
    name: Schema.String,
    line: Count,
    column: Count,
    endLine: Count,
    complexity: Count,
    /** Nodes of its syntax tree, types aside. */
    size: Count,
    hash: Schema.String
  }),
  id: (self) => `${self.path}:${self.line}:${self.column}`
})
export type FunctionMeasure = (typeof FunctionMeasure)["schema"]["Type"]

// ------------------------------------------------------------------------------------------------- tier 2: analysis

/** Modules that import each other in a circle: a strongly connected component of the import graph. */
export const Cycle = Fact.kind("Cycle", {
  schema: Schema.Struct({
    /** All of its modules, sorted. */
    modules: Names,
    /** A shortest way round: each module imports the next, and the last one the first. */
    route: Names,
    edges: Count,
    /** Whether it is one without `import()` too: then modules see each other before they are initialised. */
    eager: Schema.Boolean
  }),
  id: (cycle) => cycle.modules[0] ?? ""
})
export type Cycle = (typeof Cycle)["schema"]["Type"]

/** A module's place in the graph: how many import it, how many it imports, and its distance from the entry. */
export const Place = Fact.kind("Place", {
  schema: Schema.Struct({ path: Schema.String, fanIn: Count, fanOut: Count, depth: Count }),
  id: (place) => place.path
})
export type Place = (typeof Place)["schema"]["Type"]

/** An export that the package neither shows to others nor imports itself. */
export const UnusedExport = Fact.kind("UnusedExport", {
  schema: Schema.Struct({ path: Schema.String, name: Schema.String, line: Count, uses: Count }),
  id: (self) => `${self.path}#${self.name}`
})
export type UnusedExport = (typeof UnusedExport)["schema"]["Type"]

/** Functions with the same normalised body. */
export const Clone = Fact.kind("Clone", {
  schema: Schema.Struct({
    hash: Schema.String,
    size: Count,
    lines: Count,
    functions: Schema.Array(Schema.Struct({ path: Schema.String, name: Schema.String, line: Count }))
  }),
  id: (clone) => clone.hash
})
export type Clone = (typeof Clone)["schema"]["Type"]

/** One of the most complex functions of the package. */
export const ComplexFunction = Fact.kind("ComplexFunction", {
  schema: Schema.Struct({
    path: Schema.String,
    name: Schema.String,
    line: Count,
    column: Count,
    lines: Count,
    complexity: Count
  }),
  id: (self) => `${self.path}:${self.line}:${self.column}`
})
export type ComplexFunction = (typeof ComplexFunction)["schema"]["Type"]

// --------------------------------------------------------------------------------------------------- tier 3: report

/** Something worth a person's time. `rank` counts from 1, the most urgent; `score` is what it was ranked by. */
export const Finding = Fact.kind("Finding", {
  schema: Schema.Struct({
    rank: Count,
    score: Count,
    severity: Schema.Literals(["error", "warning", "note"]),
    rule: Schema.String,
    /** What it is about: a module, a function, a package ... */
    subject: Schema.String,
    path: Schema.String,
    line: Count,
    message: Schema.String
  }),
  id: (finding) => `${finding.rule} ${finding.path}:${finding.line} ${finding.subject}`
})
export type Finding = (typeof Finding)["schema"]["Type"]
