/**
 * The audit as one HTML file: the graph drawn, the findings to filter, no request to anywhere.
 *
 * The picture and all tables are there without a script; page/report.js adds panning, search and highlighting.
 *
 * Boundary: text out of data; the layout is layout.ts, the picture drawing.ts.
 */
import { readFileSync } from "node:fs"
import { aspectRatio, draw, escapeHtml, type Marks } from "./drawing.ts"
import type { Graph } from "./graph.ts"
import { layOut } from "./layout.ts"
import type { Audit } from "./summary.ts"
import { visible } from "./visible.ts"

/** The facts about the job that the page shows beside its output. */
export interface JobFacts {
  readonly status: string
  readonly cycles: number
  readonly facts: number
  readonly hash: string
  readonly durationMs: number
}

/** The page for an audit and its graph. Takes the layout's time: a second or two for a few hundred modules. */
export const reportHtml = async (audit: Audit, graph: Graph, job: JobFacts): Promise<string> => {
  const fanIn = new Map<string, number>()
  for (const targets of graph.values()) for (const to of targets) fanIn.set(to, (fanIn.get(to) ?? 0) + 1)
  const layout = await layOut(graph, (path) => fanIn.get(path) ?? 0)
  const indexOf = new Map(layout.modules.map(({ path }, index) => [path, index]))
  const edges = [...graph].flatMap(([from, targets]) =>
    targets.map((to) => [indexOf.get(from) ?? 0, indexOf.get(to) ?? 0] as const)
  )
  const page = {
    modules: layout.modules.map(({ path, x, y, width, height }) => [
      visible(path),
      ...[x, y, width, height].map(Math.round)
    ]),
    edges
  }
  const title = `${audit.package}${audit.version === "" ? "" : `@${audit.version}`}`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title)} - code audit</title><style>${asset("report.css")}</style></head><body>
<header><h1>${escapeHtml(title)}</h1><p>code audit from <code>${escapeHtml(audit.entry)}</code>, ${escapeHtml(job.status)} in ${job.cycles} cycles
 and ${seconds(job.durationMs)} s with ${thousands(job.facts)} facts, <span title="${escapeHtml(job.hash)}">hash <code>${escapeHtml(job.hash.slice(0, 12))}</code></span></p></header>
<main>${tiles(audit)}
<section class="map"><div class="bar"><h2>Module graph</h2><input type="search" class="names" placeholder="Find a module" aria-label="Find a module">
<p class="legend"><span class="cold"></span>imported by few <span class="hot"></span>by many <span class="dot error"></span>error <span class="dot warning"></span>warning <span class="ring"></span>in a cycle
 <span class="thread out"></span>imports <span class="thread in"></span>is imported by</p></div>
<div class="canvas" style="aspect-ratio:${aspectRatio(layout).toFixed(3)}">${draw(layout, edges, marksOf(audit, graph, fanIn))}<div class="zoom"><button data-zoom="1.3" aria-label="Zoom in">+</button><button data-zoom="0.77" aria-label="Zoom out">&minus;</button><button data-zoom="0" aria-label="Fit">fit</button></div></div>
<p class="about" aria-live="polite">${layout.manner === "folders" ? "Modules by folder, the most imported first; lines are imports between folders." : "Imports point right."} Point at a module to see its own.</p></section>
${findings(audit)}
<div class="columns">${hubs(audit)}${complex(audit)}</div>
${externals(audit)}</main>
<script type="application/json" id="graph">${JSON.stringify(page).replaceAll("<", "\\u003c")}</script>
<script>${asset("report.js")}</script></body></html>
`
}

const asset = (name: string): string => readFileSync(new URL(`page/${name}`, import.meta.url), "utf8").trim()

const thousands = (count: number): string => count.toLocaleString("en-US")

const seconds = (ms: number): string => (ms / 1000).toFixed(1)

const marksOf = (audit: Audit, graph: Graph, fanIn: ReadonlyMap<string, number>): ((path: string) => Marks) => {
  const most = Math.max(1, ...fanIn.values())
  const cyclic = new Set(audit.cycles.flatMap((cycle) => cycle.modules))
  const worst = new Map<string, Marks["severity"]>()
  for (const { path, severity } of [...audit.findings].reverse()) worst.set(path, severity)
  return (path) => ({
    heat: Math.sqrt((fanIn.get(path) ?? 0) / most),
    severity: worst.get(path),
    inCycle: cyclic.has(path),
    title: `${visible(path)}\nimported by ${fanIn.get(path) ?? 0}, imports ${graph.get(path)?.length ?? 0}`
  })
}

const tiles = (audit: Audit): string => {
  const tile = (value: number, name: string, note = ""): string =>
    `<div><b>${thousands(value)}</b><span>${name}</span>${note === "" ? "" : `<small>${note}</small>`}</div>`
  return `<section class="tiles">${[
    tile(audit.modules, "modules", `depth ${audit.depth}`),
    tile(audit.edges, "imports"),
    tile(audit.external, "external", `${audit.packages.length} packages`),
    tile(audit.functions, "functions", `complexity ${thousands(audit.complexity)}`),
    tile(audit.lines, "lines"),
    tile(audit.cycles.length, audit.cycles.length === 1 ? "import cycle" : "import cycles"),
    tile(audit.unusedExports, "unused exports", `of ${thousands(audit.exports)}`),
    tile(audit.clones, "groups of clones", `${audit.clonedFunctions} functions`),
    tile(audit.findings.length, "findings")
  ].join("")}</section>`
}

const place = (path: string, line: number): string =>
  `<a href="#" data-path="${escapeHtml(path)}">${escapeHtml(path)}${line > 0 ? `<i>:${line}</i>` : ""}</a>`

const findings = ({ findings: found }: Audit): string => {
  const severities = ["error", "warning", "note"] as const
  const filters = severities.map((severity) => {
    const count = found.filter((finding) => finding.severity === severity).length
    return `<label class="${severity}"><input type="checkbox" value="${severity}" checked>${thousands(count)} ${severity}${count === 1 ? "" : "s"}</label>`
  })
  const rows = found.map(
    ({ rank, severity, rule, path, line, message }) =>
      `<tr data-severity="${severity}"><td class="number">${rank}</td><td><span class="badge ${severity}">${severity}</span></td>` +
      `<td class="rule">${escapeHtml(rule)}</td><td class="place">${place(path, line)}</td><td>${escapeHtml(message)}</td></tr>`
  )
  return (
    `<section class="findings"><div class="bar"><h2>Findings</h2><p class="filters">${filters.join("")}</p>` +
    `<input type="search" class="words" placeholder="Find a finding" aria-label="Find a finding"></div>` +
    (found.length === 0
      ? "<p>Nothing found.</p>"
      : `<table class="list"><thead><tr><th class="number">#</th><th></th><th>rule</th><th>where</th><th>what</th></tr></thead><tbody>${rows.join("")}</tbody></table>`) +
    "</section>"
  )
}

const bars = (title: string, unit: string, rows: ReadonlyArray<readonly [number, string, string]>): string => {
  const most = Math.max(1, ...rows.map(([value]) => value))
  return `<section><h2>${title}</h2><table class="bars"><tbody>${rows
    .map(
      ([value, what, note]) =>
        `<tr><td>${what}<small>${note}</small></td><td class="number"><b>${value}</b></td>` +
        `<td class="track" aria-label="${value} ${unit}"><span style="width:${Math.round((100 * value) / most)}%"></span></td></tr>`
    )
    .join("")}</tbody></table></section>`
}

const hubs = ({ hubs: places }: Audit): string =>
  bars(
    "Most imported",
    "importers",
    places.map(({ path, fanIn, depth }) => [fanIn, place(path, 0), `depth ${depth}`] as const)
  )

const complex = ({ complex: functions }: Audit): string =>
  bars(
    "Most complex functions",
    "ways",
    functions
      .slice(0, 15)
      .map(
        ({ name, path, line, complexity }) =>
          [complexity, `<code>${escapeHtml(name)}</code>`, place(path, line)] as const
      )
  )

const externals = ({ packages, builtins }: Audit): string => {
  const list = (names: ReadonlyArray<string>): string =>
    names.map((name) => `<code>${escapeHtml(name)}</code>`).join(" ")
  return packages.length + builtins.length === 0
    ? ""
    : `<section class="external"><h2>Recorded, not entered</h2>` +
        (packages.length === 0 ? "" : `<p>Packages: ${list(packages)}</p>`) +
        (builtins.length === 0 ? "" : `<p>Built-in modules: ${list(builtins)}</p>`) +
        "</section>"
}
