/**
 * The events of a job of the reference, as docs/events.md has them, and their comparison with those of the real one.
 *
 * Boundary: reads both.
 */
import type { Simulated } from "../../src/testing/simulation/simulate.ts"
import { causeOf, type Differ } from "./plain.ts"
import type { Referred } from "./reference/referred.ts"
import type { Entry, Outcome } from "./reference/state.ts"

export const factOf = ({ because, by, id, kind, position, value }: Entry) => ({
  kind,
  id,
  value,
  provenance: { version: position, ...by, because }
})

const refOf = ({ agent, each }: { readonly agent: string; readonly each?: unknown }) => ({ agent, each })

type Event = Readonly<Record<string, unknown>> & { readonly _tag: string }

const outcomeEvents = (cycle: number, outcome: Outcome): ReadonlyArray<Event> => {
  const of = { cycle, ...refOf(outcome) }
  const { cause, effect, facts } = outcome
  if (cause !== undefined || effect === undefined) return [{ _tag: "TaskDiscarded", ...of, cause: causeOf(cause) }]
  const evaluations = effect.evaluations.map((evaluation) => ({ ...evaluation, agent: outcome.agent, cycle }))
  return [
    { _tag: "TaskSucceeded", ...of },
    ...(facts.length === 0 ? [] : [{ _tag: "FactsCommitted", ...of, facts: facts.map(factOf) }]),
    ...(evaluations.length === 0 ? [] : [{ _tag: "EvaluationsCommitted", ...of, evaluations }]),
    ...effect.intents.map(({ kind, payload }, index) => ({ _tag: "IntentCommitted", ...of, index, kind, payload }))
  ]
}

const signalEvents = (cycle: number, { answers, cause, effect, facts, proposals }: Outcome): ReadonlyArray<Event> => [
  {
    ...{ _tag: "SignalAdmitted", cycle, proposals: proposals ?? effect?.facts.length ?? 0 },
    ...(cause === undefined ? {} : { cause: causeOf(cause) })
  },
  ...(answers === undefined
    ? []
    : [{ _tag: "IntentAnswered", cycle, ...refOf(answers), index: answers.index, kind: answers.kind }]),
  ...(facts.length === 0 ? [] : [{ _tag: "FactsCommitted", cycle, agent: "", facts: facts.map(factOf) }])
]

const violationEvents = (cycle: number, violations: ReadonlyArray<Entry>): ReadonlyArray<Event> =>
  violations.map(({ value }) => {
    const { invariant, reason, repaired } = value as unknown as Readonly<Record<string, unknown>>
    return repaired === true
      ? { _tag: "InvariantRepaired", cycle, name: invariant }
      : { _tag: "InvariantViolated", cycle, name: invariant, reason }
  })

/** The events of a job, as docs/events.md has them, without rests. */
export const eventsOf = (job: Referred, status: string, cause: unknown): ReadonlyArray<Event> => {
  const events: Array<Event> = [
    {
      ...{ _tag: "JobStarted", cycle: 0, program: job.programName, hash: job.genesisHash },
      seeds: job.seeds.facts.map(factOf),
      version: job.beginVersion
    },
    ...violationEvents(0, job.seedViolations)
  ]
  for (const row of job.rows) {
    const { agents, cycle, outcomes, previousTier, signals, tier, violations } = row
    for (let left = Math.max(previousTier, 0); left < tier; left++)
      events.push({ _tag: "TierConverged", cycle, tier: left })
    events.push({ _tag: "CycleStarted", cycle, tier, agents, tasks: outcomes.length })
    events.push(...signals.flatMap((signal) => signalEvents(cycle, signal)))
    events.push(...outcomes.flatMap((outcome) => outcomeEvents(cycle, outcome)))
    events.push(...violationEvents(cycle, violations))
  }
  const { cycle, hash, tier } = job
  if (status === "converged" && tier >= 0) events.push({ _tag: "TierConverged", cycle, tier })
  const error = cause === undefined ? {} : { error: causeOf(cause) }
  events.push({ _tag: "JobHalted", cycle, status, version: job.context.version, hash, ...error })
  return events
}

const rests = ["JobPaused", "JobAwaiting", "JobResumed"]

export const compareEvents = (
  job: Referred,
  simulated: Simulated,
  expected: ReadonlyArray<Event>,
  differ: Differ
): void => {
  const shown = simulated.events.map((event): Event => {
    const fields: Event = { ...event }
    if ("cause" in event && event.cause !== undefined) return { ...fields, cause: causeOf(event.cause) }
    return "error" in event && event.error !== undefined ? { ...fields, error: causeOf(event.error) } : fields
  })
  const actual = shown.filter(({ _tag }) => !rests.includes(_tag))
  expected.forEach((event, index) => differ(`event ${index + 1}`, event, actual[index]))
  differ("events", expected.length, actual.length)
  const numbers = simulated.events.map(({ seq }) => seq)
  differ(
    "numbers of events",
    numbers.map((_, index) => index + 1),
    numbers
  )
  compareRests(job, simulated, differ)
}

/** Rests begin and end; without callers they are where answers are awaited, and nowhere else (IN4, P1, P2). */
const compareRests = (job: Referred, simulated: Simulated, differ: Differ): void => {
  const found = simulated.events.filter(({ _tag }) => rests.includes(_tag))
  const tags = found.map(({ _tag, cycle }) => `${_tag} ${cycle}`)
  found.forEach(({ _tag }, index) => {
    const before = found[index - 1]?._tag ?? "JobResumed"
    const isRest = before !== "JobResumed"
    const isInOrder = _tag === "JobResumed" ? isRest : !isRest || (before === "JobAwaiting" && _tag === "JobPaused")
    if (!isInOrder) differ(`rest ${index + 1}`, "another event", `${_tag} after ${before}`)
  })
  if (job.isEndedByCycle)
    differ(
      "rests after the last cycle",
      [],
      tags.filter((tag) => tag.endsWith(` ${job.cycle}`))
    )
  if (simulated.told.length > 0 || simulated.isCancelled || simulated.pauses > 0) return
  const expected = job.rows.flatMap(({ cycle, isAwaited }) =>
    isAwaited ? [`JobAwaiting ${cycle - 1}`, `JobResumed ${cycle - 1}`] : []
  )
  // Whether a job rests before the time of an approval is over depends on the time.
  const isTimed = job.rows.some(({ outcomes }) =>
    outcomes.some(({ effect }) => effect?.intents.some(({ payload }) => payload.timeoutMs !== undefined) === true)
  )
  if (isTimed) return
  // Budgets are looked at when the answers are there.
  const isEndOfWaiting =
    tags.length === expected.length + 2 && ["cycles", "agents", "duration"].includes(String(job.cause?.["budget"]))
  differ("rests", expected, isEndOfWaiting ? tags.slice(0, -2) : tags)
}
