/**
 * The rests of a job on its timeline: times between its cycles in which it did not run, as far as that is known.
 *
 * A recorded cycle says when it was committed and how long the job had run by then, so the time since the commit before in which
 * it did not run is known. Its notes say whether the job was paused or awaited something; without notes, nothing is known of
 * the reason. When within the gap between two cycles a rest began is not recorded, so a rest takes the whole gap. Boundary: pure.
 */
import { span } from "./format.ts"
import type { RecordedCycle } from "./shapes.ts"

export interface Rest {
  readonly key: string
  /** Where the gap begins and ends, in milliseconds since the epoch. `to` is undefined while the rest goes on. */
  readonly from: number
  readonly to: number | undefined
  /** Milliseconds in which the job did not run. Undefined while the rest goes on. */
  readonly ms: number | undefined
  /** The cycle after which it is; 0: the beginning. */
  readonly cycle: number
  /** The states in which it was, one after the other. Empty if they are not recorded. */
  readonly states: ReadonlyArray<string>
  /** The place among the cycles, where the states are not recorded. */
  readonly place: "first" | "between" | "now" | "last"
}

/** The job's own times, as far as they are known. */
export interface JobTimes {
  readonly state: string
  /** The last committed cycle. */
  readonly cycle: number
  readonly createdAt: number
  /** When it was queued, began to run or came to rest: the last of these. */
  readonly since: number | undefined
  readonly haltedAt: number | undefined
  /** How long it had run by its end. */
  readonly durationMs: number | undefined
}

/** A rest whose reason is recorded is shown from this on; times are rounded to it. */
const leastMs = 1

/** Tuning: a time of which nothing is recorded is shown from this on. The start and the end of a job take less. */
const leastUnknownMs = 1_000

/** States of a job that does not run, and has not ended. */
const resting = new Set(["paused", "awaiting", "suspended", "queued"])

const wordOf = { Paused: "paused", Awaiting: "awaiting", Resumed: "resumed" } as const

/** The rest before a cycle. `before`: the commit before, or the job's beginning. */
const restBefore = (
  { at, cycle, notes = [], ranMs, tookMs }: RecordedCycle,
  before: { readonly at: number; readonly ranMs: number }
): ReadonlyArray<Rest> => {
  if (ranMs === undefined) return []
  const still = at - before.at - (ranMs - before.ranMs)
  if (!(still >= (notes.length === 0 ? leastUnknownMs : leastMs))) return []
  // The tasks of the cycle began when the rest was over.
  const to = Math.max(before.at, Math.min(at, tookMs === null ? before.at + still : at - tookMs))
  if (to - before.at < leastMs) return []
  return [
    {
      key: `rest ${cycle}`,
      from: before.at,
      to,
      ms: Math.min(still, to - before.at),
      cycle: cycle - 1,
      states: notes.map((note) => wordOf[note]),
      place: cycle === 1 ? "first" : "between"
    }
  ]
}

/** The rest after the last commit: one that goes on, one from which the job goes on at present, or one that its end ended. */
const restAfter = (
  last: { readonly at: number; readonly ranMs: number | undefined },
  { createdAt, cycle, durationMs, haltedAt, since, state }: JobTimes
): ReadonlyArray<Rest> => {
  const rest = { key: "rest after", cycle, from: last.at, states: [] }
  const place = last.at === createdAt && cycle === 0 ? "first" : "now"
  if (resting.has(state)) {
    const from = Math.max(last.at, since ?? last.at)
    return [{ ...rest, from, to: undefined, ms: undefined, states: [state], place }]
  }
  if (state === "running") {
    if (since === undefined || since - last.at < leastUnknownMs) return []
    return [{ ...rest, to: since, ms: since - last.at, place }]
  }
  if (haltedAt === undefined || durationMs === undefined || last.ranMs === undefined) return []
  const still = haltedAt - last.at - (durationMs - last.ranMs)
  return still < leastUnknownMs ? [] : [{ ...rest, to: haltedAt, ms: still, place: "last" }]
}

/** The rests of a job that are in or beside its recorded cycles, in order. Without the job's times: those between the cycles. */
export const restsOf = (cycles: ReadonlyArray<RecordedCycle>, times?: JobTimes): ReadonlyArray<Rest> => {
  const rests: Array<Rest> = []
  let before: { readonly cycle: number; readonly at: number; readonly ranMs?: number | undefined } | undefined
  if (times !== undefined) before = { cycle: 0, at: times.createdAt, ranMs: 0 }
  for (const cycle of cycles) {
    const { at, ranMs } = before ?? {}
    if (before?.cycle === cycle.cycle - 1 && at !== undefined && ranMs !== undefined) {
      rests.push(...restBefore(cycle, { at, ranMs }))
    }
    before = cycle
  }
  if (times !== undefined && before?.cycle === times.cycle) {
    rests.push(...restAfter({ at: before.at, ranMs: before.ranMs }, times))
  }
  return rests
}

/** Milliseconds that a rest takes of a part of time, up to now if it goes on. */
export const restingMs = ({ from, ms, to }: Rest, part: { readonly from: number; readonly to: number }): number => {
  const end = to ?? part.to
  const inPart = Math.max(0, Math.min(end, part.to) - Math.max(from, part.from))
  return inPart === 0 ? 0 : inPart * Math.min(1, (ms ?? end - from) / (end - from))
}

/** How long a rest took, or has taken so far. */
export const restMs = ({ from, ms, to }: Rest, now: number): number => ms ?? Math.max(0, (to ?? now) - from)

/** Tuning: states that are named one by one. */
const namedStates = 6

/** The reason of a rest, as far as it is known. */
export const reasonOf = ({ place, states, to }: Rest): string => {
  if (to === undefined) {
    const [state = ""] = states
    return state === "suspended" ? "no engine of this server runs it" : state === "queued" ? "it is queued" : state
  }
  if (states.length > namedStates) {
    const names = [...new Set(states)].filter((state) => state !== "resumed")
    return `${names.join(" and ")}, with ${states.length} changes`
  }
  if (states.length > 0) return states.join(", then ")
  if (place === "last") return "then it ended; the events say more"
  if (place === "now") return "then it went on; the reason comes with its next cycle"
  const unknown = "it was queued, no process held it, or a process was ended before it recorded its work"
  return place === "first" ? `before the first cycle, ${unknown}` : unknown
}

/** How long a rest took, in words. A job of which nothing is recorded may have worked, and its work was lost. */
export const restSpan = (rest: Rest, now: number): string => {
  const took = span(restMs(rest, now))
  if (rest.to === undefined) return `rests for ${took} so far`
  if (rest.states.length > 0) return `rested ${took}`
  return rest.place === "first" || rest.place === "between" ? `no record of ${took}` : `did not run for ${took}`
}

/** Words for the picture, the longest first: those that have room are drawn. */
export const restLabels = (rest: Rest, now: number): ReadonlyArray<string> => {
  const [state = "no reason recorded"] = rest.states
  const time = span(restMs(rest, now))
  return [`${time}: ${state}`, time]
}
