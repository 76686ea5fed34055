/**
 * The audit as a program: crawl to the fixed point, analyse the whole graph, report.
 *
 *     crawl    locate -> read -> parse -> resolve -> read ...     until no import leads to a file that was not read
 *     analyse  cycles, places, unusedExports, clones, complexity  each over the finished graph, side by side
 *     report   rank                                               findings, the most urgent first
 *
 * Files are read and specifiers resolved by fiber agents; text is parsed and graphs are searched by CPU agents, on worker
 * threads. Nothing that a file holds, or fails to be, ends the job: it becomes a `Problem`, and a finding.
 *
 * Workers import this module to find the CPU agents: it has no side effects, and what only the main thread needs
 * (reports, the platform) stays out of it or is loaded late.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { posix } from "node:path"
import { Agent, Program } from "effect-converge"
import { byPlace, findClones } from "./clones.ts"
import { dialectOf } from "./dialect.ts"
import {
  Clone,
  ComplexFunction,
  Cycle,
  Export,
  Finding,
  FunctionMeasure,
  Import,
  Link,
  Module,
  Package,
  Place,
  Problem,
  Request,
  Source,
  UnusedExport,
  Wanted
} from "./facts.ts"
import { makeExposure } from "./exposure.ts"
import { makeFiles, readSource, toPosix } from "./files.ts"
import { evidenceKinds, evidenceOf, rankFindings } from "./findings.ts"
import { findCycles, findPlaces, makeGraph } from "./graph.ts"
import { distinct } from "./identity.ts"
import { parseSource } from "./parse.ts"
import { configOf, isOwnFile, owner, resolve } from "./resolve.ts"
import { shownModules } from "./shown.ts"
import { crawledGraph, summarise } from "./summary.ts"
import type { Tsconfig } from "./tsconfig.ts"
import { findUnusedExports } from "./unusedExports.ts"

// ---------------------------------------------------------------------------------------------------- tier 1: crawl

/** Where the package begins; finds its root and asks for its entry. */
const locate = Agent.make("locate", {
  each: Request,
  writes: [Package, Wanted, Problem],
  execute: Effect.fnUntraced(function* ({ value: { entry } }) {
    const files = makeFiles(yield* FileSystem.FileSystem)
    const path = yield* files.realPath(absolute(toPosix(entry)))
    const isDirectory = (yield* files.kind(path)) === "directory"
    const found = yield* owner(files, isDirectory ? posix.join(path, "index") : path)
    // Asked for its problems, too: an import may never need it.
    const config = yield* configOf(files, path)
    const directory = found?.directory ?? (isDirectory ? path : posix.dirname(path))
    const root = posix.isAbsolute(toPosix(entry)) ? directory : posix.relative(workingDirectory(), directory) || "."
    const entryPath = posix.relative(directory, path) || "."
    const built = builtDirectories(config, directory)
    const shows =
      found === undefined ? [] : yield* shownModules(files, directory, found.value, { built, entry: entryPath })
    return {
      facts: [
        Package.of({
          name: found?.value.name ?? posix.basename(directory),
          version: found?.value.version ?? "",
          root,
          entry: entryPath,
          dependencies: sorted(found?.value.dependencies),
          optional: sorted(found?.value.optional),
          developed: sorted(found?.value.devDependencies),
          exports: JSON.stringify(found?.value.exports) ?? "",
          entries: sorted(found?.value.entries),
          built,
          shows
        }),
        Wanted.of({ path: entryPath }),
        ...configProblems(files, directory)
      ]
    }
  })
})

const sorted = (names: ReadonlyArray<string> = []): ReadonlyArray<string> => [...new Set(names)].sort()

/** Where the compiler writes which sources. Without a `rootDir` it may be the package or its folder of sources. */
const builtDirectories = (config: Tsconfig | undefined, root: string): Package["built"] =>
  (config?.outDirs ?? []).flatMap((to) =>
    (config?.rootDir === undefined ? [root, posix.join(root, "src")] : [config.rootDir]).map((from) => ({
      from: posix.relative(root, from) || ".",
      to: posix.relative(root, to) || "."
    }))
  )

/** Reads a file once. What cannot be read is a problem, not a failure. */
const read = Agent.make("read", {
  each: Wanted,
  reads: [Package],
  writes: [Source, Problem],
  timeout: "30 seconds",
  onFailure: "discard",
  execute: Effect.fnUntraced(function* ({ value: { path } }, view) {
    const root = rootOf(view.get(Package, "package"))
    const files = makeFiles(yield* FileSystem.FileSystem)
    const { source, problems } = yield* readSource(posix.join(root, path))
    const dialect = yield* dialectOf(files, posix.join(root, path))
    return {
      facts: [
        ...(source === undefined ? [] : [Source.of({ path, dialect, ...source })]),
        ...distinct(
          Problem,
          problems.map((problem) => ({ path, line: 0, ...problem }))
        ),
        ...configProblems(files, root)
      ]
    }
  })
})

/**
 * Parses a file. The deadline is far beyond what a file of the greatest size takes; a parser that is stopped there, or
 * runs out of memory, leaves a source without a module, which the report names.
 */
const parse = Agent.cpu("parse", {
  each: Source,
  writes: [Module, Import, Export, FunctionMeasure, Problem],
  timeout: "60 seconds",
  onFailure: "discard",
  execute: ({ value: { path, text, bytes, dialect } }) => {
    const parsed = parseSource(path, text, bytes, dialect)
    return {
      facts: [
        Module.of(parsed.module),
        ...distinct(Import, parsed.imports),
        ...distinct(Export, parsed.exports),
        ...distinct(FunctionMeasure, parsed.functions),
        ...distinct(Problem, parsed.problems)
      ]
    }
  }
})

/** Finds where an import leads, and asks for the file if it is the crawl's to enter. */
const follow = Agent.make("resolve", {
  each: Import,
  reads: [Package, Request],
  writes: [Link, Wanted, Problem],
  timeout: "30 seconds",
  onFailure: "discard",
  execute: Effect.fnUntraced(function* ({ value: { from, specifier, condition, elision } }, view) {
    const files = makeFiles(yield* FileSystem.FileSystem)
    const root = rootOf(view.get(Package, "package"))
    const deep = Option.exists(view.get(Request, "request"), (request) => request.value.deep)
    const importer = posix.join(root, from)
    const elided = elision !== "none"
    const resolution = yield* resolve(files, { from: importer, specifier, condition, enterPackages: deep })
    const isInside = resolution.kind === "file" && (yield* isOwnFile(files, root, resolution.path))
    const problems = configProblems(files, root)
    const link = (kind: Link["kind"], to: string, entered = false): ReturnType<typeof Link.of> =>
      Link.of({ from, specifier, condition, kind, to, fate: elided ? "elided" : entered ? "entered" : "recorded" })
    switch (resolution.kind) {
      case "package":
      case "builtin":
        return { facts: [link(resolution.kind, resolution.name), ...problems] }
      case "url":
        return { facts: [link("url", resolution.url), ...problems] }
      case "missing":
        return { facts: [link("missing", resolution.reason), ...problems] }
      case "file": {
        const path = posix.relative(root, resolution.path)
        if (!isCode(path)) return { facts: [link("asset", path), ...problems] }
        const kind = isInside ? "internal" : "outside"
        if (elided || !(isInside || deep)) return { facts: [link(kind, path), ...problems] }
        return { facts: [link(kind, path, true), Wanted.of({ path }), ...problems] }
      }
    }
  })
})

/** The problems of the configuration that was asked for. */
const configProblems = (
  files: ReturnType<typeof makeFiles>,
  root: string
): ReadonlyArray<ReturnType<typeof Problem.of>> =>
  distinct(
    Problem,
    files
      .problems()
      .filter(({ path }) => !path.includes("/node_modules/"))
      .map(({ path, message }) => ({ path: posix.relative(root, path), code: "config" as const, line: 0, message }))
  )

// ------------------------------------------------------------------------------------------------- tier 2: analysis

const valuesOf = <T>(facts: ReadonlyArray<{ readonly value: T }>): ReadonlyArray<T> => facts.map((fact) => fact.value)

/** The import graph's strongly connected components. */
const cycles = Agent.cpu("cycles", {
  reads: [Module, Link, Import],
  writes: [Cycle],
  execute: (view) => {
    const modules = valuesOf(view.all(Module))
    const links = valuesOf(view.all(Link))
    const lazy = new Set(
      view
        .all(Import)
        .filter((found) => found.value.lazy)
        .map((found) => found.id)
    )
    const eager = view
      .all(Link)
      .filter((link) => !lazy.has(link.id))
      .map((link) => link.value)
    const eagerGraph = makeGraph(
      modules.map(({ path }) => path),
      eager
    )
    return { facts: distinct(Cycle, findCycles(crawledGraph(modules, links), eagerGraph)) }
  }
})

/** Fan-in, fan-out and depth of every module. */
const places = Agent.cpu("places", {
  reads: [Package, Module, Link],
  writes: [Place],
  execute: (view) => {
    const graph = crawledGraph(valuesOf(view.all(Module)), valuesOf(view.all(Link)))
    const entry = Option.match(view.get(Package, "package"), { onNone: () => "", onSome: ({ value }) => value.entry })
    return { facts: distinct(Place, findPlaces(graph, entry)) }
  }
})

/** Exports that nobody imports. */
const unusedExports = Agent.cpu("unusedExports", {
  reads: [Package, Export, Import, Link],
  writes: [UnusedExport],
  execute: (view) => {
    const found = Option.getOrUndefined(view.get(Package, "package"))?.value
    const isExposed = makeExposure({
      exports: found === undefined || found.exports === "" ? undefined : JSON.parse(found.exports),
      entries: found?.entries ?? [],
      built: found?.built ?? []
    })
    return {
      facts: distinct(
        UnusedExport,
        findUnusedExports({
          isPublic: (path) => path === found?.entry || isExposed(path),
          exports: valuesOf(view.all(Export)),
          imports: valuesOf(view.all(Import)),
          links: valuesOf(view.all(Link))
        })
      )
    }
  }
})

/** Functions that are copies of each other. */
const clones = Agent.cpu("clones", {
  reads: [FunctionMeasure],
  writes: [Clone],
  execute: (view) => ({ facts: distinct(Clone, findClones(valuesOf(view.all(FunctionMeasure)))) })
})

/** The functions with the most ways through them. */
const complexity = Agent.cpu("complexity", {
  reads: [FunctionMeasure],
  writes: [ComplexFunction],
  execute: (view) => ({
    facts: distinct(
      ComplexFunction,
      valuesOf(view.all(FunctionMeasure))
        .filter((measured) => measured.complexity >= complexFrom)
        .sort((a, b) => b.complexity - a.complexity || byPlace(a, b))
        .slice(0, complexMax)
        .map(({ path, name, line, column, endLine, complexity: ways }) => ({
          path,
          name,
          line,
          column,
          lines: endLine - line + 1,
          complexity: ways
        }))
    )
  })
})

const complexFrom = 15
const complexMax = 25

// --------------------------------------------------------------------------------------------------- tier 3: report

/** Ranks all that was found. */
const rank = Agent.cpu("rank", {
  reads: evidenceKinds,
  writes: [Finding],
  execute: (view) => ({
    facts: distinct(Finding, rankFindings(evidenceOf(view)))
  })
})

/** The audit of one package, from its entry file. With `deep`, the packages that it imports are entered too. */
export const audit = Program.make("code-audit", {
  module: import.meta.url,
  input: Schema.Struct({ entry: Schema.String, deep: Schema.optionalKey(Schema.Boolean) }),
  seed: ({ entry, deep }) => [Request.of({ entry, deep: deep ?? false })],
  tiers: [
    ["locate", "read", "parse", "resolve"],
    ["cycles", "places", "unusedExports", "clones", "complexity"],
    ["rank"]
  ],
  agents: [locate, read, parse, follow, cycles, places, unusedExports, clones, complexity, rank],
  // Each step away from the entry takes three cycles: this is a chain of imports more than 6,000 files long.
  budget: { maxCycles: 20_000 },
  output: summarise
})

/** The services of the audit's agents: the file system of Node, which loads when the layer is provided. */
export const layer = Layer.unwrap(
  Effect.map(
    Effect.promise(() => import("@effect/platform-node/NodeFileSystem")),
    (platform) => platform.layer
  )
)

// ----------------------------------------------------------------------------------------------------------- paths

const workingDirectory = (): string => toPosix(process.cwd())

const absolute = (path: string): string =>
  posix.isAbsolute(path) || /^[A-Za-z]:\//.test(path) ? path : posix.join(workingDirectory(), path)

/** The absolute path of the package's root. Facts never hold it, unless the entry was given as an absolute path. */
const rootOf = (found: Option.Option<{ readonly value: { readonly root: string } }>): string =>
  absolute(Option.match(found, { onNone: () => ".", onSome: ({ value }) => value.root }))

const isCode = (path: string): boolean => /\.([cm]?[jt]sx?|json)$/.test(path) || posix.extname(path) === ""
