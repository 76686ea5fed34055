/**
 * Progress as a block of lines for a terminal: one line for each tier, and one for the whole job.
 *
 *     ✔ 1  read, parse     12 cycles  812 tasks  3,201 facts  3.1 s
 *     ⠹ 2  cycles, clones   2 cycles   20 tasks    120 facts  2.4 s  12/16 ━━━━━━━━━───  6.1/s
 *     · 3  report
 *       cycle 15   3,322 facts   5.5 s   2.1 s in clones on Module/a.ts
 *
 * On a narrow terminal the names of agents are cut first, then the bar is left out. Figures are never cut.
 *
 * Boundary: a tally and the time in, lines out.
 */
import type { Cell } from "./liveScreen.ts"
import type { Tally, TierTally } from "./progressCount.ts"
import { duration, oneLine, plural, type Style, table, thousands, truncate } from "./text.ts"

const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
const spinnerMs = 100
const agentsWidth = 32
const leastAgentsWidth = 8
const barWidth = 12
/** Milliseconds of a cycle after which its rate is shown, and of a task after which the task is named. */
const rateMs = 1_000
const slowMs = 2_000

/** The block at a moment. When the job has halted, the line for the whole job is left out. */
export const liveBlock = (tally: Tally, at: number, style: Style, width = 200): ReadonlyArray<ReadonlyArray<Cell>> => {
  const tableOf = (most: number): ReadonlyArray<string> =>
    table(
      tally.tiers.map((tier, index) => countsOf(tier, tally.elapsedMs(index, at), most)),
      [1, 2, 3, 4]
    )
  const bars = tally.tiers.map((tier, index) => [...discarded(tier, style), ...bar(tally, index, at, style)])
  const excessOf = (lines: ReadonlyArray<string>): number =>
    Math.max(...lines.map((line, index) => line.length + headWidth(tally) + widthOf(bars[index] ?? []) - width), 0)
  const wide = tableOf(agentsWidth)
  const names = Math.max(
    ...tally.tiers.map(({ agents }) => Math.min(oneLine(agents.join(", ")).length, agentsWidth)),
    0
  )
  const excess = excessOf(wide)
  const counts = excess === 0 ? wide : tableOf(Math.max(names - excess, leastAgentsWidth))
  const hasBars = excessOf(counts) === 0
  const lines = tally.tiers.map((tier, index): ReadonlyArray<Cell> => {
    const number = `${String(index + 1).padStart(String(tally.tiers.length).length)}  `
    const look = lookOf(tier, style)
    const line = counts[index] ?? ""
    if (tier.state === "idle") return [{ text: `${mark(tier, at)} `, show: look }, dim(number + line.trimEnd(), style)]
    const head: ReadonlyArray<Cell> = [{ text: `${mark(tier, at)} `, show: look }, dim(number, style), { text: line }]
    const [fraction, ...drawing] = bar(tally, index, at, style)
    const shown = hasBars
      ? (bars[index] ?? [])
      : [...discarded(tier, style), ...(fraction === undefined ? [] : [fraction, ...drawing.slice(2)])]
    return [...head, ...shown]
  })
  return tally.halted === undefined ? [...lines, total(tally, at, style)] : lines
}

/** The mark and the number before each line. */
const headWidth = ({ tiers }: Tally): number => 4 + String(tiers.length).length

const widthOf = (cells: ReadonlyArray<Cell>): number => cells.reduce((sum, { text }) => sum + text.length, 0)

const dim = (text: string, style: Style): Cell => ({ text, show: (cut) => style("dim", cut) })

const mark = (tier: TierTally, at: number): string => {
  switch (tier.state) {
    case "idle":
      return "·"
    case "running":
      return spinner[Math.floor(at / spinnerMs) % spinner.length] ?? "·"
    case "done":
      return "✔"
    case "stopped":
      return "✖"
  }
}

const lookOf = (tier: TierTally, style: Style): ((text: string) => string) => {
  const formats = { idle: "dim", running: "cyan", done: "green", stopped: "red" } as const
  return (text) => style(formats[tier.state], text)
}

const countsOf = (tier: TierTally, elapsedMs: number, most: number): ReadonlyArray<string> => {
  const name = truncate(oneLine(tier.agents.join(", ")), most)
  if (tier.state === "idle") return [name, "", "", "", ""]
  const counts = [plural(tier.cycles, "cycle"), plural(tier.tasks, "task"), plural(tier.facts, "fact")]
  return [name, ...(tier.cycles === 0 ? ["", "", ""] : counts), duration(elapsedMs)]
}

const discarded = (tier: TierTally, style: Style): ReadonlyArray<Cell> =>
  tier.discarded === 0
    ? []
    : [{ text: `  ${thousands(tier.discarded)} discarded`, show: (cut) => style("yellow", cut) }]

/** The number of ended tasks of the cycle under way, a drawing of it in two parts, and the rate at which tasks end. */
const bar = ({ underway }: Tally, tier: number, at: number, style: Style): ReadonlyArray<Cell> => {
  if (underway?.tier !== tier || underway.tasks < 2) return []
  const { ended, since, tasks } = underway
  const filled = Math.floor((ended / tasks) * barWidth)
  const rate = ended === 0 || at - since < rateMs ? [] : [{ text: `  ${rateOf(ended, at - since)}` }]
  return [
    { text: `  ${thousands(ended)}/${thousands(tasks)} ` },
    { text: "━".repeat(filled), show: (cut) => style("cyan", cut) },
    dim("─".repeat(barWidth - filled), style),
    ...rate
  ]
}

/** The tasks in a second, or in a minute if a second has less than one. */
const rateOf = (count: number, ms: number): string => {
  const perSecond = (count * 1_000) / ms
  if (perSecond < 1) return `${(perSecond * 60).toFixed(1)}/min`
  return perSecond < 100 ? `${perSecond.toFixed(1)}/s` : `${thousands(Math.round(perSecond))}/s`
}

const total = (tally: Tally, at: number, style: Style): ReadonlyArray<Cell> => {
  const cycle = tally.underway?.cycle ?? tally.cycle
  const parts = [`cycle ${thousands(cycle)}`, plural(tally.facts, "fact"), duration(at - tally.startedAt)]
  const { slowest } = tally
  if (slowest !== undefined && at - slowest.since >= slowMs) {
    parts.push(`${duration(at - slowest.since)} in ${slowest.name}`)
  }
  if (tally.report !== "") parts.push(tally.report)
  return [dim(`  ${parts.join("   ")}`, style)]
}
