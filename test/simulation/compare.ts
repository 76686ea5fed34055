/**
 * Compares simulated jobs with the reference: context, provenance, events, hash, result and diagnostics (G1 to G16); of child
 * jobs their rows and their ends.
 *
 * The reference is told only what the rules leave open (given.ts). Boundary: reads both, and says in words where they differ.
 * Texts of messages are not compared, since the page gives none.
 */
import { type End, type Journal, sequelJobId, type Simulated } from "../../src/testing/simulation/simulate.ts"
import { eventsOf, compareEvents, factOf } from "./events.ts"
import type { Case } from "./generate.ts"
import { childSource, emptyJournal, endedOf, givenOf, journalOf, type Source } from "./given.ts"
import { guaranteesOf } from "./guarantees.ts"
import type { Host } from "./host.ts"
import { causeOf, type Differ, shorten, text } from "./plain.ts"
import type { Beginning, Engine, Given, Standing } from "./reference/given.ts"
import { refer } from "./reference/job.ts"
import type { Referred } from "./reference/referred.ts"
import { rowTextOf } from "./reference/row.ts"
import { keyOf } from "./reference/state.ts"
import type { ProgramSpec } from "./spec.ts"

/** Ways in which the discarded signals of a job may be those that were sent. */
const mostWays = 64

/** Where jobs and the reference differ: one line for each difference; none if they agree. */
export const compare = (whole: Case, simulated: Simulated, host: Host): ReadonlyArray<string> => {
  const { sequel } = simulated
  const first = compareAnyWay(whole, simulated, host, undefined)
  if (sequel === undefined || first.length > 0) return first
  return compareAnyWay(whole, sequel, host, simulated).map((difference) => `sequel: ${difference}`)
}

const compareAnyWay = (
  whole: Case,
  simulated: Simulated,
  host: Host,
  before: Simulated | undefined
): ReadonlyArray<string> => {
  const first = compareWith(whole, simulated, host, 0, before)
  const isOpen = ({ answer, message }: Simulated["told"][number]) =>
    answer === "unknown" || message.startsWith("JobHalted")
  if (first.length === 0 || ![...simulated.told, ...(before?.told ?? [])].some(isOpen)) return first
  for (let choice = 1; choice < mostWays; choice++) {
    if (compareWith(whole, simulated, host, choice, before).length === 0) return []
  }
  return first
}

const engineOf = ({ children, limits: { maxDepth }, program: { handlers } }: Case): Engine => ({
  programs: children,
  handlers,
  maxDepth
})

const beginningOf = (whole: Case, program: ProgramSpec, standing?: Standing): Beginning => ({
  ...{ program, engine: engineOf(whole), input: null, budget: {}, handed: {}, depth: 0, standing, changed: undefined }
})

/** The version of the program in a life. */
const versionOf =
  ({ program, versions }: Case) =>
  (life: number): ProgramSpec =>
    life === 1 ? program : (versions[Math.min(life - 2, versions.length - 1)] ?? program)

/** With what a job that goes on from another begins. */
const sequelOf = (whole: Case, before: Simulated, { commits }: Simulated, host: Host, choice: number): Beginning => {
  const { program, sequel, versions } = whole
  const journal = journalOf(before, before.jobId) ?? emptyJournal(before.jobId)
  const source: Source = {
    ...{ simulated: before, host, journal, ended: endedOf(before), told: before.told, choice },
    versionOf: versionOf(whole),
    readIn: commits.find(({ cycle, jobId }) => jobId === sequelJobId && cycle === 0)?.life ?? before.lives
  }
  const { first = program, given } = givenOf(source)
  const last = versions.at(-1) ?? program
  if (sequel?.do === "fork") {
    const at = Math.min(sequel.at, journal.rows.length)
    const standing = standingAt(beginningOf(whole, first), given, at, at === journal.rows.length, last)
    return { ...beginningOf(whole, last, standing), changed: sequel.changed }
  }
  const { program: own, standing } = refer(beginningOf(whole, first), given)
  const next = sequel?.program ?? program
  return beginningOf(whole, next, { ...standing, progress: own.name === next.name ? goneOn(standing) : new Map() })
}

/** Agents that run once run once per job (GO3). */
const goneOn = ({ progress }: Standing): Standing["progress"] =>
  new Map([...progress].map(([name, own]) => [name, { ...own, hasExecuted: false }]))

/** The state of a job after a cycle, as a version of its program reads it. */
const standingAt = (beginning: Beginning, given: Given, at: number, isLast: boolean, reader: ProgramSpec): Standing => {
  const switches = given.switches.filter(({ after }) => after < at || isLast)
  const last = switches.at(-1)?.program ?? beginning.program
  const there = { ...given, cycles: at, clock: undefined, switches, reader: reader === last ? undefined : reader }
  return refer(beginning, there).standing
}

/** Compares a job, given one way in which its discarded signals may be those that were sent. */
const compareWith = (
  whole: Case,
  simulated: Simulated,
  host: Host,
  choice: number,
  before: Simulated | undefined
): ReadonlyArray<string> => {
  const { end, jobId } = simulated
  const journal = journalOf(simulated, jobId) ?? emptyJournal(jobId)
  if (simulated.broken !== undefined || end === undefined) return [simulated.broken ?? "the job has no end"]
  const { told } = simulated
  const version = before === undefined ? versionOf(whole) : undefined
  const source: Source = {
    ...{ simulated, host, journal, ended: endedOf(simulated), told, choice },
    ...{ versionOf: version, readIn: simulated.lives }
  }
  const open = givenOf(source)
  const beginning =
    before === undefined
      ? beginningOf(whole, open.first ?? whole.program)
      : sequelOf(whole, before, simulated, host, choice)
  const { given } = open
  const job = refer(beginning, given)
  const found = [...open.complaints, ...job.complaints]
  const differ: Differ = (what, expected, actual) => {
    const [a, b] = [text(expected), text(actual)]
    if (a !== b) found.push(`${what}: expected ${shorten(a, b)}, found ${shorten(b, a)}`)
  }
  const { error, result } = end
  const isCut = error?._tag === "JobCancelled"
  const status = isCut ? "cancelled" : job.status
  const cause = isCut ? { _tag: "JobCancelled", cycle: job.cycle } : job.cause
  compareRows(job, journal, differ)
  differ("status", status, result.status)
  differ("error", causeOf(cause), causeOf(withinJob(error, jobId)))
  differ("hash", job.hash, result.hash)
  compareContext(job, simulated, differ)
  compareResult(job, simulated, differ)
  compareEvents(job, simulated, eventsOf(job, status, cause), differ)
  const below = compareChildren(job, source, differ)
  if (whole.program.isConfluent === true && status === "converged") {
    // The same signals, all at the beginning.
    const early = refer(beginning, { ...given, inputs: new Map([[1, [...given.inputs.values()].flat()]]) })
    const facts = ({ context }: Referred) =>
      context.live.map(({ id, kind, text: own }) => `${kind}/${id} ${own}`).sort()
    differ("G16: facts, with all signals at the beginning", facts(early), facts(job))
  }
  const keys = [...below, ...intentsOf(job).map(({ key }) => `${jobId}/${key}`)]
  return [...found, ...guaranteesOf({ whole, job, simulated, host, keys })]
}

const compareRows = (job: Referred, { rows }: Journal, differ: Differ): void => {
  rows.forEach((row, index) => {
    const expected = job.rows[index]
    if (expected === undefined) differ(`row ${row.cycle}`, undefined, JSON.parse(row.text))
    else differ(`row ${row.cycle}`, JSON.parse(rowTextOf(expected)), JSON.parse(row.text))
  })
  differ("rows", job.rows.length, rows.length)
}

/** Compares the journals of child jobs. Returns the keys of their intents. */
const compareChildren = (job: Referred, parent: Source, differ: Differ): ReadonlyArray<string> =>
  [...job.children].flatMap(([key, beginning]) => {
    const { journal: above, simulated } = parent
    const childId = `${above.jobId}/${key}`
    const journal = journalOf(simulated, childId)
    // An intent that waits for its turn when its job ends has not begun its child.
    if (journal === undefined) return []
    const about: Differ = (what, expected, actual) => differ(`${childId}: ${what}`, expected, actual)
    const source = childSource(parent, key, journal)
    const open = givenOf(source)
    const child = refer(beginning, open.given)
    about("complaints", [], [...open.complaints, ...child.complaints])
    compareRows(child, journal, about)
    about("hash", child.hash, journal.hash)
    // The end of its parent cancels a child whose end is not written, and whose answer nobody has taken.
    const isCut = child.status === "stopped" || (journal.status === "cancelled" && !hasAnswered(job, key))
    // A store that fails when the child ends leaves it unfinished, also where its parent was told.
    const hasNoEnd = journal.status === undefined || journal.status === "cancelled"
    const isUnwritten = hasNoEnd && child.status !== "stopped" && simulated.met.length > 0
    if (!isUnwritten) about("status (CH6)", isCut ? "cancelled" : child.status, journal.status)
    const below = compareChildren(child, source, differ)
    return [...below, ...intentsOf(child).map((intent) => `${childId}/${intent.key}`)]
  })

const hasAnswered = ({ rows }: Referred, key: string): boolean =>
  rows.some(({ signals }) => signals.some(({ answers }) => answers?.key === key))

/** An error names an intent for everybody, a cause for its job. */
const withinJob = (error: End["error"], jobId: string): unknown =>
  typeof error?.["key"] === "string" && error["key"].startsWith(`${jobId}/`)
    ? { ...error, key: error["key"].slice(jobId.length + 1) }
    : error

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

const compareResult = (job: Referred, simulated: Simulated, differ: Differ): void => {
  const { result } = simulated.end!
  const isConverged = job.status === "converged"
  differ("cycles", isConverged && result.status === "converged" ? job.cycle + 1 : job.cycle, result.cycles)
  differ("version", job.context.version, result.version)
  const { agents, byAgent, contextBytes, cost, facts, tokens } = result.usage
  const usage = { agents: job.agents, contextBytes: job.bytes, facts: job.own.facts, tokens: job.own.tokens }
  differ("usage", { ...usage, cost: job.own.cost }, { agents, contextBytes, facts, tokens, cost })
  const paid = job.paid.filter(([, ...amounts]) => amounts.some((amount) => amount > 0))
  differ("cost by agent", costBy(paid), costBy(Object.entries(byAgent).map(([agent, own]) => [agent, 0, own.cost])))
  const intents = intentsOf(job).map((intent) => ({ ...intent, idempotencyKey: `${simulated.jobId}/${intent.key}` }))
  differ("intents", intents.map(withoutKey), result.intents)
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
  differ("output", isConverged && result.status === "converged" ? job.sizes : undefined, result.output)
}

const withoutKey = ({ key: _key, ...intent }: ReturnType<typeof intentsOf>[number]) => intent

const costBy = (sums: ReadonlyArray<readonly [string, number, number]>) =>
  Object.fromEntries(sums.filter(([, , cost]) => cost > 0).map(([agent, , cost]) => [agent, cost]))

/** The intents of a job, in commit order. */
const intentsOf = ({ rows }: Referred) =>
  rows.flatMap(({ cycle, outcomes }) =>
    outcomes.flatMap(({ agent, each, effect }) =>
      (effect?.intents ?? []).map(({ kind, payload }, index) => {
        return { kind, payload, agent, cycle, each, index, key: keyOf(cycle, agent, each, index) }
      })
    )
  )
