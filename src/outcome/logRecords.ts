/**
 * What the event log keeps, a record for each thing that happens, and the events that each record becomes.
 *
 * Invariant: the events of a record, and their number, are functions of the record alone. Boundary: the pure core.
 */
import type { Fact, FactRef } from "../program/Fact.ts"
import type { Cause, Status } from "./Cause.ts"
import type { CommittedCycle, MergedOutcome } from "./CommittedCycle.ts"
import type { EventCause, JobEvent } from "./JobEvent.ts"

/** An event before it has its number. */
export type Unnumbered = JobEvent extends infer E ? (E extends JobEvent ? Omit<E, "seq"> : never) : never

/** What a job's log is made of: what happened, as it was committed. */
export type LogRecord =
  | {
      readonly _tag: "Started"
      readonly program: string
      readonly version: number
      readonly hash: string
      readonly seeds: ReadonlyArray<Fact>
      readonly violations: ReadonlyArray<Fact>
      /** Characters of the canonical text, input included. */
      readonly length: number
    }
  | {
      readonly _tag: "Committed"
      readonly row: CommittedCycle
      readonly previousTier: number
      /** Characters of the row's canonical text. */
      readonly length: number
    }
  | { readonly _tag: "Paused" | "Resumed" | "Awaiting"; readonly cycle: number }
  | {
      readonly _tag: "Halted"
      readonly cycle: number
      readonly tier: number
      readonly status: Status
      readonly version: number
      readonly hash: string
      readonly cause: Cause | undefined
    }

export const withoutStack = (cause: Cause): EventCause => {
  if (!("stack" in cause)) return cause
  const { stack: _, ...rest } = cause
  return rest
}

export const taskOf = (outcome: MergedOutcome): { readonly agent: string; readonly each?: FactRef } =>
  outcome.each === undefined ? { agent: outcome.agent } : { agent: outcome.agent, each: outcome.each }

export function* violationEvents(cycle: number, violations: ReadonlyArray<Fact>): Generator<Unnumbered> {
  for (const fact of violations) {
    const { invariant, reason, repaired } = fact.value as {
      readonly invariant: string
      readonly reason: string
      readonly repaired: boolean
    }
    yield repaired
      ? { _tag: "InvariantRepaired", cycle, name: invariant }
      : { _tag: "InvariantViolated", cycle, name: invariant, reason }
  }
}

export function* outcomeEvents(cycle: number, outcome: MergedOutcome): Generator<Unnumbered> {
  const { cause, effect, facts } = outcome
  const task = taskOf(outcome)
  if (cause !== undefined || effect === undefined) {
    if (cause !== undefined) yield { _tag: "TaskDiscarded", cycle, ...task, cause: withoutStack(cause) }
    return
  }
  yield { _tag: "TaskSucceeded", cycle, ...task }
  if (facts.length > 0) yield { _tag: "FactsCommitted", cycle, ...task, facts }
  if (effect.evaluations.length > 0) {
    const evaluations = effect.evaluations.map((evaluation) => ({ ...evaluation, agent: outcome.agent, cycle }))
    yield { _tag: "EvaluationsCommitted", cycle, ...task, evaluations }
  }
  for (const [index, { kind, payload }] of effect.intents.entries()) {
    yield { _tag: "IntentCommitted", cycle, ...task, index, kind, payload }
  }
}

export function* committedEvents(row: CommittedCycle, previousTier: number): Generator<Unnumbered> {
  const { cycle } = row
  for (let tier = Math.max(previousTier, 0); tier < row.tier; tier++) yield { _tag: "TierConverged", cycle, tier }
  yield { _tag: "CycleStarted", cycle, tier: row.tier, agents: row.agents, tasks: row.tasks }
  for (const signal of row.signals) {
    const proposals = signal.proposals ?? signal.effect?.facts.length ?? 0
    yield signal.cause === undefined
      ? { _tag: "SignalAdmitted", cycle, proposals }
      : { _tag: "SignalAdmitted", cycle, proposals, cause: withoutStack(signal.cause) }
    if (signal.answers !== undefined) {
      const { agent, each, index, kind } = signal.answers
      yield { _tag: "IntentAnswered", cycle, agent, ...(each === undefined ? {} : { each }), index, kind }
    }
    if (signal.facts.length > 0) yield { _tag: "FactsCommitted", cycle, agent: "", facts: signal.facts }
  }
  for (const outcome of row.outcomes) yield* outcomeEvents(cycle, outcome)
  yield* violationEvents(cycle, row.violations)
}

export function* unnumbered(record: LogRecord): Generator<Unnumbered> {
  switch (record._tag) {
    case "Started": {
      const { hash, program, seeds, version } = record
      yield { _tag: "JobStarted", cycle: 0, program, version, hash, seeds }
      return yield* violationEvents(0, record.violations)
    }
    case "Committed":
      return yield* committedEvents(record.row, record.previousTier)
    case "Paused":
      return yield { _tag: "JobPaused", cycle: record.cycle }
    case "Resumed":
      return yield { _tag: "JobResumed", cycle: record.cycle }
    case "Awaiting":
      return yield { _tag: "JobAwaiting", cycle: record.cycle }
    case "Halted": {
      const { cause, cycle, hash, status, tier, version } = record
      if (status === "converged" && tier >= 0) yield { _tag: "TierConverged", cycle, tier }
      yield cause === undefined
        ? { _tag: "JobHalted", cycle, status, version, hash }
        : { _tag: "JobHalted", cycle, status, version, hash, error: withoutStack(cause) }
    }
  }
}

/** The events of one record; the first is numbered `seq`. */
export const eventsOf = (record: LogRecord, seq: number): ReadonlyArray<JobEvent> => {
  const events: Array<JobEvent> = []
  for (const event of unnumbered(record)) events.push({ ...event, seq: seq + events.length })
  return events
}

/** Characters of canonical text behind a record: what of it grows with what a program says. */
export const lengthOf = (record: LogRecord): number => ("length" in record ? record.length : 0)

/** How many events `eventsOf` makes of a record, counted without making them. */
export const countOf = (record: LogRecord): number => {
  switch (record._tag) {
    case "Started":
      return 1 + record.violations.length
    case "Committed":
      return countOfCycle(record.row, record.previousTier)
    case "Halted":
      return record.status === "converged" && record.tier >= 0 ? 2 : 1
    case "Paused":
    case "Resumed":
    case "Awaiting":
      return 1
  }
}

export const countOfCycle = (row: CommittedCycle, previousTier: number): number => {
  let count = 1 + Math.max(row.tier - Math.max(previousTier, 0), 0) + row.violations.length
  for (const { answers, facts } of row.signals)
    count += 1 + (answers === undefined ? 0 : 1) + (facts.length > 0 ? 1 : 0)
  for (const { cause, effect, facts } of row.outcomes) {
    if (cause !== undefined) count++
    else if (effect !== undefined) {
      count += 1 + (facts.length > 0 ? 1 : 0) + (effect.evaluations.length > 0 ? 1 : 0) + effect.intents.length
    }
  }
  return count
}

/** Cycles, from the first to the last. */
export interface CycleRange {
  readonly from: number
  readonly to: number
}
