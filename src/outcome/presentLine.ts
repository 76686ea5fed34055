/**
 * The sentence about a job that runs at this moment: what runs and for how long, what waits and for what.
 *
 * Events tell of what is committed, so a diagnosis of events alone cannot say why a cycle is slow. Boundary: pure; the tasks of
 * the moment in, a text out.
 */
import type { FactRef } from "../program/Fact.ts"
import { span } from "./span.ts"

/** The reasons for which a task waits, in words. */
export const waitReasons = {
  concurrency: "a permit of its agent",
  budget: "room under the budget",
  turn: "a free place",
  worker: "a worker"
} as const

interface Named {
  readonly agent: string
  readonly each?: FactRef | null | undefined
}

/** The tasks of the cycle under way. Those that run are in the order of their time, the longest first. */
export interface Moment {
  readonly cycle: number
  readonly running: ReadonlyArray<Named & { readonly worker: number; readonly ms: number; readonly attempt: number }>
  readonly waiting: ReadonlyArray<Named & { readonly for: keyof typeof waitReasons }>
  /** The number of tasks that wait, also of those that are not named. */
  readonly waits: number
  /** CPU tasks of all jobs that wait for a worker, and the workers that are busy, of so many. */
  readonly pool: { readonly waiting: number; readonly busy: number; readonly size: number }
}

/** Tuning: a task that runs for so long is named as slow. */
const slowMs = 2_000

/** Tuning: groups of waiting tasks that are named. */
const mostGroups = 3

const plural = (count: number, word: string): string =>
  `${count.toLocaleString("en-US")} ${word}${count === 1 ? "" : "s"}`

/** The tasks that wait, by agent and by what they wait for. Only some of them may be named. */
const waitsLine = ({ waiting, waits }: Moment): string => {
  const groups = new Map<string, { readonly name: string; readonly why: string; count: number }>()
  for (const { agent, for: reason } of waiting) {
    const key = JSON.stringify([agent, reason])
    const group = groups.get(key) ?? { name: JSON.stringify(agent), why: waitReasons[reason], count: 0 }
    group.count++
    groups.set(key, group)
  }
  const named = [...groups.values()].slice(0, mostGroups)
  const rest = waits - named.reduce((sum, { count }) => sum + count, 0)
  const lines = named.map(
    ({ count, name, why }) => ` ${plural(count, "task")} of ${name} ${count === 1 ? "waits" : "wait"} for ${why}.`
  )
  if (rest > 0) lines.push(` ${plural(rest, "other task")} ${rest === 1 ? "waits" : "wait"}.`)
  return lines.join("")
}

const poolLine = ({ pool: { busy, size, waiting } }: Moment): string => {
  if (waiting === 0) return ""
  const wait = `${plural(waiting, "CPU task")} of all jobs ${waiting === 1 ? "waits" : "wait"} for a worker`
  return ` ${wait}; ${busy} of ${plural(size, "worker")} ${busy === 1 ? "is" : "are"} busy.`
}

const slowLine = ({ running }: Moment): string | undefined => {
  const [slowest, ...others] = running
  if (slowest === undefined || slowest.ms < slowMs) return undefined
  const { agent, attempt, each, ms, worker } = slowest
  const about = each === null || each === undefined ? "" : ` on ${each.kind}/${each.id}`
  const where = worker === 0 ? "" : ` on worker ${worker}`
  const again = attempt > 1 ? `, in attempt ${attempt}` : ""
  const more =
    others.length === 0 ? "" : ` ${plural(others.length, "other task")} ${others.length === 1 ? "runs" : "run"}.`
  return `It waits for ${JSON.stringify(agent)}${about}, which has run for ${span(ms)}${where}${again}.${more}`
}

/** The headline of a job that runs. `headline`: the one from its events, which says that it has not ended. */
export const presentLine = (headline: string, now: Moment): string => {
  const first = slowLine(now) ?? headline.replace(/^It has not ended\./, `It runs, in cycle ${now.cycle}.`)
  return `${first}${waitsLine(now)}${poolLine(now)}`
}

/** The headline of a job that has no place to run yet. */
export const queuedLine = (headline: string): string =>
  headline.replace(/^It has not ended\./, "It waits for a place to run.")
