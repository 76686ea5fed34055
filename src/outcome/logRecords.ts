/**
 * The records of a job's event log, one for each thing that happens, and the events that each record becomes.
 *
 * One walk over a record finds its events, whether they are made or only counted. The log numbers all events, and most of them
 * are never read.
 *
 * Invariant: the events of a record, and their number, are functions of the record alone. Boundary: the pure core.
 */
import type { IntentRef } from "../program/AgentEffect.ts"
import type { Fact, FactRef, Kind } from "../program/Fact.ts"
import type { Violation } from "../program/Invariant.ts"
import type { Cause, Status } from "./Cause.ts"
import type { CommittedCycle, MergedOutcome } from "./CommittedCycle.ts"
import type { EventCause, JobEvent } from "./JobEvent.ts"
import { errorJsonOf } from "./errorDescription.ts"

/** An event before it has its number. */
type Unnumbered = JobEvent extends infer E ? (E extends JobEvent ? Omit<E, "seq"> : never) : never

/** A record of a job's log: one commit, note or end. */
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

/** A cause as data: without its stack, and with the description of an error of the program. */
const asData = (cause: Cause): EventCause => {
  switch (cause._tag) {
    case "AgentFailed":
    case "IntentFailed":
      return { ...cause, error: errorJsonOf(cause) }
    case "AgentPanicked":
    case "ProgramPanicked": {
      const { stack: _, ...rest } = cause
      return rest
    }
    default:
      return cause
  }
}

const taskOf = ({ agent, each, part }: Pick<IntentRef, "agent" | "each" | "part">): TaskName => {
  if (part !== undefined) return { agent, part }
  return each === undefined ? { agent } : { agent, each }
}

interface TaskName {
  readonly agent: string
  readonly each?: FactRef
  readonly part?: number
}

/** The events of a record, as the walk finds them. */
class Events {
  /** The number of events that were found. */
  count = 0
  /** The events with their numbers; undefined if they are only counted. */
  readonly made: Array<JobEvent> | undefined
  readonly #first: number

  constructor(first: number, made: Array<JobEvent> | undefined) {
    this.#first = first
    this.made = made
  }

  /** Counts one more event. Returns whether to make it. */
  hasNext(): boolean {
    this.count++
    return this.made !== undefined
  }

  add(event: Unnumbered): void {
    this.made?.push({ ...event, seq: this.#first + this.made.length })
  }
}

const findViolations = (events: Events, cycle: number, violations: ReadonlyArray<Fact>): void => {
  for (const { value } of violations) {
    if (!events.hasNext()) continue
    const { invariant, reason, repaired } = value as Kind.Value<typeof Violation>
    events.add(
      repaired
        ? { _tag: "InvariantRepaired", cycle, name: invariant }
        : { _tag: "InvariantViolated", cycle, name: invariant, reason }
    )
  }
}

const findOutcome = (events: Events, cycle: number, outcome: MergedOutcome): void => {
  const { agent, cause, effect, facts } = outcome
  if (cause !== undefined) {
    if (events.hasNext()) events.add({ _tag: "TaskDiscarded", cycle, ...taskOf(outcome), cause: asData(cause) })
    return
  }
  if (effect === undefined) return
  const { evaluations, intents } = effect
  if (events.hasNext()) events.add({ _tag: "TaskSucceeded", cycle, ...taskOf(outcome) })
  if (facts.length > 0 && events.hasNext()) {
    events.add({ _tag: "FactsCommitted", cycle, ...taskOf(outcome), facts })
  }
  if (evaluations.length > 0 && events.hasNext()) {
    const committed = evaluations.map((evaluation) => ({ ...evaluation, agent, cycle }))
    events.add({ _tag: "EvaluationsCommitted", cycle, ...taskOf(outcome), evaluations: committed })
  }
  for (let index = 0; index < intents.length; index++) {
    if (!events.hasNext()) continue
    const { kind, payload } = intents[index]!
    events.add({ _tag: "IntentCommitted", cycle, ...taskOf(outcome), index, kind, payload })
  }
}

const findSignal = (events: Events, cycle: number, signal: MergedOutcome): void => {
  const { answers, cause, effect, facts } = signal
  if (events.hasNext()) {
    const proposals = signal.proposals ?? effect?.facts.length ?? 0
    events.add(
      cause === undefined
        ? { _tag: "SignalAdmitted", cycle, proposals }
        : { _tag: "SignalAdmitted", cycle, proposals, cause: asData(cause) }
    )
  }
  if (answers !== undefined && events.hasNext()) {
    const { index, kind } = answers
    events.add({ _tag: "IntentAnswered", cycle, ...taskOf(answers), index, kind })
  }
  if (facts.length > 0 && events.hasNext()) events.add({ _tag: "FactsCommitted", cycle, agent: "", facts })
}

const findCommitted = (events: Events, row: CommittedCycle, previousTier: number): void => {
  const { agents, cycle, outcomes, signals, tasks, violations } = row
  for (let tier = Math.max(previousTier, 0); tier < row.tier; tier++) {
    if (events.hasNext()) events.add({ _tag: "TierConverged", cycle, tier })
  }
  if (events.hasNext()) events.add({ _tag: "CycleStarted", cycle, tier: row.tier, agents, tasks })
  for (const signal of signals) findSignal(events, cycle, signal)
  for (const outcome of outcomes) findOutcome(events, cycle, outcome)
  findViolations(events, cycle, violations)
}

const findHalted = (events: Events, record: Extract<LogRecord, { readonly _tag: "Halted" }>): void => {
  const { cause, cycle, hash, status, tier, version } = record
  if (status === "converged" && tier >= 0 && events.hasNext()) events.add({ _tag: "TierConverged", cycle, tier })
  if (!events.hasNext()) return
  events.add(
    cause === undefined
      ? { _tag: "JobHalted", cycle, status, version, hash }
      : { _tag: "JobHalted", cycle, status, version, hash, error: asData(cause) }
  )
}

const restEvents = { Paused: "JobPaused", Resumed: "JobResumed", Awaiting: "JobAwaiting" } as const

/** Walks over a record, and finds its events in their order. */
const find = (record: LogRecord, events: Events): Events => {
  switch (record._tag) {
    case "Started": {
      const { hash, program, seeds, version, violations } = record
      if (events.hasNext()) events.add({ _tag: "JobStarted", cycle: 0, program, version, hash, seeds })
      findViolations(events, 0, violations)
      break
    }
    case "Committed":
      findCommitted(events, record.row, record.previousTier)
      break
    case "Paused":
    case "Resumed":
    case "Awaiting":
      if (events.hasNext()) events.add({ _tag: restEvents[record._tag], cycle: record.cycle })
      break
    case "Halted":
      findHalted(events, record)
  }
  return events
}

/** The events of one record; the first is numbered `seq`. */
export const eventsOf = (record: LogRecord, seq: number): ReadonlyArray<JobEvent> => {
  const made: Array<JobEvent> = []
  find(record, new Events(seq, made))
  return made
}

/** The number of events that `eventsOf` makes of a record, without making them. */
export const countOf = (record: LogRecord): number => find(record, new Events(0, undefined)).count

/** Characters of the canonical text behind a record, which grows with a program's values; 0 for a record without one. */
export const lengthOf = (record: LogRecord): number => ("length" in record ? record.length : 0)

/** Cycles, from the first to the last. */
export interface CycleRange {
  readonly from: number
  readonly to: number
}
