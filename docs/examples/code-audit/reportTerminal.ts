/**
 * The audit for a terminal: a headline, what to look at first, and how the job went.
 *
 * Boundary: text out of data. The width and whether to colour are decided by main.ts; nothing here looks at a stream.
 */
import type { Finding } from "./facts.ts"
import type { JobFacts } from "./reportHtml.ts"
import type { Audit } from "./summary.ts"
import { fit, padEnd, widthOf, wrap } from "./textLayout.ts"
import { visible } from "./visible.ts"

export interface TerminalOptions {
  readonly columns: number
  readonly colors: boolean
  /** How many findings are shown. */
  readonly findings: number
}

type Paint = (style: keyof typeof styles, text: string) => string

const styles = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
  green: [32, 39]
} as const

const painter =
  (colors: boolean): Paint =>
  (style, text) => {
    const [open, close] = styles[style]
    return colors && text !== "" ? `\u001b[${open}m${text}\u001b[${close}m` : text
  }

const thousands = (count: number): string => count.toLocaleString("en-US")

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${thousands(count)} ${count === 1 ? one : many}`

/** The report, ending in a line break. */
export const reportTerminal = (audit: Audit, job: JobFacts, options: TerminalOptions): string => {
  const paint = painter(options.colors)
  const columns = Math.max(60, Math.min(options.columns, 160))
  return (
    [
      headline(audit, paint),
      measures(audit, job, paint, columns),
      ...findings(audit, job, paint, columns, options.findings),
      ...sideBySide(hubs(audit, paint), complex(audit, paint), columns),
      ending(job, paint)
    ].join("\n") + "\n"
  )
}

const headline = (audit: Audit, paint: Paint): string => {
  const version = audit.version === "" ? "" : `@${audit.version}`
  return `\n${paint("bold", visible(audit.package + version))}  ${paint("dim", visible(audit.entry))}\n`
}

const measures = (audit: Audit, job: JobFacts, paint: Paint, columns: number): string => {
  const cells: ReadonlyArray<readonly [number, string]> = [
    [audit.modules, audit.modules === 1 ? "module" : "modules"],
    [audit.edges, audit.edges === 1 ? "import" : "imports"],
    [audit.external, "external"],
    [audit.depth, "deep"],
    [audit.functions, audit.functions === 1 ? "function" : "functions"],
    [audit.lines, audit.lines === 1 ? "line" : "lines"]
  ]
  const totals = flow(
    cells.map(([value, name]) => [`${thousands(value)} ${name}`, `${paint("cyan", thousands(value))} ${name}`]),
    columns
  )
  const alarming = (count: number, text: string): readonly [string, string] => [
    text,
    count === 0 ? paint("green", text) : paint("yellow", text)
  ]
  // A job that was stopped in its crawl has not looked for these, and must not say that there are none.
  if (job.status !== "converged" && audit.hubs.length === 0) {
    return `${totals}\n  ${paint("yellow", "stopped before the analysis: cycles, unused exports and clones are not known")}\n`
  }
  const verdicts = flow(
    [
      alarming(audit.cycles.length, counted(audit.cycles.length, "import cycle")),
      alarming(audit.unusedExports, `${thousands(audit.unusedExports)} of ${counted(audit.exports, "export")} unused`),
      alarming(audit.clones, `${counted(audit.clones, "group")} of cloned functions`)
    ],
    columns
  )
  return `${totals}\n${verdicts}\n`
}

/** Texts in a row, wrapped between them; each comes plain, for its width, and painted. */
const flow = (cells: ReadonlyArray<readonly [string, string]>, columns: number): string => {
  const lines: Array<string> = []
  let line = ""
  let width = 0
  for (const [plain, painted] of cells) {
    if (width > 0 && width + 3 + widthOf(plain) > columns - 2) {
      lines.push(line)
      line = ""
      width = 0
    }
    line += width === 0 ? `  ${painted}` : `   ${painted}`
    width += widthOf(plain) + 3
  }
  return [...lines, line].join("\n")
}

const colorOf = { error: "red", warning: "yellow", note: "blue" } as const

const findings = (audit: Audit, job: JobFacts, paint: Paint, columns: number, max: number): ReadonlyArray<string> => {
  const found = audit.findings
  if (found.length === 0) {
    return [job.status === "converged" ? paint("green", "No findings") : "No findings so far", ""]
  }
  const count = (severity: Finding["severity"], name: string): string => {
    const of = found.filter((finding) => finding.severity === severity).length
    return of === 0 ? "" : paint(colorOf[severity], counted(of, name))
  }
  const summary = [count("error", "error"), count("warning", "warning"), count("note", "note")].filter(
    (text) => text !== ""
  )
  const shown = found.slice(0, max)
  const rankWidth = String(shown.length).length
  const indent = rankWidth + 13
  const places = shown.map(({ path, line }) => visible(path) + (line > 0 ? `:${line}` : ""))
  const placeWidth = Math.min(Math.max(...places.map(widthOf)), Math.floor(columns * 0.45))
  const messageWidth = columns - indent - placeWidth - 2
  const isWide = messageWidth >= 48
  const rows = shown.flatMap((finding, index) => {
    const severity = paint(colorOf[finding.severity], finding.severity.padEnd(7))
    const head = `  ${paint("dim", String(finding.rank).padStart(rankWidth))}  ${severity}  `
    const where = fit(places[index] ?? "", isWide ? placeWidth : columns - indent, "start")
    // A cycle is shown whole: half of one cannot be broken.
    const linesMax = finding.rule === "import-cycle" ? 40 : 4
    const message = wrap(visible(finding.message), isWide ? messageWidth : columns - indent, linesMax)
    const [first = "", ...rest] = isWide ? message : ["", ...message]
    const left = " ".repeat(isWide ? indent + placeWidth + 2 : indent)
    return [
      `${head}${paint("bold", isWide ? padEnd(where, placeWidth) : where)}${isWide ? `  ${first}` : ""}`,
      ...rest.map((line) => left + line)
    ]
  })
  const more = found.length - shown.length
  return [
    `${paint("bold", "Findings")}  ${summary.join(", ")}`,
    ...rows,
    ...(more > 0
      ? [paint("dim", `  ${" ".repeat(rankWidth)}  and ${thousands(more)} more, all in --json and --html`)]
      : []),
    ""
  ]
}

interface Column {
  readonly title: string
  readonly rows: ReadonlyArray<{ readonly value: number; readonly text: string; readonly color: "cyan" | "yellow" }>
  readonly paint: Paint
}

const listMax = 8

const hubs = ({ hubs: places }: Audit, paint: Paint): Column => ({
  title: "Most imported",
  rows: places.slice(0, listMax).map(({ path, fanIn }) => ({ value: fanIn, text: visible(path), color: "cyan" })),
  paint
})

const complex = ({ complex: functions }: Audit, paint: Paint): Column => ({
  title: "Most complex functions",
  rows: functions.slice(0, listMax).map(({ name, path, line, complexity }) => ({
    value: complexity,
    text: visible(`${name}  ${path}:${line}`),
    color: "yellow"
  })),
  paint
})

/** Two lists with bars, beside each other where the terminal is wide enough. */
const sideBySide = (left: Column, right: Column, columns: number): ReadonlyArray<string> => {
  const parts = [left, right].filter((column) => column.rows.length > 0)
  const isWide = columns >= 110 && parts.length === 2
  const width = isWide ? Math.floor((columns - 2) / 2) : columns
  const drawn = parts.map((column) => drawColumn(column, width))
  if (!isWide) return drawn.flatMap((lines) => [...lines.map(({ painted }) => painted), ""])
  const [a = [], b = []] = drawn
  const height = Math.max(a.length, b.length)
  const lines = Array.from({ length: height }, (_, index) => {
    const first = a[index] ?? { painted: "", width: 0 }
    return `${first.painted}${" ".repeat(width - first.width + 2)}${b[index]?.painted ?? ""}`.trimEnd()
  })
  return [...lines, ""]
}

const barWidth = 12

const drawColumn = (
  { title, rows, paint }: Column,
  columns: number
): ReadonlyArray<{ readonly painted: string; readonly width: number }> => {
  const most = Math.max(1, ...rows.map(({ value }) => value))
  const valueWidth = Math.max(...rows.map(({ value }) => String(value).length))
  return [
    { painted: paint("bold", title), width: widthOf(title) },
    ...rows.map(({ value, text, color }) => {
      const bar = "\u2588".repeat(Math.max(1, Math.round((barWidth * value) / most)))
      const label = fit(text, columns - valueWidth - barWidth - 5, "end")
      return {
        painted: `  ${String(value).padStart(valueWidth)} ${paint(color, bar)}${" ".repeat(barWidth - bar.length)}  ${label}`,
        width: 2 + valueWidth + 1 + barWidth + 2 + widthOf(label)
      }
    })
  ]
}

const ending = ({ status, cycles, facts, hash, durationMs }: JobFacts, paint: Paint): string =>
  `${paint(status === "converged" ? "green" : "red", status)} in ${counted(cycles, "cycle")} and ${(durationMs / 1000).toFixed(1)} s  ` +
  paint("dim", `${counted(facts, "fact")}  ${hash.slice(0, 12)}`)
