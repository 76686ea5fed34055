/**
 * Reads when the tasks of a stored job ran. Boundary: the pure core; a stored row in, a record out.
 *
 * A picture of time needs no replay; the rows that come here have been checked by their hashes (rowChain.ts).
 */
import type { FactRef } from "../program/Fact.ts"
import { partOf } from "../program/keys.ts"
import { Limits } from "../Limits.ts"
import { lightStepSize } from "../values/steps.ts"
import { readRowExtra } from "./extra.ts"
import { isObject, parseLongPart, unreadable } from "./jsonRecord.ts"
import type { RowExtra } from "./records.ts"
import type { RecordedCycle, RecordedTask, UntimedTask } from "./reports.ts"

/** The parts of an outcome that a picture of time shows. */
interface OutcomeLine {
  readonly agent: string
  readonly each?: readonly [kind: string, id: string]
  readonly discarded?: string
  readonly facts?: ReadonlyArray<unknown>
  readonly intents?: ReadonlyArray<{ readonly kind: string }>
  readonly part?: number
}

const linesOf = (row: Readonly<Record<string, unknown>>, name: string): ReadonlyArray<OutcomeLine> => {
  const list = row[name]
  if (!Array.isArray(list)) return unreadable("text", `there are no ${name}`)
  // The cast is safe enough for a picture: the merge wrote the text, and what is missing is shown as missing.
  return list as ReadonlyArray<OutcomeLine>
}

const eachOf = ({ each }: OutcomeLine): FactRef | undefined =>
  each === undefined ? undefined : { kind: each[0], id: each[1] }

/** A row as a picture of time needs it. */
export interface RowTimes {
  readonly recorded: RecordedCycle
  readonly extra: RowExtra
  readonly outcomes: ReadonlyArray<OutcomeLine>
}

/** The discarded tasks whose times are not recorded. `timed`: the places of those whose times are. */
const untimedIn = (outcomes: ReadonlyArray<OutcomeLine>, timed: ReadonlySet<number>): ReadonlyArray<UntimedTask> => {
  const found: Array<UntimedTask> = []
  for (const [place, line] of outcomes.entries()) {
    if (line.discarded === undefined || timed.has(place)) continue
    if (found.length === Limits.untimedTasks) break
    found.push({ agent: line.agent, each: eachOf(line), ...partOf(line.part), discarded: line.discarded })
  }
  return found
}

const timedIn = (outcomes: ReadonlyArray<OutcomeLine>, times: RowExtra["times"]): ReadonlyArray<RecordedTask> =>
  (times?.tasks ?? []).map(([place, worker, startMs, tookMs, attempts = 1]) => {
    const line = outcomes[place] ?? unreadable("extra", `times: there is no outcome ${place}`)
    return {
      agent: line.agent,
      each: eachOf(line),
      ...partOf(line.part),
      worker,
      startMs,
      tookMs,
      attempts,
      discarded: line.discarded
    }
  })

/** Reads a row, in steps. @throws Unreadable */
export function* rowTimes(cycle: number, text: string, extraText: string): Generator<void, RowTimes> {
  const row = yield* parseLongPart("text", text)
  if (!isObject(row)) return unreadable("text", "it is no object")
  const outcomes = linesOf(row, "outcomes")
  const extra = yield* readRowExtra(extraText)
  const { at, before = [], ranMs, times } = extra
  const agents: Record<string, number> = Object.create(null) as Record<string, number>
  let [facts, discarded, steps] = [0, 0, 0]
  for (const line of outcomes) {
    if (++steps % lightStepSize === 0) yield
    agents[line.agent] = (agents[line.agent] ?? 0) + 1
    facts += line.facts?.length ?? 0
    if (line.discarded !== undefined) discarded++
  }
  const tier = typeof row["tier"] === "number" ? row["tier"] : 0
  const signals = linesOf(row, "signals")
  for (const line of signals) facts += line.facts?.length ?? 0
  const recorded = {
    cycle,
    tier,
    at,
    tookMs: times?.ms,
    ranMs,
    notes: before,
    tasks: outcomes.length,
    facts,
    discarded,
    signals: signals.length,
    agents: { ...agents },
    recorded: timedIn(outcomes, times),
    untimed: discarded === 0 ? [] : untimedIn(outcomes, new Set(times?.tasks.map(([place]) => place)))
  }
  return { recorded, extra, outcomes }
}
