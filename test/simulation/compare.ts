/**
 * Compares a simulated job with the reference: context, provenance, events, hash, result and diagnostics (G1 to G16).
 *
 * The reference is told only what the rules leave open: which signals each cycle admitted, and where a cancel stopped the job.
 * Boundary: reads both, and says in words where they differ. Texts of messages are not compared, since the page gives none.
 */
import type { End, Simulated, Told } from "../../src/testing/simulation/simulate.ts"
import { approvalKind } from "./behave.ts"
import type { Host } from "./build.ts"
import type { Case } from "./generate.ts"
import { textOf } from "./reference/canonical.ts"
import { refer, type Given, type Referred } from "./reference/job.ts"
import { rowTextOf } from "./reference/row.ts"
import type { Entry, Outcome } from "./reference/state.ts"
import type { Proposed } from "./spec.ts"

/** The fields of a value that no rule gives: words, stacks, and what a cause says besides. */
const silent = ["message", "stack", "busy", "seq"]

/** A value without what is not compared. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      silent.includes(key) || item === undefined ? [] : [[key, plain(item)]]
    )
  )
}

/** The fields of a cause that the reference gives. */
const causeFields = [
  "_tag",
  "agent",
  "cycle",
  "timeoutMs",
  "kind",
  "id",
  "existing",
  "proposed",
  "agents",
  "budget",
  "used"
].concat(["limit", "spender", "name", "class", "reason", "facts", "key", "error", "exitCode", "since", "count"])

const causeOf = (cause: unknown): unknown => {
  if (typeof cause !== "object" || cause === null) return cause
  const fields = cause as Readonly<Record<string, unknown>>
  // The class of an error has a name of its own, where its cause has none.
  const isOwn = (name: string) => name !== "name" || fields[name] !== fields["_tag"]
  return plain(Object.fromEntries(causeFields.filter(isOwn).map((name) => [name, fields[name]])))
}

const text = (value: unknown): string => (value === undefined ? "nothing" : textOf(plain(value)))

/* ---------------------------------------------------------------- what the rules leave open */

interface StoredSignal {
  readonly answers?: { readonly kind: string }
  readonly discarded?: string
  readonly facts?: ReadonlyArray<Proposed>
}

const proposalsOf = ({ proposals }: Told): ReadonlyArray<Proposed> => proposals as ReadonlyArray<Proposed>

/** The signals of each cycle, as the rows have them. A discarded one is known by what its sender was told. */
const givenOf = (simulated: Simulated, choice: number): { given: Given; complaints: Array<string> } => {
  const complaints: Array<string> = []
  /** The number of the way, of which each discarded signal takes a part. */
  let rest = choice
  const byCycle = new Map<number, ReadonlyArray<ReadonlyArray<Proposed>>>()
  const answered = new Set<number>()
  const told = simulated.told.filter(({ answer }) => answer === "committed" || answer === "discarded")
  const inOrder = told.toSorted((a, b) => a.place - b.place)
  const unknown = simulated.told.filter(({ answer }) => answer === "unknown")
  for (const { cycle, text: row } of simulated.rows) {
    const found: Array<ReadonlyArray<Proposed>> = []
    const { signals: stored } = JSON.parse(row) as { readonly signals: ReadonlyArray<StoredSignal> }
    for (const signal of stored) {
      if (signal.answers !== undefined && signal.answers.kind !== approvalKind) {
        answered.add(cycle)
        continue
      }
      const facts = signal.facts?.map(({ kind, value }) => ({ kind, value }))
      const isIt = ({ proposals }: Told) => facts === undefined || text(proposals) === text(facts)
      const [next] = inOrder
      const wanted = facts === undefined ? "discarded" : "committed"
      const isTold = next !== undefined && next.answer === wanted && isIt(next)
      // A row does not say what a discarded signal held: the next that was told so may be it, or any that was on its way.
      const ways = facts === undefined ? unknown.length + (isTold ? 1 : 0) : 1
      const way = ways === 0 ? 0 : rest % ways
      rest = ways === 0 ? rest : Math.floor(rest / ways)
      if (isTold && way === 0) {
        inOrder.shift()
        found.push(proposalsOf(next))
        continue
      }
      const place = facts === undefined ? way - (isTold ? 1 : 0) : unknown.findIndex(isIt)
      const [lost] = place < 0 ? [] : unknown.splice(place, 1)
      if (lost === undefined)
        complaints.push(`cycle ${cycle} admitted a signal that nobody sent, or in another order (S2)`)
      else found.push(proposalsOf(lost))
    }
    byCycle.set(cycle, found)
  }
  const { error } = simulated.end ?? {}
  if (error?._tag === "BudgetExhausted" && (error["budget"] === "cycles" || error["budget"] === "agents")) {
    // A signal that waits wants a cycle, which the budget does not allow: the job ends, and the signal with it.
    const refused = simulated.told.filter(({ message }) => message.startsWith("JobHalted"))
    const late = refused.length > 0 ? refused : unknown
    if (late.length > 0) byCycle.set(simulated.rows.length + 1, late.map(proposalsOf))
  }
  for (const { answer, proposals } of inOrder)
    complaints.push(`signal ${text(proposals)} was ${answer}, and no row has it (S4)`)
  const cycles = error?._tag === "JobCancelled" ? simulated.rows.length : Infinity
  return { given: { jobId: "job", signals: byCycle, answered, cycles }, complaints }
}

/* ---------------------------------------------------------------- both sides in one form */

const factOf = ({ because, by, id, kind, position, value }: Entry) => ({
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
const eventsOf = (job: Referred, status: string, cause: unknown): ReadonlyArray<Event> => {
  const events: Array<Event> = [
    {
      ...{ _tag: "JobStarted", cycle: 0, program: "simulated", hash: job.genesisHash },
      seeds: job.seeds.facts.map(factOf),
      version: job.seeds.facts.length + job.seedViolations.length
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

/* ---------------------------------------------------------------- the comparison */

/** Ways in which the discarded signals of a job may be those that were sent. */
const mostWays = 64

/** Where a job and the reference differ: one line for each difference; none if they agree. */
export const compare = (whole: Case, simulated: Simulated, host: Host): ReadonlyArray<string> => {
  const first = compareWith(whole, simulated, host, 0)
  const hasUnknown = simulated.told.some(({ answer }) => answer === "unknown")
  if (first.length === 0 || !hasUnknown) return first
  for (let choice = 1; choice < mostWays; choice++) {
    if (compareWith(whole, simulated, host, choice).length === 0) return []
  }
  return first
}

/** Compares a job, given one way in which its discarded signals may be those that were sent. */
const compareWith = (whole: Case, simulated: Simulated, host: Host, choice: number): ReadonlyArray<string> => {
  const { end } = simulated
  if (simulated.broken !== undefined || end === undefined) return [simulated.broken ?? "the job has no end"]
  const { complaints, given } = givenOf(simulated, choice)
  const job = refer(whole.program, given)
  const found = [...complaints, ...job.complaints]
  const differ = (what: string, expected: unknown, actual: unknown): void => {
    const [a, b] = [text(expected), text(actual)]
    if (a !== b) found.push(`${what}: expected ${shorten(a, b)}, found ${shorten(b, a)}`)
  }
  const { error, result } = end
  const isCut = error?._tag === "JobCancelled"
  const status = isCut ? "cancelled" : job.status
  const cause = isCut ? { _tag: "JobCancelled", cycle: job.cycle } : job.cause
  simulated.rows.forEach((row, index) => {
    const expected = job.rows[index]
    if (expected === undefined) found.push(`row ${row.cycle} is one too many`)
    else differ(`row ${row.cycle}`, JSON.parse(rowTextOf(expected)), JSON.parse(row.text))
  })
  differ("rows", job.rows.length, simulated.rows.length)
  differ("status", status, result.status)
  differ("error", causeOf(cause), causeOf(withinJob(error)))
  differ("hash", job.hash, result.hash)
  compareContext(job, simulated, differ)
  compareResult(job, whole, simulated, differ)
  compareEvents(job, simulated, eventsOf(job, status, cause), differ)
  if (whole.program.isConfluent === true && status === "converged") {
    // The same signals, all at the beginning.
    const early = refer(whole.program, { ...given, signals: new Map([[1, [...given.signals.values()].flat()]]) })
    const facts = ({ context }: Referred) =>
      context.live.map(({ id, kind, text: own }) => `${kind}/${id} ${own}`).sort()
    differ("G16: facts, with all signals at the beginning", facts(early), facts(job))
  }
  return [...found, ...invariantsOf(whole, job, simulated, host)]
}

/** An error names an intent for everybody, a cause for its job. */
const withinJob = (error: End["error"]): unknown =>
  typeof error?.["key"] === "string" ? { ...error, key: error["key"].replace(/^job\//, "") } : error

type Differ = (what: string, expected: unknown, actual: unknown) => void

const compareContext = (job: Referred, simulated: Simulated, differ: Differ): void => {
  const { context } = simulated.end!.result
  const actual = context.encoded().map(({ fact, text: own }) => ({ ...fact, text: own }))
  const byPosition = <A extends { readonly provenance: { readonly version: number } }>(facts: ReadonlyArray<A>) =>
    facts.toSorted((a, b) => a.provenance.version - b.provenance.version)
  const expected = job.context.live.map((entry) => ({ ...factOf(entry), text: entry.text }))
  differ("facts", byPosition(expected), byPosition(actual))
  const evaluated = new Map(job.context.evaluations.map(({ fact }) => [`${fact.kind}/${fact.id}`, fact]))
  for (const fact of evaluated.values()) {
    const of = job.context.evaluations.filter((one) => one.fact.kind === fact.kind && one.fact.id === fact.id)
    differ(`evaluations of ${fact.kind}/${fact.id}`, of, context.evaluations(fact))
  }
}

const compareResult = (job: Referred, { program }: Case, simulated: Simulated, differ: Differ): void => {
  const { result } = simulated.end!
  const isConverged = job.status === "converged"
  differ("cycles", isConverged && result.status === "converged" ? job.cycle + 1 : job.cycle, result.cycles)
  differ("version", job.context.version, result.version)
  const { agents, contextBytes, facts, tokens } = result.usage
  const usage = { agents: job.agents, contextBytes: job.bytes, facts: job.context.facts, tokens: job.context.tokens }
  differ("usage", usage, { agents, contextBytes, facts, tokens })
  const intents = job.rows.flatMap(({ cycle, outcomes }) =>
    outcomes.flatMap(({ agent, each, effect }) =>
      (effect?.intents ?? []).map(({ kind, payload }, index) => {
        const about = each === undefined ? "" : `${JSON.stringify(each.kind)}/${each.id}`
        return { kind, payload, agent, cycle, each, index, idempotencyKey: `job/${cycle}/${agent}/${about}/${index}` }
      })
    )
  )
  differ("intents", intents, result.intents)
  const of = (diagnostic: {
    readonly cycle: number
    readonly agent: string
    readonly each?: unknown
    readonly cause: { readonly _tag: string }
  }) => {
    const { agent, cause, cycle, each } = diagnostic
    return cause._tag === "Oscillation"
      ? { cycle, cause: causeOf(cause) }
      : { cycle, agent, each, cause: causeOf(cause) }
  }
  differ("diagnostics", job.diagnostics.map(of), result.diagnostics.map(of))
  const sizes = program.kinds.map(({ name }) => [name, job.context.live.filter(({ kind }) => kind === name).length])
  differ("output", isConverged && result.status === "converged" ? sizes : undefined, result.output)
}

const compareEvents = (job: Referred, simulated: Simulated, expected: ReadonlyArray<Event>, differ: Differ): void => {
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
  // Budgets are looked at when the answers are there.
  const isEndOfWaiting = tags.length === expected.length + 2 && job.cause?.["budget"] === "cycles"
  differ("rests", expected, isEndOfWaiting ? tags.slice(0, -2) : tags)
}

/** The guarantees that are no part of the comparison. */
const invariantsOf = ({ program }: Case, job: Referred, simulated: Simulated, host: Host): ReadonlyArray<string> => {
  const found: Array<string> = []
  const { error, result } = simulated.end!
  const { maxAgents, maxContextBytes, maxCycles, maxFacts, maxTokens } = program.budget
  const { usage } = result
  const over = (name: string, used: number, limit = Infinity) => {
    if (used > limit) found.push(`G7: ${used} ${name} of ${limit}`)
  }
  if (host.thawed.length > 0) found.push(`G1: not frozen: ${host.thawed.join(", ")}`)
  over("facts", usage.facts, maxFacts)
  over("agents", usage.agents, maxAgents)
  over("tokens", usage.tokens, maxTokens)
  over("cycles", result.cycles - (result.status === "converged" ? 1 : 0), maxCycles)
  // Violations are the engine's own facts: they are written even where no agent may write any more (I2).
  const ofViolations = result.context.encoded().filter(({ fact }) => fact.kind === "Violation")
  const bytes = ofViolations.reduce((sum, { text: own }) => sum + Buffer.byteLength(own), 0)
  over("bytes", usage.contextBytes - bytes, maxContextBytes)
  if (error === undefined && result.status !== "converged") found.push("G9: an end without an error")
  if (host.running > 0) found.push(`G10: ${host.running} executions are under way after the end`)
  if (simulated.unfenced > 0) found.push("G11: a write without its fence was taken")
  if (simulated.unanswered > 0) found.push(`S4: ${simulated.unanswered} signals have no answer after the end`)
  if (simulated.liveAfter > 0) found.push("G13: the engine still holds the job")
  if (host.doubled.length > 0) found.push(`IN2: two handlers at a time for ${host.doubled.join(", ")}`)
  const keys = new Set(result.intents.map(({ idempotencyKey }) => idempotencyKey))
  for (const { key } of host.performed) if (!keys.has(key)) found.push(`IN2: ${key} was performed and not committed`)
  if (job.waiting.length === 0) {
    const performed = new Set(host.performed.map(({ key }) => key))
    for (const { idempotencyKey, kind } of result.intents) {
      const isHandled = program.handlers.some((handler) => handler.kind === kind)
      if (isHandled && !performed.has(idempotencyKey)) found.push(`IN2: ${idempotencyKey} was not performed`)
    }
  }
  return found
}

/** A text from a little before the first place where it differs from another. */
const shorten = (own: string, other: string): string => {
  let from = 0
  while (from < own.length && own[from] === other[from]) from++
  const start = Math.max(from - 60, 0)
  return `${start > 0 ? "..." : ""}${own.slice(start, start + 220)}${own.length > start + 220 ? "..." : ""}`
}
