/**
 * Writes and reads the extra of a row: the data that a replay needs beside the canonical text of rowText.ts.
 *
 * An extra has the ids of the facts, the results of combining functions, causes with all their fields, traces, tokens, and the
 * job's usage so far. The hash does not cover an extra, so reading checks it: a replay must not use data that was never
 * written. Unknown keys are ignored, because a later version may add some.
 *
 * Boundary: the pure core; committed cycles to JSON, and JSON to records. decode.ts joins the records with the texts.
 */
import type { Cause } from "../outcome/Cause.ts"
import type { CommittedCycle, MergedOutcome } from "../outcome/CommittedCycle.ts"
import type { AgentSum } from "../outcome/Spent.ts"
import { causeJson, isCauseJson } from "./causes.ts"
import { typeOf } from "../values/panic.ts"
import { isObject, parseLongPart, unreadable } from "./jsonRecord.ts"
import type { Amounts } from "../program/resolveBudget.ts"
import type {
  BeginningExtra,
  ChildrenExtra,
  NoteTag,
  HaltExtra,
  OutcomeExtra,
  OutcomeFields,
  RowExtra,
  TaskTimes,
  TimesExtra
} from "./records.ts"

/** Builds the extra of an outcome. `textOf` returns the committed text of the fact at a commit position. */
const outcomeExtra = (
  { cause, effect, facts, proposals = 0, uncommutative }: MergedOutcome,
  isSignal: boolean,
  textOf: (version: number) => string
): OutcomeExtra => {
  if (cause !== undefined) {
    return isSignal ? { cause: causeJson(cause), proposals } : { cause: causeJson(cause) }
  }
  if (effect === undefined) return 0
  const { facts: proposed, tokens, trace } = effect
  if (proposed.length === 0 && tokens === 0 && trace === undefined) return 0
  const combined: Array<readonly [number, string | null]> = []
  let committed = 0
  proposed.forEach((fact, place) => {
    const next = facts[committed]
    const isCommitted = next !== undefined && next.kind === fact.kind.name && next.id === fact.id
    if (isCommitted) committed++
    if (typeof fact.kind.conflict !== "function") return
    const text = isCommitted ? textOf(next.provenance.version) : null
    if (text !== fact.text) combined.push([place, text])
  })
  return {
    ...(proposed.length > 0 ? { ids: proposed.map(({ id }) => id) } : {}),
    ...(combined.length > 0 ? { combined } : {}),
    ...(uncommutative === undefined ? {} : { uncommutative: [...uncommutative.keys()] }),
    ...(trace === undefined ? {} : { trace }),
    ...(tokens > 0 ? { tokens } : {})
  }
}

const allEmpty = (extras: ReadonlyArray<OutcomeExtra>): boolean => extras.every((extra) => extra === 0)

/** Points to the outcome whose cause halts the job. If no outcome has that cause, the result holds the cause itself. */
const haltExtra = (halt: Cause | undefined, row: CommittedCycle): HaltExtra | undefined => {
  if (halt === undefined) return undefined
  const signal = row.signals.findIndex(({ cause }) => cause === halt)
  if (signal >= 0) return ["signal", signal]
  const outcome = row.outcomes.findIndex(({ cause }) => cause === halt)
  return outcome >= 0 ? ["outcome", outcome] : { cause: causeJson(halt) }
}

/** Encodes the extra of a committed cycle. */
export const rowExtra = (
  row: CommittedCycle,
  halt: Cause | undefined,
  textOf: (version: number) => string,
  rest: Pick<RowExtra, "at" | "ranMs" | "cpuMs" | "before" | "handled" | "unperformed" | "spent"> & {
    readonly times: TimesExtra | undefined
    readonly children: ChildrenExtra | undefined
  }
): string => {
  const signals = row.signals.map((outcome) => outcomeExtra(outcome, true, textOf))
  const outcomes = row.outcomes.map((outcome) => outcomeExtra(outcome, false, textOf))
  const found = haltExtra(halt, row)
  const extra: RowExtra = {
    ...(allEmpty(signals) ? {} : { signals }),
    ...(allEmpty(outcomes) ? {} : { outcomes }),
    ...(rest.before === undefined || rest.before.length === 0 ? {} : { before: rest.before }),
    ...(found === undefined ? {} : { halt: found }),
    ...(rest.handled === undefined || rest.handled.length === 0 ? {} : { handled: rest.handled }),
    ...(rest.children === undefined ? {} : { children: rest.children }),
    ...(rest.unperformed === undefined || rest.unperformed.length === 0 ? {} : { unperformed: rest.unperformed }),
    at: rest.at,
    ranMs: rest.ranMs,
    cpuMs: rest.cpuMs,
    ...(rest.spent === undefined || rest.spent.length === 0 ? {} : { spent: rest.spent }),
    ...(rest.times === undefined ? {} : { times: rest.times })
  }
  return JSON.stringify(extra)
}

/** Builds the extra of cycle 0. The header holds it. */
export const beginningExtra = (
  row: CommittedCycle,
  halt: Cause | undefined,
  textOf: (version: number) => string
): BeginningExtra => {
  const found = haltExtra(halt, row)
  return {
    seeds: outcomeExtra(row.signals[0]!, true, textOf),
    violations: row.violations.map(({ value }) => value),
    ...(found === undefined ? {} : { halt: found })
  }
}

/* Reading. The checks are written by hand, because a schema would take a third of the replay time of a row. */

/** An unchecked record. Each field may hold any value, or be missing. */
type Unchecked<A> = { readonly [K in keyof A]?: unknown }

const isText = (value: unknown): value is string => typeof value === "string"

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const isAmount = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0

const isListOf =
  <A>(isItem: (value: unknown) => value is A) =>
  (value: unknown): value is ReadonlyArray<A> => {
    if (!Array.isArray(value)) return false
    for (const item of value) if (!isItem(item)) return false
    return true
  }

const areTexts = isListOf(isText)
const areCounts = isListOf(isCount)

const isCombined = (value: unknown): value is readonly [number, string | null] =>
  Array.isArray(value) && isCount(value[0]) && (value[1] === null || isText(value[1]))

const areCombined = isListOf(isCombined)

const isNote = (value: unknown): value is NoteTag => value === "Paused" || value === "Resumed" || value === "Awaiting"

/** Whether a value is a list of notes, the events between two cycles. */
export const areNotes = isListOf(isNote)

/** Whether a value is the extra of an outcome. */
export const isOutcomeExtra = (value: unknown): value is OutcomeExtra => {
  if (value === 0) return true
  if (!isObject(value)) return false
  const { cause, combined, ids, proposals, tokens, uncommutative }: Unchecked<OutcomeFields> = value
  return (
    (ids === undefined || areTexts(ids)) &&
    (combined === undefined || areCombined(combined)) &&
    (uncommutative === undefined || areCounts(uncommutative)) &&
    (tokens === undefined || isAmount(tokens)) &&
    (proposals === undefined || isCount(proposals)) &&
    (cause === undefined || isCauseJson(cause))
  )
}

const areOutcomes = isListOf(isOutcomeExtra)

/** Whether a value is a `HaltExtra`. */
export const isHaltExtra = (value: unknown): value is HaltExtra => {
  if (Array.isArray(value)) return (value[0] === "signal" || value[0] === "outcome") && isCount(value[1])
  return isObject(value) && isCauseJson(value["cause"])
}

const isAmounts = (value: unknown): value is Amounts => isObject(value) && Object.values(value).every(isAmount)

const areAmounts = isListOf(isAmounts)

const isChildrenExtra = (value: unknown): value is ChildrenExtra => {
  if (!isObject(value)) return false
  const { shares, spent }: Unchecked<ChildrenExtra> = value
  return (spent === undefined || isAmounts(spent)) && (shares === undefined || areAmounts(shares))
}

const isSum = (value: unknown): value is AgentSum =>
  Array.isArray(value) && isText(value[0]) && isAmount(value[1]) && isAmount(value[2])

const areSums = isListOf(isSum)

const isTaskTimes = (value: unknown): value is TaskTimes =>
  Array.isArray(value) &&
  (value.length === 4 || value.length === 5) &&
  isCount(value[0]) &&
  isCount(value[1]) &&
  value.slice(2).every(Number.isFinite)

const areTaskTimes = isListOf(isTaskTimes)

const isTimes = (value: unknown): value is TimesExtra => {
  if (!isObject(value)) return false
  const { ms, tasks }: Unchecked<TimesExtra> = value
  return Number.isFinite(ms) && areTaskTimes(tasks)
}

/** The farthest time from the epoch, in milliseconds, that a `Date` can hold. */
const farthestMs = 8.64e15

/** Returns the name of the first field that does not fit, or undefined if all fit. */
const faultyField = (extra: Unchecked<RowExtra>): keyof RowExtra | undefined => {
  const { at, before, children, cpuMs, halt, handled, outcomes, ranMs, signals, spent, times, unperformed } = extra
  if (signals !== undefined && !areOutcomes(signals)) return "signals"
  if (outcomes !== undefined && !areOutcomes(outcomes)) return "outcomes"
  if (before !== undefined && !areNotes(before)) return "before"
  if (halt !== undefined && !isHaltExtra(halt)) return "halt"
  if (handled !== undefined && !areTexts(handled)) return "handled"
  if (children !== undefined && !isChildrenExtra(children)) return "children"
  if (unperformed !== undefined && !areTexts(unperformed)) return "unperformed"
  if (typeof at !== "number" || !(Math.abs(at) <= farthestMs)) return "at"
  // They are negative if the clock was set back.
  if (!Number.isFinite(ranMs)) return "ranMs"
  if (!Number.isFinite(cpuMs)) return "cpuMs"
  if (spent !== undefined && !areSums(spent)) return "spent"
  return times === undefined || isTimes(times) ? undefined : "times"
}

const isRowExtra = (value: unknown): value is RowExtra => isObject(value) && faultyField(value) === undefined

/** Reads the extra of a row, in steps. @throws Unreadable */
export function* readRowExtra(text: string): Generator<void, RowExtra> {
  const extra = yield* parseLongPart("extra", text)
  if (isRowExtra(extra)) return extra
  if (!isObject(extra)) return unreadable("extra", `${typeOf(extra)} in place of an object`)
  const field = faultyField(extra) ?? "at"
  const value = extra[field]
  return unreadable("extra", `${field}: ${typeof value === "number" ? String(value) : JSON.stringify(value)}`)
}
