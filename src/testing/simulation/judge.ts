/**
 * Compares a simulated run of a user's program with the plain one.
 *
 *     a run like any other       ──► the same journal, hash, events and result
 *     a run with signals         ──► the same end, and the same facts at the fixed point, if there is one
 *     a run that was cancelled,
 *     or that a clock ended      ──► the same up to there
 *
 * Boundary: two runs in, the first difference out. Why they differ is for simulate.ts to say.
 */
import type { JobError } from "../../outcome/JobError.ts"
import type { FactRef } from "../../program/Fact.ts"
import { compiledOf } from "../../program/erased.ts"
import type { Program } from "../../program/Program.ts"
import type { Arrival } from "../arrivalOrders.ts"
import { factDifference } from "../arrivals.ts"
import { differenceOf, placeOf, type RunDifference, wordsOf } from "../differences.ts"
import { type ChildRecord, type JobEnd, recordFrom, type RunRecord } from "../runs.ts"
import type { SimulationFailed } from "../simulationReport.ts"
import type { Simulated } from "./simulated.ts"

/** The first difference of a run from the plain one. */
export interface Finding {
  readonly what: SimulationFailed["what"]
  readonly agent: string
  /** The id of the child job in which it lies, without that of the job at the top; "" for that job. */
  readonly child: string
  /** The fact that the task was about. */
  readonly each: FactRef | undefined
  readonly fact: FactRef | undefined
  readonly cycle: number
  readonly expected: unknown
  readonly found: unknown
  readonly message: string
  /** Whether it lies in what a handler did, or in the answer to an intent, and not in an effect of the agent. */
  readonly isOfHandler?: boolean
}

const rests: ReadonlyArray<string> = ["JobPaused", "JobAwaiting", "JobResumed"]

/** A run as text. Rests are left out, since callers and handlers decide when a job rests, and so are numbers of events. */
export const recordOfRun = (run: Simulated): RunRecord | undefined => {
  const { beginning, end, events, jobId, journals, rows, waitsFor } = run
  if (end === undefined) return undefined
  // The error is the one of `job.result`, which has a partial result.
  const job: JobEnd = end.error === undefined ? end.result : (end.error as unknown as JobError)
  return recordFrom(job, {
    rows: beginning === "" ? [] : [beginning, ...rows.map(({ text }) => text)],
    children: new Map(
      journals.flatMap((journal): ReadonlyArray<[string, ChildRecord]> => {
        const { program } = journal
        const texts = [journal.beginning, ...journal.rows.map(({ text }) => text)]
        return journal.jobId === jobId ? [] : [[journal.jobId, { program, rows: texts }]]
      })
    ),
    events: events.filter(({ _tag }) => !rests.includes(_tag)).map(({ seq: _seq, ...event }) => event),
    waitsFor
  })
}

/**
 * How far a run that was stopped must be like the plain one: its whole journal, or all but its last cycle. Undefined for a run
 * that went on.
 */
const stopOf = (
  plain: RunRecord,
  { blamed, error }: RunRecord,
  { isCancelled, lives }: Simulated
): Stop | undefined => {
  if (isCancelled && error === "JobCancelled") return "whole"
  if (error !== "BudgetExhausted") return undefined
  // Clocks are not the same in two runs.
  if (blamed === "duration" || blamed === "cpuTime") return "whole"
  if (blamed !== "tokens" && blamed !== "cost") return undefined
  // An agent that runs again, because its process died, pays again. Who comes too late for the last room is open.
  return lives > 1 || plain.blamed === blamed ? "all but the last" : undefined
}

type Stop = "whole" | "all but the last"

/** A program, and those of its child jobs. */
export interface Judged {
  readonly program: Program.Any
  readonly children: ReadonlyArray<Program.Any>
}

/** The difference of a run from the plain one, if it has one. `hasSignals`: only its facts are compared. */
export const judge = (judged: Judged, plain: RunRecord, run: Simulated, hasSignals: boolean): Finding | undefined => {
  const record = recordOfRun(run)
  if (record === undefined) return unended(plain, run)
  // A job that ends as it begins needs no journal, and has none if the store refuses it.
  const expected = record.rows.length === 0 ? { ...plain, rows: [] } : plain
  // An agent that pays for a call, and runs again because its process died, pays twice.
  const difference = differenceOf(run.lives === 1 ? expected : { ...expected, bill: record.bill }, record)
  if (difference === undefined) return undefined
  const stop = stopOf(plain, record, run)
  if (hasSignals && stop !== undefined) return undefined
  if (hasSignals) return factFinding(judged.program, plain, record)
  return stop === undefined ? finding(judged, plain, record, difference) : stoppedFinding(judged, plain, record, stop)
}

const nowhere = { agent: "", child: "", each: undefined, fact: undefined, cycle: 0 }

const endOf = ({ error, status }: RunRecord): string => error ?? status

const because = (message: string): string => (message === "" ? "" : `: ${message}`)

const unended = (plain: RunRecord, { broken = "", open }: Simulated): Finding => {
  const [first] = open
  const message = `the run comes to no end: ${broken}${first === undefined ? "" : `, and ${first.label} still waits`}`
  return {
    ...nowhere,
    agent: first?.agent ?? "",
    what: "end",
    expected: endOf(plain),
    found: broken,
    message
  }
}

/** The difference of a run that was stopped from the plain run as far as it went. */
const stoppedFinding = (judged: Judged, plain: RunRecord, record: RunRecord, stop: Stop): Finding | undefined => {
  const isWhole = stop === "whole"
  const count = Math.min(record.rows.length - (isWhole ? 0 : 1), plain.rows.length)
  const before = record.events.filter((event) => !event.startsWith(`{"_tag":"JobHalted"`))
  const length = isWhole ? Math.min(before.length, plain.events.length - 1) : 0
  const upTo = ({ events, rows }: Pick<RunRecord, "events" | "rows">): RunRecord => {
    return { ...record, rows: rows.slice(0, count), events: events.slice(0, length) }
  }
  const difference = differenceOf(upTo(plain), upTo({ rows: record.rows, events: before }))
  return difference && finding(judged, record, record, difference)
}

const finding = (
  { children, program }: Judged,
  plain: RunRecord,
  record: RunRecord,
  difference: RunDifference
): Finding => {
  const { expected, found, what } = difference
  const at = placeOf(program, children, record.of.jobId, difference)
  const { agent, child, cycle, each, fact, isAnswer } = at
  const where = { agent, child, each, fact, cycle, isOfHandler: isAnswer || record.error === "IntentFailed" }
  const place = difference.cycle === null ? "" : ` in cycle ${cycle}`
  const name = what === "cycle" ? "journal" : what
  const { named, who } = wordsOf(at, `the ${name}`)
  if (endOf(plain) !== endOf(record)) {
    const ends = `the job ends with ${endOf(record)}, not with ${endOf(plain)}${because(record.message || plain.message)}`
    const blamed = agent === "" ? record.blamed || plain.blamed : agent
    const message = agent === "" ? ends : `${ends}; ${who} is the first that differs${place}`
    return { ...where, agent: blamed, what: "end", expected: endOf(plain), found: endOf(record), message }
  }
  const message = agent === "" ? `${who} is another one${place}` : `${who} gives two things${named}${place}`
  return { ...where, what: name, expected, found, message }
}

const factFinding = (program: Program.Any, plain: RunRecord, record: RunRecord): Finding | undefined => {
  if (endOf(plain) !== endOf(record)) {
    const message = `the job ends with ${endOf(record)}, not with ${endOf(plain)}${because(record.message || plain.message)}`
    const agent = record.blamed || plain.blamed
    const isOfHandler = record.error === "IntentFailed"
    return { ...nowhere, agent, what: "end", expected: endOf(plain), found: endOf(record), message, isOfHandler }
  }
  // How far a job gets that fails depends on when the facts come that it fails for.
  if (plain.error !== undefined) return undefined
  const order: Arrival = { name: "by the seed", parts: [], isEarly: false, what: "seeds and signals" }
  const difference = factDifference(compiledOf(program), plain.of.context, order, record.of.context)
  if (difference === undefined) return undefined
  const { agent, cycle, expected, fact, found, message } = difference
  return { what: "facts", agent, child: "", each: undefined, fact, cycle, expected, found, message }
}
