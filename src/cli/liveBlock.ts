/**
 * Progress as the block of lines that a terminal shows: one for each tier, and a line for the whole.
 *
 *     ✔ 1  read, parse     12 cycles  812 tasks  3,201 facts  3.1 s
 *     ⠹ 2  cycles, clones   2 cycles   20 tasks    120 facts  0.4 s  12/16 ━━━━━━━━━───
 *     · 3  report
 *       cycle 15   3,322 facts   3.5 s
 *
 * Boundary: a tally and the time in, lines out.
 */
import type { Cell } from "./liveScreen.ts"
import type { Tally, TierTally } from "./progressCount.ts"
import { duration, oneLine, plural, type Style, table, thousands, truncate } from "./text.ts"

const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
const spinnerMs = 100
const agentsWidth = 32
const barWidth = 12

/** The block at a moment. When the job has halted, without the line of what is going on. */
export const liveBlock = (tally: Tally, at: number, style: Style): ReadonlyArray<ReadonlyArray<Cell>> => {
  const counts = table(
    tally.tiers.map((tier, index) => countsOf(tier, tally.elapsedMs(index, at))),
    [1, 2, 3, 4]
  )
  const lines = tally.tiers.map((tier, index): ReadonlyArray<Cell> => {
    const number = `${String(index + 1).padStart(String(tally.tiers.length).length)}  `
    const look = lookOf(tier, style)
    const line = counts[index] ?? ""
    if (tier.state === "idle") return [{ text: `${mark(tier, at)} `, show: look }, dim(number + line.trimEnd(), style)]
    const head: ReadonlyArray<Cell> = [{ text: `${mark(tier, at)} `, show: look }, dim(number, style), { text: line }]
    return [...head, ...discarded(tier, style), ...bar(tally, index, style)]
  })
  return tally.halted === undefined ? [...lines, total(tally, at, style)] : lines
}

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

const countsOf = (tier: TierTally, elapsedMs: number): ReadonlyArray<string> => {
  const name = truncate(oneLine(tier.agents.join(", ")), agentsWidth)
  if (tier.state === "idle") return [name, "", "", "", ""]
  const counts = [plural(tier.cycles, "cycle"), plural(tier.tasks, "task"), plural(tier.facts, "fact")]
  return [name, ...(tier.cycles === 0 ? ["", "", ""] : counts), duration(elapsedMs)]
}

const discarded = (tier: TierTally, style: Style): ReadonlyArray<Cell> =>
  tier.discarded === 0
    ? []
    : [{ text: `  ${thousands(tier.discarded)} discarded`, show: (cut) => style("yellow", cut) }]

/** How many tasks of the cycle under way have ended. */
const bar = ({ underway }: Tally, tier: number, style: Style): ReadonlyArray<Cell> => {
  if (underway?.tier !== tier || underway.tasks < 2) return []
  const filled = Math.floor((underway.ended / underway.tasks) * barWidth)
  return [
    { text: `  ${thousands(underway.ended)}/${thousands(underway.tasks)} ` },
    { text: "━".repeat(filled), show: (cut) => style("cyan", cut) },
    dim("─".repeat(barWidth - filled), style)
  ]
}

const total = (tally: Tally, at: number, style: Style): ReadonlyArray<Cell> => {
  const cycle = tally.underway?.cycle ?? tally.cycle
  const parts = [`cycle ${thousands(cycle)}`, plural(tally.facts, "fact"), duration(at - tally.startedAt)]
  if (tally.report !== "") parts.push(tally.report)
  return [dim(`  ${parts.join("   ")}`, style)]
}
