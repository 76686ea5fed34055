/**
 * The output of an audit: counts, lists and the graph, from the facts at convergence.
 *
 * Boundary: pure data in, plain data out. The reports print this and nothing else; `--json` is this.
 */
import type { ComplexFunction, Cycle, Finding, Link, Module, Package, Place } from "./facts.ts"
import { edgeCount, type Graph, makeGraph } from "./graph.ts"

/** What an audit answers. `modules`, `edges` and `external` are counts. */
export interface Audit {
  readonly package: string
  readonly version: string
  readonly entry: string
  /** Files that were reached and entered. */
  readonly modules: number
  /** Imports among them: pairs of importer and imported. */
  readonly edges: number
  /** Packages, built-in modules, URLs and foreign files that were recorded and not entered. */
  readonly external: number
  readonly packages: ReadonlyArray<string>
  readonly builtins: ReadonlyArray<string>
  readonly lines: number
  readonly bytes: number
  readonly functions: number
  readonly complexity: number
  readonly depth: number
  readonly exports: number
  readonly unusedExports: number
  readonly clones: number
  readonly clonedFunctions: number
  readonly cycles: ReadonlyArray<Cycle>
  /** The modules that most others import. */
  readonly hubs: ReadonlyArray<Place>
  /** The most complex functions. */
  readonly complex: ReadonlyArray<ComplexFunction>
  readonly findings: ReadonlyArray<Finding>
}

export interface SummaryInput {
  readonly package: (typeof Package)["schema"]["Type"] | undefined
  readonly modules: ReadonlyArray<Module>
  readonly links: ReadonlyArray<Link>
  readonly exports: number
  readonly unusedExports: number
  readonly clones: ReadonlyArray<{ readonly functions: ReadonlyArray<unknown> }>
  readonly cycles: ReadonlyArray<Cycle>
  readonly places: ReadonlyArray<Place>
  readonly complex: ReadonlyArray<ComplexFunction>
  readonly findings: ReadonlyArray<Finding>
}

const hubsMax = 15

/** What the crawl recorded and did not enter, of one kind, sorted. */
export const recorded = (links: ReadonlyArray<Link>, ...kinds: ReadonlyArray<Link["kind"]>): ReadonlyArray<string> =>
  [
    ...new Set(links.filter((link) => link.fate === "recorded" && kinds.includes(link.kind)).map((link) => link.to))
  ].sort()

/** The graph of a finished crawl. */
export const crawledGraph = (modules: ReadonlyArray<Module>, links: ReadonlyArray<Link>): Graph =>
  makeGraph(
    modules.map(({ path }) => path),
    links
  )

export const summarise = (input: SummaryInput): Audit => {
  const { modules, links, clones, findings } = input
  const sum = (of: (module: Module) => number): number => modules.reduce((total, module) => total + of(module), 0)
  const packages = recorded(links, "package")
  const builtins = recorded(links, "builtin")
  return {
    package: input.package?.name ?? "",
    version: input.package?.version ?? "",
    entry: input.package?.entry ?? "",
    modules: modules.length,
    edges: edgeCount(crawledGraph(modules, links)),
    external: packages.length + builtins.length + recorded(links, "url", "outside").length,
    packages,
    builtins,
    lines: sum((module) => module.lines),
    bytes: sum((module) => module.bytes),
    functions: sum((module) => module.functions),
    complexity: sum((module) => module.complexity),
    depth: Math.max(0, ...input.places.map((place) => place.depth)),
    exports: input.exports,
    unusedExports: input.unusedExports,
    clones: clones.length,
    clonedFunctions: clones.reduce((total, clone) => total + clone.functions.length, 0),
    cycles: input.cycles,
    hubs: input.places.filter((place) => place.fanIn > 0).slice(0, hubsMax),
    complex: input.complex,
    findings: [...findings].sort((a, b) => a.rank - b.rank)
  }
}
