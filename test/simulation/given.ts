/**
 * The choices that the rules leave open in a simulated job, as its journal, its callers and its host tell them.
 *
 * Boundary: reads a simulated job. The reference complains of what the rules do not allow.
 */
import type { Journal, Simulated, Told } from "../../src/testing/simulation/simulate.ts"
import { beginningMs } from "../../src/testing/simulation/World.ts"
import { approvalKind, childKind } from "./behave.ts"
import type { Host } from "./host.ts"
import { text } from "./plain.ts"
import { nothingGiven } from "./reference/answers.ts"
import type { Given, Input, Refused, Sum, Switch } from "./reference/given.ts"
import { type Cause, keyOf, type Ref } from "./reference/state.ts"
import type { Payload, ProgramSpec, Proposed } from "./spec.ts"
import { nameOf } from "./till.ts"

type Fields = Readonly<Record<string, unknown>>

interface RowText {
  readonly signals: ReadonlyArray<StoredSignal>
  readonly outcomes: ReadonlyArray<{
    readonly agent: string
    readonly each?: readonly [string, string]
    readonly intents?: ReadonlyArray<{ readonly payload: Payload }>
  }>
}

interface StoredSignal {
  readonly answers?: {
    readonly kind: string
    readonly agent: string
    readonly cycle: number
    readonly each?: readonly [string, string]
    readonly index: number
  }
  readonly discarded?: string
  readonly facts?: ReadonlyArray<Proposed>
}

interface ExtraText {
  readonly at: number
  readonly signals?: ReadonlyArray<0 | { readonly cause?: Fields }>
  readonly outcomes?: ReadonlyArray<0 | { readonly tokens?: number; readonly cause?: Fields }>
  readonly halt?: unknown
  readonly spent?: ReadonlyArray<Sum>
}

interface EndText {
  readonly cause: Fields | null
  readonly usage: Usage
}

/** How a job ended, as its journal, its caller or its parent was told. */
export interface Ended {
  readonly status: Journal["status"]
  readonly cause: Fields | undefined
  readonly usage: Usage | undefined
}

interface Usage {
  readonly byAgent: Readonly<Record<string, { readonly tokens: number; readonly cost: number }>>
}

/** A job whose journal is read. */
export interface Source {
  readonly simulated: Simulated
  readonly host: Host
  readonly journal: Journal
  readonly ended: Ended
  /** The answers that its callers got; a child has no callers. */
  readonly told: ReadonlyArray<Told>
  /** The number of the way, of which each discarded signal takes a part. */
  readonly choice: number
  /** The version of the program in a life; undefined: all lives have one. */
  readonly versionOf: ((life: number) => ProgramSpec) | undefined
  /** The life in which somebody reads the ended job. */
  readonly readIn: number
}

/** The end of a job that its caller was told of. A store that refused the end changes nothing of it. */
export const endedOf = ({ end }: Simulated): Ended => ({
  status: end?.result.status,
  cause: end?.error,
  usage: end?.result.usage
})

/** The end of a child: in its journal, or else as its parent was told. */
export const childEnd = (parent: Journal, key: string, { end, status }: Journal): Ended => {
  const told = answerOf(parent, key)
  // The store refused the end that the parent was told of, and the end of the parent cancelled what was unfinished.
  const isOther = status === "cancelled" && told.status !== undefined && told.cause?.["_tag"] !== "JobCancelled"
  if (end === undefined || isOther) return { ...told, usage: undefined }
  const { cause, usage } = JSON.parse(end) as EndText
  return { status, cause: cause ?? undefined, usage }
}

/** The journal of a job that ended with its seeds, and whose journal the store refused. */
export const emptyJournal = (jobId: string): Journal => ({
  ...{ jobId, program: "", status: undefined, hash: "", beginning: "", rows: [], end: undefined }
})

/** The journal of a job. */
export const journalOf = ({ journals }: Simulated, jobId: string): Journal | undefined =>
  journals.find((journal) => journal.jobId === jobId)

const refOf = (each: readonly [string, string] | undefined): Ref | undefined =>
  each === undefined ? undefined : { kind: each[0], id: each[1] }

const proposalsOf = ({ proposals }: Told): ReadonlyArray<Proposed> => proposals as ReadonlyArray<Proposed>

/** Whether a signal in a row is the decision of an approval whose time was over. A discarded decision of a caller answers nothing. */
const isTimeout = ({ answers, discarded, facts = [] }: StoredSignal): boolean => {
  if (answers?.kind !== approvalKind) return false
  const [fact] = facts
  return discarded !== undefined || (fact?.value as unknown as Fields | undefined)?.["by"] === "timeout"
}

/** The time at which an approval's time is over, in milliseconds since the epoch. */
const overAt = (rows: Journal["rows"], { agent, cycle, each, index }: NonNullable<StoredSignal["answers"]>): number => {
  const asked = rows[cycle - 1]
  if (asked === undefined) return Infinity
  const { outcomes } = JSON.parse(asked.text) as RowText
  const outcome = outcomes.find((one) => one.agent === agent && text(one.each) === text(each))
  return extraOf(asked).at + (outcome?.intents?.[index]?.payload.timeoutMs ?? Infinity)
}

/** The signals of each cycle, as the rows have them. A discarded one is known by what its sender was told. */
const inputsOf = ({ choice, journal: { rows }, told: all }: Source) => {
  const complaints: Array<string> = []
  let rest = choice
  const inputs = new Map<number, ReadonlyArray<Input>>()
  const answered = new Set<number>()
  const told = all.filter(({ answer }) => answer === "committed" || answer === "discarded")
  const inOrder = told.toSorted((a, b) => a.place - b.place)
  const unknown = all.filter(({ answer }) => answer === "unknown")
  for (const { cycle, text: row } of rows) {
    const found: Array<Input> = []
    for (const signal of (JSON.parse(row) as RowText).signals) {
      const { answers } = signal
      if (answers !== undefined && answers.kind !== approvalKind) {
        answered.add(cycle)
        continue
      }
      const untilMs = answers === undefined ? Infinity : overAt(rows, answers)
      if (answers !== undefined && isTimeout(signal)) {
        if (extraOf(rows[cycle - 1]!).at < untilMs) complaints.push(`cycle ${cycle}: a time was over too early (AP4)`)
        found.push({ expired: keyOf(answers.cycle, answers.agent, refOf(answers.each), answers.index) })
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
      const isLate = (sent: Told | undefined) => sent !== undefined && beginningMs + sent.at > untilMs
      if (isTold && way === 0) {
        if (isLate(next)) complaints.push(`cycle ${cycle}: a decision came after its time, and counts (AP4)`)
        inOrder.shift()
        found.push({ signal: proposalsOf(next) })
        continue
      }
      const place = facts === undefined ? way - (isTold ? 1 : 0) : unknown.findIndex(isIt)
      const [lost] = place < 0 ? [] : unknown.splice(place, 1)
      if (lost === undefined)
        complaints.push(`cycle ${cycle} admitted a signal that nobody sent, or in another order (S2)`)
      else found.push({ signal: proposalsOf(lost) })
    }
    inputs.set(cycle, found)
  }
  for (const { answer, proposals } of inOrder)
    complaints.push(`signal ${text(proposals)} was ${answer}, and no row has it (S4)`)
  return { inputs, answered, complaints, unknown, rest }
}

const fieldsOfCause = ["_tag", "cycle", "budget", "used", "limit", "spender", "children", "isHandedDown"]

const causeIn = (fields: Fields): Cause =>
  Object.fromEntries(
    fieldsOfCause.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]]))
  ) as Cause

const isMoney = (cause: Fields | undefined): boolean =>
  cause?.["_tag"] === "BudgetExhausted" && (cause["budget"] === "cost" || cause["budget"] === "tokens")

const extraOf = ({ extra }: { readonly extra: string }): ExtraText => JSON.parse(extra) as ExtraText

/** The sums that agents had paid after each cycle, and at the end: then without the tokens of committed effects. */
const paidBy = ({ rows }: Journal, usage: Usage | undefined): Given["paid"] => {
  const reported = new Map<string, number>()
  for (const row of rows) {
    const { outcomes } = JSON.parse(row.text) as RowText
    extraOf(row).outcomes?.forEach((outcome, place) => {
      const agent = outcomes[place]?.agent ?? ""
      if (outcome !== 0) reported.set(agent, (reported.get(agent) ?? 0) + (outcome.tokens ?? 0))
    })
  }
  const last = Object.entries(usage?.byAgent ?? {}).map(([agent, { cost, tokens }]): Sum => [
    agent,
    tokens - (reported.get(agent) ?? 0),
    cost
  ])
  const inRow = (cycle: number) => (rows[cycle - 1] === undefined ? [] : (extraOf(rows[cycle - 1]!).spent ?? []))
  return (cycle) => (cycle <= rows.length ? inRow(cycle) : usage === undefined ? inRow(rows.length) : last)
}

/** The tasks that had no room, and their outcomes. */
const refusedBy = ({ host: { till }, journal: { jobId, rows }, simulated }: Source): Given["refused"] => {
  return (cycle, agent, each): Refused | undefined => {
    const row = rows[cycle - 1]
    if (row === undefined) return undefined
    const { outcomes } = JSON.parse(row.text) as RowText
    const place = outcomes.findIndex((one) => one.agent === agent && text(refOf(one.each)) === text(each))
    const extra = extraOf(row).outcomes?.[place]
    const cause = extra === undefined || extra === 0 ? undefined : extra.cause
    const name = nameOf({ job: jobId, cycle, agent, each: each?.id ?? "" })
    const last = till.lastOf(name)
    if (isMoney(cause)) {
      const { budget, spender } = cause as { readonly budget: "tokens" | "cost"; readonly spender: string }
      const life = simulated.commits.find((commit) => commit.jobId === jobId && commit.cycle === cycle)?.life
      const isOut = last?.state === "refused" || till.started.get(name) !== life
      // The tokens that an effect reports may cross the limit, too: that is for the reference to say.
      if (budget === "cost" || spender !== agent || isOut) return { budget, spender }
    }
    return last?.state === "refused" && last.catches ? "does without" : undefined
  }
}

/** The versions that went on, and that of the last reader. */
const switchesOf = ({ journal: { jobId }, readIn, simulated, versionOf }: Source) => {
  if (versionOf === undefined) return { first: undefined, switches: [], reader: undefined }
  const isOwn = (note: { readonly jobId: string }) => note.jobId === jobId
  const begun = simulated.commits.find((commit) => isOwn(commit) && commit.cycle === 0)
  const first = versionOf(begun?.life ?? simulated.lives)
  const switches = simulated.rebases
    .filter((rebase) => isOwn(rebase) && rebase.life <= readIn)
    .map(({ cycle, life }): Switch => ({ after: cycle - 1, program: versionOf(life) }))
  const last = switches.at(-1)?.program ?? first
  const reader = versionOf(readIn)
  return { first, switches, reader: reader === last ? undefined : reader }
}

export interface Open {
  readonly given: Given
  readonly complaints: ReadonlyArray<string>
  /** The version of the program with which the job began. */
  readonly first: ProgramSpec | undefined
}

/** The open choices of a job. */
export const givenOf = (source: Source): Open => {
  const { ended, journal, simulated, told } = source
  const { answered, complaints, inputs, rest, unknown } = inputsOf(source)
  const { cause: error } = ended
  const budget = error?.["_tag"] === "BudgetExhausted" ? error["budget"] : undefined
  if (budget === "cycles" || budget === "agents") {
    // A signal that waits wants a cycle, which the budget does not allow: the job ends, and the signal with it.
    const refused = told.filter(({ message }) => message.startsWith("JobHalted"))
    // Nobody knows whether a signal had come whose sender was told nothing.
    const late = [refused.length > 0 ? refused : unknown, [], [...refused, ...unknown]][rest % 3] ?? []
    if (late.length > 0)
      inputs.set(
        journal.rows.length + 1,
        late.map((one) => ({ signal: proposalsOf(one) }))
      )
  }
  const isClock = budget === "duration" || budget === "cpuTime"
  const isStopped = ended.status === undefined || ended.status === "cancelled" || isClock
  const last = journal.rows.at(-1)
  const halt = last === undefined ? undefined : extraOf(last).halt
  const halting = Array.isArray(halt) ? undefined : (halt as { readonly cause?: Fields } | undefined)?.cause
  const { first, reader, switches } = switchesOf(source)
  const given: Given = {
    ...{ inputs, answered, switches, reader },
    cycles: isStopped ? journal.rows.length : Infinity,
    isCancelled: ended.status === "cancelled",
    clock: isClock && error !== undefined ? causeIn(error) : undefined,
    lateCycle: budget === "cycles" || budget === "agents" ? journal.rows.length + 1 : undefined,
    paid: paidBy(journal, ended.usage),
    refused: refusedBy(source),
    overspent: isMoney(halting) && halting !== undefined ? causeIn(halting) : undefined,
    child: (key) => {
      const child = journalOf(simulated, `${journal.jobId}/${key}`)
      // A child that ended with its seeds, and whose journal the store refused, has an end all the same.
      if (child === undefined)
        return { given: { ...nothingGiven, cycles: Infinity }, error: answerOf(journal, key).cause }
      const { given } = givenOf(childSource(source, key, child))
      return { given, error: answerOf(journal, key).cause }
    }
  }
  return { given, complaints, first }
}

/** The source of what is given of a child. */
export const childSource = ({ host, journal, simulated }: Source, key: string, child: Journal): Source => ({
  ...{ simulated, host, journal: child, ended: childEnd(journal, key, child) },
  ...{ told: [], choice: 0, versionOf: undefined, readIn: simulated.lives }
})

/** The answer of a child, as its parent's row has it. */
const answerOf = ({ rows }: Journal, key: string): Pick<Ended, "status" | "cause"> => {
  for (const row of rows) {
    for (const [place, { answers, facts }] of (JSON.parse(row.text) as RowText).signals.entries()) {
      if (answers?.kind !== childKind) continue
      if (keyOf(answers.cycle, answers.agent, refOf(answers.each), answers.index) !== key) continue
      const result = facts?.find(({ kind }) => kind === "ChildResult")?.value as unknown as Fields | undefined
      if (result !== undefined)
        return { status: result["status"] as Ended["status"], cause: (result["error"] as Fields | null) ?? undefined }
      const extra = extraOf(row).signals?.[place]
      const cause = extra === undefined || extra === 0 ? undefined : (extra.cause?.["error"] as Fields | undefined)
      return { status: "failed", cause }
    }
  }
  return { status: undefined, cause: undefined }
}
