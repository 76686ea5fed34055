/**
 * The kinds of fact that an audit is made of, tier by tier.
 *
 * Paths are POSIX and relative to the root of the audited package (a file outside it starts with "../"), so ids, and
 * with them the job's hash, are the same on every machine. Boundary: schemas and identities; nothing here computes.
 */
import * as Schema from "effect/Schema"
import { Fact } from "effect-converge"
import { identity } from "./identity.ts"

const Count = Schema.Finite
const Names = Schema.Array(Schema.String)

/** The conflict rule of all kinds. Ids tell facts apart; if two clash all the same, the first stays and the audit goes on. */
const conflict = "keepFirst"

// ---------------------------------------------------------------------------------------------------- tier 1: crawl

/** The request: the entry file as the caller named it, and whether to enter other packages too. */
export const Request = Fact.kind("Request", {
  schema: Schema.Struct({ entry: Schema.String, deep: Schema.Boolean }),
  id: () => "request",
  conflict
})

/**
 * The audited package. `root` is its directory, in the terms of the request (relative to the working directory if the
 * entry was); `dependencies` are the packages that its package.json promises at run time, `optional` those that may be
 * missing, `developed` those that only its developers have; `exports` is the JSON of its field of that name, "" if it has
 * none; `entries` are the files that other fields show; `built` says where the compiler writes which sources; `shows` are the
 * modules that package.json shows others in so many words.
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
    built: Schema.Array(Schema.Struct({ from: Schema.String, to: Schema.String })),
    shows: Names
  }),
  id: () => "package",
  conflict
})

export type Package = (typeof Package)["schema"]["Type"]

/** A file that the crawl wants to read. */
export const Wanted = Fact.kind("Wanted", {
  schema: Schema.Struct({ path: Schema.String }),
  id: (wanted) => identity(wanted.path),
  conflict
})

/**
 * How the text of a file is to be read, as far as other files say: `type` is that of the nearest package.json; the rest
 * is of the nearest tsconfig.json, and says which imports TypeScript keeps although no value of theirs is used.
 */
export const Dialect = Schema.Struct({
  type: Schema.Literals(["module", "commonjs", "none"]),
  /** The names that JSX stands for; "" where the compiler imports them itself. */
  jsx: Schema.Struct({ element: Schema.String, fragment: Schema.String }),
  keeps: Schema.Literals(["used", "values", "statements"]),
  /** Whether the types of what is decorated become values, and whether null has a type of its own then. */
  metadata: Schema.Boolean,
  strictNulls: Schema.Boolean
})
export type Dialect = typeof Dialect.Type

/** The text of a file, as it was read once. */
export const Source = Fact.kind("Source", {
  schema: Schema.Struct({ path: Schema.String, bytes: Count, text: Schema.String, dialect: Dialect }),
  id: (source) => identity(source.path),
  conflict
})

/** The problems of a file, or of its imports. None of it stops the crawl. */
export const ProblemCode = Schema.Literals([
  "missing",
  "directory",
  "unreadable",
  "too-large",
  "changed-while-read",
  "not-utf8",
  "empty",
  "syntax",
  "module-in-commonjs",
  "too-deep",
  "minified",
  "config"
])
export type ProblemCode = typeof ProblemCode.Type

/** Something that kept the audit from knowing a file as well as the others. `line` is 0 where there is none. */
export const Problem = Fact.kind("Problem", {
  schema: Schema.Struct({ path: Schema.String, code: ProblemCode, line: Count, message: Schema.String }),
  id: (problem) => identity(problem.path, problem.code, problem.line, problem.message),
  conflict
})
export type Problem = (typeof Problem)["schema"]["Type"]

/** A way in which a module loads others that no static crawl can follow, how often it does, and where first. */
export const Unseen = Schema.Struct({
  way: Schema.Literals(["computed", "amd", "eval", "glob", "handed-on", "own-require", "scripts", "worker"]),
  count: Count,
  line: Count,
  column: Count
})
export type Unseen = typeof Unseen.Type

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
    computedImports: Count,
    unseen: Schema.Array(Unseen)
  }),
  id: (module) => identity(module.path),
  conflict
})
export type Module = (typeof Module)["schema"]["Type"]

/** A link has the id of its import. */
export const linkKey = (of: {
  readonly from: string
  readonly condition: "import" | "require"
  readonly specifier: string
}): string => identity(of.from, of.condition, of.specifier)

/**
 * A module's wish for another, all its statements for one specifier together.
 *
 * `elision` says what happens to it when types are stripped: "type" is written as a type and goes, "unused" is an import
 * of which TypeScript keeps nothing, as the project's options are. `how` is "url" where a file is only named, by
 * `new URL("./a.js", import.meta.url)` and the like.
 */
export const Import = Fact.kind("Import", {
  schema: Schema.Struct({
    from: Schema.String,
    specifier: Schema.String,
    condition: Schema.Literals(["import", "require"]),
    how: Schema.Literals(["static", "reexport", "dynamic", "require", "url", "type"]),
    elision: Schema.Literals(["none", "type", "unused"]),
    /** The names that the module takes from it for itself; "*" stands for everything. What it passes on is in its exports. */
    names: Names,
    line: Count,
    column: Count,
    /** Whether every occurrence loads it after the module itself ran: `import()`, or `require` in a function. */
    lazy: Schema.Boolean,
    /** Whether every occurrence is inside `try` or has a `catch`: then it may be missing on purpose. */
    guarded: Schema.Boolean
  }),
  id: linkKey,
  conflict
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
  id: linkKey,
  conflict
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
  id: (self) =>
    self.name === "*" ? identity(self.path, self.name, self.from, self.imported) : identity(self.path, self.name),
  conflict
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
  id: (self) => identity(self.path, self.line, self.column),
  conflict
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
    /** Whether it is one without lazy imports, too: then modules see each other before they are initialised. */
    eager: Schema.Boolean
  }),
  id: (cycle) => identity(cycle.modules[0] ?? ""),
  conflict
})
export type Cycle = (typeof Cycle)["schema"]["Type"]

/** A module's place in the graph: how many import it, how many it imports, and its distance from the entry. */
export const Place = Fact.kind("Place", {
  schema: Schema.Struct({ path: Schema.String, fanIn: Count, fanOut: Count, depth: Count }),
  id: (place) => identity(place.path),
  conflict
})
export type Place = (typeof Place)["schema"]["Type"]

/** An export that the package neither shows to others nor imports itself. */
export const UnusedExport = Fact.kind("UnusedExport", {
  schema: Schema.Struct({ path: Schema.String, name: Schema.String, line: Count, uses: Count }),
  id: (self) => identity(self.path, self.name),
  conflict
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
  id: (clone) => identity(clone.hash),
  conflict
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
  id: (self) => identity(self.path, self.line, self.column),
  conflict
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
    /** The subject: a module, a function, a package ... */
    subject: Schema.String,
    path: Schema.String,
    line: Count,
    column: Count,
    message: Schema.String
  }),
  id: (finding) => identity(finding.rule, finding.path, finding.line, finding.column, finding.subject),
  conflict
})
export type Finding = (typeof Finding)["schema"]["Type"]
