/**
 * From what was measured to what is worth a person's time, ranked.
 *
 * A finding's score says how urgent it is: 90 and more is broken, 60 and more is wrong for somebody, 30 and more makes
 * change risky, the rest is good to know. Scores are small formulas over counts, below, so they can be argued with.
 *
 * Boundary: pure; equal inputs give equal rankings, whatever the order of facts.
 */
import type {
  Clone,
  ComplexFunction,
  Cycle,
  Finding,
  Import,
  Link,
  Module,
  Place,
  Problem,
  ProblemCode,
  UnusedExport
} from "./facts.ts"
import { packageName } from "./manifest.ts"

/** All that the findings are drawn from. */
export interface Evidence {
  readonly package: {
    readonly name: string
    readonly dependencies: ReadonlyArray<string>
    readonly developed: ReadonlyArray<string>
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

type Unranked = Omit<Finding, "rank">

/** All findings, the most urgent first. */
export const rankFindings = (evidence: Evidence): ReadonlyArray<Finding> =>
  [
    ...evidence.problems.map(ofProblem),
    ...gaps(evidence),
    ...missingFiles(evidence),
    ...undeclared(evidence),
    ...evidence.cycles.map(ofCycle),
    ...evidence.complex.map(ofComplex),
    ...evidence.clones.map(ofClone),
    ...unused(evidence),
    ...hubs(evidence),
    ...computed(evidence)
  ]
    .sort(byUrgency)
    .map(diminish())
    .sort(byUrgency)
    .map((finding, index) => ({ rank: index + 1, ...finding }))

const byUrgency = (a: Unranked, b: Unranked): number =>
  b.score - a.score ||
  compare(a.rule, b.rule) ||
  compare(a.path, b.path) ||
  a.line - b.line ||
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
  "too-large": ["warning", 75],
  "changed-while-read": ["warning", 75],
  config: ["warning", 72],
  "not-utf8": ["warning", 70],
  minified: ["note", 20],
  empty: ["note", 15]
}

const ofProblem = ({ path, code, line, message }: Problem): Unranked => {
  const [severity, score] = urgency[code]
  return { rule: code, severity, score, subject: path, path, line, message }
}

/** What the crawl asked for and never got: a reader or parser that was stopped, at its deadline or out of memory. */
const gaps = ({ wanted, sources, modules, problems, imports, links }: Evidence): ReadonlyArray<Unranked> => {
  const gap = (rule: string, path: string, line: number, subject: string, message: string): Unranked => ({
    rule,
    severity: "error",
    score: 90,
    subject,
    path,
    line,
    message
  })
  const explained = new Set(problems.map(({ path }) => path))
  const read = new Set(sources.map(({ path }) => path))
  const parsed = new Set(modules.map(({ path }) => path))
  const key = (of: Import | Link): string => `${of.from} ${of.condition} ${of.specifier}`
  const resolved = new Set(links.map(key))
  return [
    ...wanted
      .filter(({ path }) => !read.has(path) && !explained.has(path))
      .map(({ path }) => gap("not-read", path, 0, path, "was not read: the reader was stopped")),
    ...sources
      .filter(({ path }) => !parsed.has(path))
      .map(({ path }) =>
        gap("not-parsed", path, 0, path, "was not parsed: the parser was stopped, out of time or memory")
      ),
    ...imports
      .filter((found) => !resolved.has(key(found)))
      .map((found) =>
        gap("not-resolved", found.from, found.line, found.specifier, `"${found.specifier}" was not resolved`)
      )
  ]
}

const importsByLink = (imports: ReadonlyArray<Import>): ReadonlyMap<string, Import> =>
  new Map(imports.map((found) => [`${found.from} ${found.condition} ${found.specifier}`, found]))

const missingFiles = ({ imports, links }: Evidence): ReadonlyArray<Unranked> => {
  const byLink = importsByLink(imports)
  return links
    .filter((link) => link.kind === "missing")
    .flatMap((link) => {
      const found = byLink.get(`${link.from} ${link.condition} ${link.specifier}`)
      if (found === undefined || link.fate === "elided") return []
      const optional = found.guarded
      return [
        {
          rule: "missing-import",
          severity: optional ? ("note" as const) : ("error" as const),
          score: optional ? 18 : 98,
          subject: link.specifier,
          path: link.from,
          line: found.line,
          message: `imports "${link.specifier}", which leads nowhere: ${link.to}${optional ? " (guarded by try)" : ""}`
        }
      ]
    })
}

/** Packages that are imported and not among the dependencies: they are there by luck. */
const undeclared = ({ package: own, imports, links }: Evidence): ReadonlyArray<Unranked> => {
  const byLink = importsByLink(imports)
  const promised = new Set([own.name, ...own.dependencies])
  const foreign = new Set(links.filter((link) => link.kind === "outside").map((link) => link.to))
  const users = new Map<string, Array<Import>>()
  for (const link of links) {
    const found = byLink.get(`${link.from} ${link.condition} ${link.specifier}`)
    const name = packageName(link.specifier)
    if (found === undefined || name === undefined || link.fate === "elided") continue
    if (foreign.has(link.from) || promised.has(name)) continue
    if (link.kind !== "package" && !(link.kind === "outside" && link.fate === "entered")) continue
    users.set(name, [...(users.get(name) ?? []), found])
  }
  return [...users].flatMap(([name, found]) => {
    const [first] = found.sort((a, b) => compare(a.from, b.from) || a.line - b.line)
    if (first === undefined) return []
    const optional = found.every((use) => use.guarded)
    const developed = own.developed.includes(name)
    return [
      {
        rule: "undeclared-dependency",
        severity: optional ? ("note" as const) : ("warning" as const),
        score: optional ? 25 : developed ? 60 : 70,
        subject: name,
        path: first.from,
        line: first.line,
        message:
          `imports the package ${name}, ${developed ? "only a development dependency" : "which package.json does not name"}` +
          (found.length > 1 ? ` (${plural(found.length, "import")})` : "")
      }
    ]
  })
}

const ofCycle = ({ modules, route, edges, eager }: Cycle): Unranked => ({
  rule: "import-cycle",
  severity: eager ? "warning" : "note",
  score: eager ? Math.min(59, 40 + modules.length) : 22,
  subject: modules[0] ?? "",
  path: route[0] ?? modules[0] ?? "",
  line: 0,
  message:
    modules.length === 1
      ? "imports itself"
      : `${plural(modules.length, "module")} import each other by ${plural(edges, "import")}: ` +
        `${listed([...route, route[0] ?? ""].map(short), 6).replaceAll(", ", " -> ")}${eager ? "" : " (through import())"}`
})

/** A path by its last two parts, which is how people call files. */
const short = (path: string): string => path.split("/").slice(-2).join("/")

const ofComplex = ({ name, path, line, lines, complexity }: ComplexFunction): Unranked => ({
  rule: "complex-function",
  severity: complexity >= 30 ? "warning" : "note",
  score: Math.min(59, 9.5 * Math.log2(complexity) - 14),
  subject: name,
  path,
  line,
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
    message: `${functions.length} functions of ${plural(lines, "line")} are the same: ${listed(places, 3)}`
  }
}

const unused = ({ unusedExports }: Evidence): ReadonlyArray<Unranked> => {
  const byModule = new Map<string, Array<UnusedExport>>()
  for (const found of unusedExports) byModule.set(found.path, [...(byModule.get(found.path) ?? []), found])
  return [...byModule].map(([path, found]) => {
    const dead = found.filter(({ uses }) => uses === 0).length
    return {
      rule: "unused-export",
      severity: "note" as const,
      score: Math.min(35, 14 + dead * 2 + (found.length - dead)),
      subject: path,
      path,
      line: found[0]?.line ?? 0,
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
      message: `${plural(computedImports, "import")} whose target is computed: the crawl cannot follow ${computedImports === 1 ? "it" : "them"}`
    }))
