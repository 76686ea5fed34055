/** Outcomes as tables on a terminal. Boundary: text; colours only if the terminal shows them. */
import { styleText } from "node:util"
import type { Comparison, Ratio } from "./compare.ts"
import { type Benchmark, type Figure, isQuantile, type Metric } from "./definition.ts"
import type { ContenderOutcome, FigureOutcome, Outcome } from "./measure.ts"
import type { Summary } from "./statistics.ts"

type Style = Parameters<typeof styleText>[0]

const styled = (style: Style, text: string): string =>
  process.stdout.isTTY && process.stdout.hasColors() ? styleText(style, text) : text

/** Three digits, which is more than noise leaves. */
export const digits = (value: number): string => {
  const size = Math.abs(value)
  if (size >= 10_000) return Math.round(value).toLocaleString("en-US")
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  return value.toFixed(size >= 0.1 || size === 0 ? 2 : 3)
}

/** A value with its unit; a ratio has none. */
export const withUnit = (value: number, unit: string): string =>
  unit === "ratio" ? digits(value) : `${digits(value)} ${unit === "us" ? "µs" : unit}`

const spreadText = (spread: readonly [number, number]): string => spread.map(digits).join(" – ")

/**
 * The tenth to the ninetieth percentile of a figure's rounds. A quantile has none, even where its line was recorded with one.
 */
export const figureSpread = (figure: Figure, spread: readonly [number, number] | null | undefined): string =>
  isQuantile(figure) || spread == null ? "" : spreadText(spread)

/** The same of a metric of a contender; nothing where all rounds gave the same. */
export const metricSpread = (metric: Metric | undefined, { p10, p90 }: Summary): string =>
  metric?.isQuantile === true || p10 === p90 ? "" : spreadText([p10, p90])

const bound = (better: "lower" | "higher", limit: number | null): string =>
  limit === null ? "" : `${better === "lower" ? "≤" : "≥"} ${limit.toLocaleString("en-US")}`

interface Column {
  readonly cells: ReadonlyArray<string>
  readonly isRight: boolean
}

const widthOf = (cells: ReadonlyArray<string>): number => Math.max(0, ...cells.map((cell) => cell.length))

/** Rows of equal columns; the styles are applied after the widths are known. */
const rows = (
  columns: ReadonlyArray<Column>,
  styles: ReadonlyArray<((row: number) => Style | undefined) | undefined>
): string => {
  const count = columns[0]?.cells.length ?? 0
  return Array.from({ length: count }, (_, row) =>
    columns
      .map(({ cells, isRight }, column) => {
        const width = widthOf(cells)
        const cell = cells[row] ?? ""
        const padded = isRight ? cell.padStart(width) : cell.padEnd(width)
        const style = styles[column]?.(row)
        return style === undefined ? padded : styled(style, padded)
      })
      .join("  ")
      .trimEnd()
  )
    .map((line) => `  ${line}`)
    .join("\n")
}

const contenderRows = ({ metrics: units }: Benchmark, contenders: ReadonlyArray<ContenderOutcome>): string => {
  const lines = contenders.flatMap(({ hash, metrics, missing, name }) => {
    if (missing !== null) return [[name, "", `left out: ${missing}`, "", ""]]
    return Object.entries(metrics).map(([metric, summary], index) => {
      const { title = metric, unit = "" } = units[metric] ?? {}
      return [
        index === 0 ? name : "",
        withUnit(summary.median, unit),
        metricSpread(units[metric], summary),
        title,
        index === 0 ? (hash ?? "").slice(0, 8) : ""
      ]
    })
  })
  const column = (place: number, isRight: boolean): Column => ({ cells: lines.map((line) => line[place]!), isRight })
  return rows(
    [column(0, false), column(1, true), column(2, false), column(3, false), column(4, false)],
    [() => undefined, () => "bold", () => "gray", () => undefined, () => "gray"]
  )
}

const mark = ({ met, value }: FigureOutcome): string => (value === null || met === null ? " " : met ? "✓" : "✗")

/** The contenders that were left out of some benchmarks, and their needs. */
export const leftOutRows = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  outcomes.flatMap(({ contenders, name }) =>
    contenders.flatMap((contender) =>
      contender.missing === null
        ? []
        : [styled("yellow", `left out of ${name}: ${contender.name}, since ${contender.missing}`)]
    )
  )

/** The figures with their bars: of one benchmark, or of a whole run. */
export const figureRows = (figures: ReadonlyArray<FigureOutcome>): string => {
  const column = (isRight: boolean, cell: (figure: FigureOutcome) => string): Column => ({
    cells: figures.map(cell),
    isRight
  })
  const colour = (row: number): Style | undefined => {
    const { met } = figures[row]!
    return met === null ? undefined : met ? "green" : "red"
  }
  return rows(
    [
      column(false, mark),
      column(true, ({ unit, value }) => (value === null ? "–" : withUnit(value, unit))),
      column(false, ({ spread }) => (spread === null ? "" : spreadText(spread))),
      column(true, ({ bar, better }) => bound(better, bar)),
      column(true, ({ aim }) => (aim === null ? "" : `aim ${aim.toLocaleString("en-US")}`)),
      column(false, ({ title }) => title)
    ],
    [colour, () => "bold", () => "gray", colour, () => "gray", () => undefined]
  )
}

export const benchmarkTable = (benchmark: Benchmark, { contenders, figures, rounds, seconds }: Outcome): string => {
  const head = `${styled("bold", benchmark.name)}  ${benchmark.title}`
  const how = styled("gray", `${rounds} round${rounds === 1 ? "" : "s"}, ${seconds.toFixed(1)} s`)
  return [`${head}  ${how}`, contenderRows(benchmark, contenders), "", figureRows(figures), ""].join("\n")
}

/** A ratio of two packages, with three digits after the point: the question is about a hundredth. */
const fine = (ratio: number): string => ratio.toFixed(3)

const fineRange = ([low, high]: readonly [number, number]): string => `${fine(low)} – ${fine(high)}`

const fineInterval = ({ interval }: Ratio): string => (interval === null ? "" : fineRange(interval))

/** Two packages, case by case. */
export const comparisonTable = (comparisons: ReadonlyArray<Comparison>): string => {
  const head = ["case", "old", "new", "new / old", "95 %", "10 – 90 %", "CPU time", "95 %", "load", "seconds", ""]
  const lines = comparisons.map(({ cpuRatio, load, name, new: current, old, ratio, seconds, title, unit }) => [
    name,
    withUnit(old.median, unit),
    withUnit(current.median, unit),
    fine(ratio.median),
    fineInterval(ratio),
    fineRange([ratio.p10, ratio.p90]),
    cpuRatio === null ? "" : fine(cpuRatio.median),
    cpuRatio === null ? "" : fineInterval(cpuRatio),
    load.map((number) => number.toFixed(1)).join(" – "),
    seconds.toFixed(0),
    title
  ])
  const right = ["old", "new", "new / old", "CPU time", "seconds"]
  const columns = head.map((title, place) => ({
    cells: [title, ...lines.map((line) => line[place]!)],
    isRight: right.includes(title)
  }))
  const bold = (): Style => "bold"
  const note =
    "95 %: where the median lies, with that confidence. 10 – 90 %: of the rounds. load: of the machine, before and after."
  return `${rows(columns, [undefined, undefined, undefined, bold, undefined, undefined, bold])}\n\n  ${note}`
}
