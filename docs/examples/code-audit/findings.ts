/**
 * From what was measured to what is worth a person's time, ranked.
 *
 * A finding's score says how urgent it is: 90 and more is broken, 60 and more is wrong for somebody, 30 and more makes
 * change risky, the rest is good to know. Scores are small formulas over counts, below, so they can be argued with.
 *
 * Boundary: pure; equal inputs give equal rankings, whatever the order of facts.
 */
import type { View } from "effect-converge"
import {
  Clone,
  ComplexFunction,
  Cycle,
  type Finding,
  Import,
  Link,
  linkKey,
  Module,
  Package,
  Place,
  Problem,
  type ProblemCode,
  Source,
  type Unseen,
  UnusedExport,
  Wanted
} from "./facts.ts"
import { packageName } from "./manifest.ts"
import { visible } from "./visible.ts"

/** All that the findings are drawn from. */
export interface Evidence {
  readonly package: {
    readonly name: string
    readonly dependencies: ReadonlyArray<string>
    readonly optional: ReadonlyArray<string>
    readonly developed: ReadonlyArray<string>
    readonly shows: ReadonlyArray<string>
  }
  readonly wanted: ReadonlyArray<{ readonly path: string }>
  readonly sources: ReadonlyArray<{ readonly path: string }>
  readonly problems: ReadonlyArray<Problem>
  readonly modules: ReadonlyArray<Module>
  readonly imports: ReadonlyArray<Import>
  readonly links: ReadonlyArray<Link>
  readonly cycles: ReadonlyArray<Cycle>
  readonly places: ReadonlyArray<Place>
  readonly unusedExports: ReadonlyArray<UnusedExport>
  readonly clones: ReadonlyArray<Clone>
  readonly complex: ReadonlyArray<ComplexFunction>
}

/** The kinds of fact that findings are drawn from. */
export const evidenceKinds = [
  Package,
  Wanted,
  Source,
  Problem,
  Module,
  Import,
  Link,
  Cycle,
  Place,
  UnusedExport,
  Clone,
  ComplexFunction
] as const

/** The evidence that a set of facts holds. */
export const evidenceOf = (facts: Pick<View.View<(typeof evidenceKinds)[number]>, "all">): Evidence => ({
  package: facts.all(Package)[0]?.value ?? { name: "", dependencies: [], optional: [], developed: [], shows: [] },
  wanted: facts.all(Wanted).map(({ value }) => value),
  sources: facts.all(Source).map(({ value }) => value),
  problems: facts.all(Problem).map(({ value }) => value),
  modules: facts.all(Module).map(({ value }) => value),
  imports: facts.all(Import).map(({ value }) => value),
  links: facts.all(Link).map(({ value }) => value),
  cycles: facts.all(Cycle).map(({ value }) => value),
  places: facts.all(Place).map(({ value }) => value),
  unusedExports: facts.all(UnusedExport).map(({ value }) => value),
  clones: facts.all(Clone).map(({ value }) => value),
  complex: facts.all(ComplexFunction).map(({ value }) => value)
})

type Unranked = Omit<Finding, "rank">

/** All findings, the most urgent first. */
export const rankFindings = (evidence: Evidence): ReadonlyArray<Finding> =>
  [
    ...evidence.problems.filter(({ code }) => code !== "module-in-commonjs").map(ofProblem),
    ...refusedModules(evidence),
    ...gaps(evidence),
    ...missingFiles(evidence),
    ...outside(evidence),
    ...unmapped(evidence),
    ...unreached(evidence),
    ...undeclared(evidence),
    ...cycles(evidence),
    ...evidence.complex.map(ofComplex),
    ...evidence.clones.map(ofClone),
    ...unused(evidence),
    ...hubs(evidence),
    ...computed(evidence),
    ...unseen(evidence)
  ]
    .sort(byUrgency)
    .map(diminish())
    .sort(byUrgency)
    .map((finding, index) => ({ rank: index + 1, ...finding, message: visible(finding.message) }))

const byUrgency = (a: Unranked, b: Unranked): number =>
  b.score - a.score ||
  compare(a.rule, b.rule) ||
  compare(a.path, b.path) ||
  a.line - b.line ||
  a.column - b.column ||
  compare(a.subject, b.subject)

/** The tenth of a rule's findings is less news than its first: each loses a little, unless something is wrong. */
const diminish = (): ((finding: Unranked) => Unranked) => {
  const seen = new Map<string, number>()
  return (finding) => {
    const earlier = seen.get(finding.rule) ?? 0
    seen.set(finding.rule, earlier + 1)
    return {
      ...finding,
      score: Math.round(finding.score >= 60 ? finding.score : finding.score * Math.max(0.2, 0.94 ** earlier))
    }
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

const listed = (names: ReadonlyArray<string>, max: number): string =>
  names.length <= max ? names.join(", ") : `${names.slice(0, max).join(", ")} and ${names.length - max} more`

const urgency: Readonly<Record<ProblemCode, readonly [Finding["severity"], number]>> = {
  missing: ["error", 100],
  directory: ["error", 100],
  unreadable: ["error", 95],
  syntax: ["error", 95],
  "too-deep": ["warning", 75],
  "too-large": ["warning", 75],
  "changed-while-read": ["warning", 75],
  config: ["warning", 72],
  "not-utf8": ["warning", 70],
  minified: ["note", 20],
  "module-in-commonjs": ["note", 16],
  empty: ["note", 15]
}

const ofProblem = ({ path, code, line, message }: Problem): Unranked => {
  const [severity, score] = urgency[code]
  // A configuration may be wrong in several ways.
  return { rule: code, severity, score, subject: code === "config" ? message : path, path, line, column: 0, message }
}

/** Modules that only bundlers take, in one finding: whole projects are written so. */
const refusedModules = ({ problems }: Evidence): ReadonlyArray<Unranked> => {
  const found = problems.filter(({ code }) => code === "module-in-commonjs").sort((a, b) => compare(a.path, b.path))
  const [first] = found
  if (first === undefined) return []
  const others = found.length === 1 ? "" : ` (${plural(found.length, "file")} like this one)`
  return [{ ...ofProblem(first), message: `${first.message}; bundlers do not${others}` }]
}

/** The requests of the crawl that were never answered: a reader or parser that was stopped, at its deadline or out of memory. */
const gaps = ({ wanted, sources, modules, problems, imports, links }: Evidence): ReadonlyArray<Unranked> => {
  const gap = (rule: string, path: string, subject: string, message: string, at?: Import): Unranked => ({
    rule,
    severity: "error",
    score: 90,
    subject,
    path,
    line: at?.line ?? 0,
    column: at?.column ?? 0,
    message
  })
  const explained = new Set(problems.map(({ path }) => path))
  const read = new Set(sources.map(({ path }) => path))
  const parsed = new Set(modules.map(({ path }) => path))
  const resolved = new Set(links.map(linkKey))
  return [
    ...wanted
      .filter(({ path }) => !read.has(path) && !explained.has(path))
      .map(({ path }) => gap("not-read", path, path, "was not read: the reader was stopped")),
    ...sources
      .filter(({ path }) => !parsed.has(path))
      .map(({ path }) =>
        gap("not-parsed", path, path, "was not parsed: the parser was stopped, out of time or memory")
      ),
    ...imports
      .filter((found) => !resolved.has(linkKey(found)))
      .map((found) => gap("not-resolved", found.from, found.specifier, `"${found.specifier}" was not resolved`, found))
  ]
}

const importsByLink = (imports: ReadonlyArray<Import>): ReadonlyMap<string, Import> =>
  new Map(imports.map((found) => [linkKey(found), found]))

const missingFiles = ({ imports, links }: Evidence): ReadonlyArray<Unranked> => {
  const byLink = importsByLink(imports)
  return links
    .filter((link) => link.kind === "missing")
    .flatMap((link) => {
      const found = byLink.get(linkKey(link))
      if (found === undefined || link.fate === "elided") return []
      const optional = found.guarded
      const excuse = found.how === "url" ? " (named, not loaded)" : optional ? " (guarded by try)" : ""
      return [
        {
          rule: "missing-import",
          severity: optional ? ("note" as const) : ("error" as const),
          score: optional ? 18 : 98,
          subject: link.specifier,
          path: link.from,
          line: found.line,
          column: found.column,
          message: `imports "${link.specifier}", which leads nowhere: ${link.to}${excuse}`
        }
      ]
    })
}

/** Files that were imported and not entered, as they lie outside of the package. */
const outside = ({ imports, links }: Evidence): ReadonlyArray<Unranked> => {
  const byLink = importsByLink(imports)
  const left = links.filter((link) => link.kind === "outside" && link.fate === "recorded")
  return [...Map.groupBy(left, (link) => link.from)].map(([from, found]) => {
    // A name that a configuration leads to a neighbour is meant; a path that climbs out of the package breaks elsewhere.
    const climbs = found.some(({ specifier }) => /^\.{0,2}\//.test(specifier))
    const targets = [...new Set(found.map(({ to }) => to))].sort()
    const first = found
      .map((link) => byLink.get(linkKey(link)))
      .filter((found) => found !== undefined)
      .sort((a, b) => a.line - b.line || a.column - b.column)[0]
    return {
      rule: "outside-package",
      severity: climbs ? ("warning" as const) : ("note" as const),
      score: climbs ? 65 : 22,
      subject: from,
      path: from,
      line: first?.line ?? 0,
      column: first?.column ?? 0,
      message: `imports ${plural(targets.length, "file")} outside of the package, not entered without --deep: ${listed(targets, 3)}`
    }
  })
}

/** Modules that others can load, and that the audit did not enter: an export that only they import seems to be unused. */
const unreached = ({ package: own, modules }: Evidence): ReadonlyArray<Unranked> => {
  const reached = new Set(modules.map(({ path }) => path))
  const left = own.shows.filter((path) => !reached.has(path))
  if (left.length === 0) return []
  const message = `shows ${plural(left.length, "module")} that the entry does not reach, and that may use exports which count as unused: ${listed(left, 3)}`
  const subject = "package.json"
  return [{ rule: "unreached-entry", severity: "note", score: 24, subject, path: subject, line: 0, column: 0, message }]
}

/** Names that nothing maps: those of a package's own, and those that no package can have. Only a bundler knows them. */
const unmapped = ({ imports, links }: Evidence): ReadonlyArray<Unranked> => {
  const byLink = importsByLink(imports)
  return links
    .filter((link) => link.kind === "url" && link.fate !== "elided" && !/^([a-z][a-z\d+.-]+:|\/\/)/i.test(link.to))
    .map((link) => {
      const isOwn = link.specifier.startsWith("#")
      return {
        rule: "unmapped-import",
        // "#a" is made to be mapped; "@/a" or "$lib/a" is mostly a file of the package, which the audit does not see.
        severity: isOwn ? ("note" as const) : ("warning" as const),
        score: isOwn ? 18 : 62,
        subject: link.specifier,
        path: link.from,
        line: byLink.get(linkKey(link))?.line ?? 0,
        column: byLink.get(linkKey(link))?.column ?? 0,
        message: isOwn
          ? `imports "${link.specifier}", which package.json does not map: a bundler has to provide it`
          : `imports "${link.specifier}", which is no name of a package, and which nothing maps: a bundler has to provide it`
      }
    })
}

/** Packages that are imported and not among the dependencies: they are there by luck. */
const undeclared = ({ package: own, imports, links }: Evidence): ReadonlyArray<Unranked> => {
  const byLink = importsByLink(imports)
  const promised = new Set([own.name, ...own.dependencies])
  const foreign = new Set(links.filter((link) => link.kind === "outside").map((link) => link.to))
  const users = new Map<string, Array<Import>>()
  for (const link of links) {
    const found = byLink.get(linkKey(link))
    const name = packageName(link.specifier)
    if (found === undefined || name === undefined || link.fate === "elided") continue
    if (foreign.has(link.from) || promised.has(name)) continue
    if (link.kind !== "package" && !(link.kind === "outside" && link.fate === "entered")) continue
    const known = users.get(name)
    if (known === undefined) users.set(name, [found])
    else known.push(found)
  }
  const [optional, developed] = [new Set(own.optional), new Set(own.developed)]
  return [...users].flatMap(([name, found]) => {
    const [first] = found.sort((a, b) => compare(a.from, b.from) || a.line - b.line)
    if (first === undefined) return []
    const isGuarded = found.every((use) => use.guarded)
    // An optional package that is only asked for inside `try` is used as it is meant to be.
    if (optional.has(name) && isGuarded) return []
    const isNote = isGuarded || optional.has(name)
    const how = optional.has(name)
      ? "which is optional, without a try around it"
      : developed.has(name)
        ? "only a development dependency"
        : "which package.json does not name"
    return [
      {
        rule: optional.has(name) ? "optional-dependency" : "undeclared-dependency",
        severity: isNote ? ("note" as const) : ("warning" as const),
        score: isNote ? 25 : developed.has(name) ? 60 : 70,
        subject: name,
        path: first.from,
        line: first.line,
        column: first.column,
        message:
          `imports the package ${name}, ${how}` + (found.length > 1 ? ` (${plural(found.length, "import")})` : "")
      }
    ]
  })
}

/** Import cycles, each with its shortest way round and the lines of the imports on it. */
const cycles = ({ cycles: found, imports, links }: Evidence): ReadonlyArray<Unranked> => {
  const onRoutes = new Set(found.flatMap(({ route }) => route))
  const byLink = importsByLink(imports.filter(({ from }) => onRoutes.has(from)))
  const lines = new Map<string, number>()
  for (const link of links) {
    const line = byLink.get(linkKey(link))?.line ?? 0
    if (link.fate !== "entered" || line === 0 || !onRoutes.has(link.to)) continue
    const step = JSON.stringify([link.from, link.to])
    lines.set(step, Math.min(line, lines.get(step) ?? line))
  }
  return found.map((cycle) => ofCycle(cycle, (from, to) => lines.get(JSON.stringify([from, to])) ?? 0))
}

/** Modules of a way round that are listed: beyond, a person needs a tool, and the cycle has them all. */
const routeMax = 100

const ofCycle = ({ modules, route, edges, eager }: Cycle, lineOf: (from: string, to: string) => number): Unranked => {
  const steps = route.map((path, index) => ({ path, line: lineOf(path, route[(index + 1) % route.length] ?? path) }))
  const shown = steps.slice(0, routeMax).map(({ path, line }) => (line > 0 ? `${path}:${line}` : path))
  const left = steps.length - shown.length
  const way = [...shown, ...(left > 0 ? [`${left} more`] : []), route[0] ?? ""].join(" -> ")
  return {
    rule: "import-cycle",
    severity: eager ? "warning" : "note",
    score: eager ? Math.min(59, 40 + modules.length) : 22,
    subject: modules[0] ?? "",
    path: route[0] ?? modules[0] ?? "",
    line: steps[0]?.line ?? 0,
    column: 0,
    message:
      modules.length === 1
        ? "imports itself"
        : `${plural(modules.length, "module")} import each other by ${plural(edges, "import")}: ` +
          `${way}${eager ? "" : " (through imports that load later)"}`
  }
}

/** A path by its last two parts, which is how people call files. */
const short = (path: string): string => path.split("/").slice(-2).join("/")

const ofComplex = ({ name, path, line, column, lines, complexity }: ComplexFunction): Unranked => ({
  rule: "complex-function",
  severity: complexity >= 30 ? "warning" : "note",
  score: Math.min(59, 9.5 * Math.log2(complexity) - 14),
  subject: name,
  path,
  line,
  column,
  message: `${name}: complexity ${complexity} in ${plural(lines, "line")}`
})

const ofClone = ({ hash, lines, size, functions }: Clone): Unranked => {
  const places = functions.map((copy) => `${copy.name} (${short(copy.path)}:${copy.line})`)
  return {
    rule: "clone",
    severity: size * (functions.length - 1) >= 500 ? "warning" : "note",
    score: Math.min(50, 6 * Math.log2((size * (functions.length - 1)) / 15)),
    subject: hash,
    path: functions[0]?.path ?? "",
    line: functions[0]?.line ?? 0,
    column: 0,
    message: `${functions.length} functions of ${plural(lines, "line")} are the same: ${listed(places, 3)}`
  }
}

const unused = ({ unusedExports }: Evidence): ReadonlyArray<Unranked> => {
  return [...Map.groupBy(unusedExports, ({ path }) => path)].map(([path, found]) => {
    const dead = found.filter(({ uses }) => uses === 0).length
    return {
      rule: "unused-export",
      severity: "note" as const,
      score: Math.min(35, 14 + dead * 2 + (found.length - dead)),
      subject: path,
      path,
      line: found[0]?.line ?? 0,
      column: 0,
      message:
        `${plural(found.length, "export")} that no reached module imports: ${listed(
          found.map(({ name }) => name),
          5
        )}` + (dead === 0 ? " (used in the module itself)" : dead < found.length ? ` (${dead} not used at all)` : "")
    }
  })
}

/** Modules on which so much stands that a change to them is a change to the package. */
const hubs = ({ places }: Evidence): ReadonlyArray<Unranked> =>
  places
    .filter(({ fanIn }) => places.length >= 10 && fanIn >= places.length / 4)
    .slice(0, 10)
    .map(({ path, fanIn }) => ({
      rule: "hub",
      severity: "note" as const,
      score: 5 + (20 * fanIn) / places.length,
      subject: path,
      path,
      line: 0,
      column: 0,
      message: `imported by ${fanIn} of ${places.length} modules`
    }))

const computed = ({ modules }: Evidence): ReadonlyArray<Unranked> =>
  modules
    .filter(({ computedImports }) => computedImports > 0)
    .map(({ path, computedImports }) => ({
      rule: "computed-import",
      severity: "note" as const,
      score: 10 + Math.min(5, computedImports),
      subject: path,
      path,
      line: 0,
      column: 0,
      message: `${plural(computedImports, "import")} whose target is computed: the crawl cannot follow ${computedImports === 1 ? "it" : "them"}`
    }))

const ways: Readonly<Record<Unseen["way"], string>> = {
  computed: "computed names",
  amd: "AMD's define() or require([])",
  eval: "code in a text",
  glob: "patterns of file names",
  "handed-on": "require that is handed on",
  "own-require": "a require that is not Node's own",
  scripts: "importScripts()",
  worker: "a worker or process whose file is computed or relative to the working directory"
}

/** The loads of a module by other ways than imports that name a file. */
const unseen = ({ modules }: Evidence): ReadonlyArray<Unranked> =>
  modules
    .filter((module) => module.unseen.length > 0)
    .map((module) => {
      const count = module.unseen.reduce((sum, found) => sum + found.count, 0)
      return {
        rule: "unseen-import",
        severity: "note" as const,
        score: 10 + Math.min(5, count),
        subject: module.path,
        path: module.path,
        line: module.unseen[0]?.line ?? 0,
        column: module.unseen[0]?.column ?? 0,
        message: `may load modules that the crawl cannot follow, by ${listed(
          module.unseen.map(({ way }) => ways[way]),
          3
        )} (${plural(count, "place")})`
      }
    })
