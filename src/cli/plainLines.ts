/**
 * Progress as plain lines, for a log file or a pipe.
 *
 * A line counts the commits since the last one. Invariant: at most ten lines a second, and one a second in a job that has run
 * for long (G14), so a fast job does not flood a log. Boundary: a tally and the time in, a line out.
 */
import { Tally } from "./progressCount.ts"
import { duration, plural, thousands } from "./text.ts"

const shortestPauseMs = 100
const longestPauseMs = 1_000
/** The pause before the next line, as a share of the time that the job has run. */
const pauseShare = 1 / 20
/** Milliseconds without a commit after which a line shows the cycle under way. */
const signOfLifeMs = 10_000

interface Told {
  readonly cycle: number
  readonly facts: number
  readonly tasks: number
  readonly discarded: number
  readonly at: number
}

export class PlainLines {
  readonly #program: string
  #told: Told | undefined

  constructor(program: string) {
    this.#program = program
  }

  /** The line that is due now, if one is. */
  next(tally: Tally, at: number): string | undefined {
    const sinceMs = at - (this.#told?.at ?? 0)
    const pauseMs = Math.min(Math.max((at - tally.startedAt) * pauseShare, shortestPauseMs), longestPauseMs)
    if (tally.cycle > (this.#told?.cycle ?? 0)) return sinceMs >= pauseMs ? this.#commits(tally, at) : undefined
    if (at - Math.max(this.#told?.at ?? 0, tally.startedAt) < signOfLifeMs) return undefined
    return this.#signOfLife(tally, at)
  }

  /** The line that is left to print when the job has ended. */
  last(tally: Tally, at: number): string | undefined {
    return tally.cycle > (this.#told?.cycle ?? 0) ? this.#commits(tally, at) : undefined
  }

  #commits(tally: Tally, at: number): string {
    const sum = (of: "tasks" | "discarded" | "facts"): number =>
      tally.tiers.reduce((total, tier) => total + tier[of], 0)
    const before = this.#told ?? { cycle: 0, facts: 0, tasks: 0, discarded: 0 }
    const now = { cycle: tally.cycle, facts: sum("facts"), tasks: sum("tasks"), discarded: sum("discarded"), at }
    this.#told = now
    const first = before.cycle + 1
    const discarded = now.discarded - before.discarded
    return this.#line([
      first === now.cycle ? `cycle ${thousands(now.cycle)}` : `cycles ${thousands(first)}-${thousands(now.cycle)}`,
      ...tierOf(tally),
      plural(now.tasks - before.tasks, "task") + (discarded === 0 ? "" : ` (${thousands(discarded)} discarded)`),
      `+${plural(now.facts - before.facts, "fact")}`,
      `${thousands(tally.facts)} in all`,
      duration(at - tally.startedAt)
    ])
  }

  #signOfLife(tally: Tally, at: number): string | undefined {
    const { underway } = tally
    if (underway === undefined) return undefined
    const before = this.#told ?? { cycle: 0, facts: 0, tasks: 0, discarded: 0 }
    this.#told = { ...before, at }
    const ended = `${thousands(underway.ended)} of ${plural(underway.tasks, "task")} ended`
    const { slowest } = tally
    const slow = slowest === undefined ? [] : [`${duration(at - slowest.since)} in ${slowest.name}`]
    return this.#line([`cycle ${thousands(underway.cycle)}`, ended, ...slow, duration(at - tally.startedAt)])
  }

  #line(parts: ReadonlyArray<string>): string {
    return `${this.#program}: ${parts.join(", ")}`
  }
}

const tierOf = ({ tiers }: Tally): ReadonlyArray<string> => {
  if (tiers.length < 2) return []
  const last = tiers.findLastIndex(({ cycles }) => cycles > 0)
  return [`tier ${last + 1} of ${tiers.length}`]
}
