/**
 * The output of an audit: counts, lists and the graph, from the facts at convergence.
 *
 * Boundary: pure data in, plain data out. The reports print this and nothing else; `--json` is this.
 */
import type { View } from "effect-converge"
import {
  Clone,
  ComplexFunction,
  Cycle,
  Export,
  Finding,
  Link,
  linkKey,
  Module,
  Package,
  Place,
  UnusedExport
} from "./facts.ts"
import { type evidenceKinds, evidenceOf, rankFindings } from "./findings.ts"
import { edgeCount, type Graph, makeGraph } from "./graph.ts"

/** The output of an audit. `modules`, `edges` and `external` are counts. */
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

const hubsMax = 15

/** The modules that the crawl recorded and did not enter, of one kind, sorted. */
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

/** The kinds of fact that an audit is summed up from. */
type Summed =
  | typeof Package
  | typeof Module
  | typeof Link
  | typeof Export
  | typeof UnusedExport
  | typeof Clone
  | typeof Cycle
  | typeof Place
  | typeof ComplexFunction
  | typeof Finding

/** The output of an audit, from the facts of a finished job or of one that was stopped. */
export const summarise = (facts: Pick<View.View<Summed>, "all" | "size">): Audit => {
  const modules = facts.all(Module).map(({ value }) => value)
  const links = facts.all(Link).map(({ value }) => value)
  const places = facts.all(Place).map(({ value }) => value)
  const clones = facts.all(Clone)
  const audited = facts.all(Package)[0]?.value
  const sum = (of: (module: Module) => number): number => modules.reduce((total, module) => total + of(module), 0)
  const packages = recorded(links, "package")
  const builtins = recorded(links, "builtin")
  return {
    package: audited?.name ?? "",
    version: audited?.version ?? "",
    entry: audited?.entry ?? "",
    modules: modules.length,
    edges: edgeCount(crawledGraph(modules, links)),
    external: packages.length + builtins.length + recorded(links, "url", "outside").length,
    packages,
    builtins,
    lines: sum((module) => module.lines),
    bytes: sum((module) => module.bytes),
    functions: sum((module) => module.functions),
    complexity: sum((module) => module.complexity),
    depth: places.reduce((deepest, place) => Math.max(deepest, place.depth), 0),
    exports: facts.size(Export),
    unusedExports: facts.size(UnusedExport),
    clones: clones.length,
    clonedFunctions: clones.reduce((total, clone) => total + clone.value.functions.length, 0),
    cycles: facts.all(Cycle).map(({ value }) => value),
    hubs: places.filter((place) => place.fanIn > 0).slice(0, hubsMax),
    complex: facts.all(ComplexFunction).map(({ value }) => value),
    findings: facts
      .all(Finding)
      .map(({ value }) => value)
      .sort((a, b) => a.rank - b.rank)
  }
}

/**
 * The output of a job that was stopped: its facts summed up, with the findings that do not need the rest. A file that is
 * still to be read or an import that is still to be resolved is no finding of it.
 */
export const summarisePartial = (
  facts: Pick<View.View<Summed | (typeof evidenceKinds)[number]>, "all" | "size">
): Audit => {
  const audit = summarise(facts)
  if (audit.findings.length > 0) return audit
  const { links, imports, ...evidence } = evidenceOf(facts)
  const resolved = new Set(links.map(linkKey))
  const known = imports.filter((found) => resolved.has(linkKey(found)))
  const own = { ...evidence.package, shows: [] }
  const found = { ...evidence, package: own, links, imports: known, wanted: [], sources: [] }
  return { ...audit, findings: rankFindings(found) }
}
