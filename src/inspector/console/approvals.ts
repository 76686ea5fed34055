/**
 * The questions to humans: the open approvals, of one job or of all, and the answers to them.
 *
 * Boundary: asks and answers. Which answer is valid the server decides.
 */
import { batch, effect, signal } from "@preact/signals"
import { tokenName } from "./access.ts"
import { type Answer, ask, ofJob, type Problem, queryOf } from "./api.ts"
import { sinceBegin } from "./clock.ts"
import { ended } from "./jobStore.ts"
import { kept } from "./kept.ts"
import type { Diagnosis } from "./shapes.ts"

/** An approval that is open. `since` is in milliseconds since the epoch; `timeoutMs` is from then. */
export interface Approval {
  readonly jobId: string
  readonly program: string
  /** The name of the approval within its job. */
  readonly id: string
  readonly question: string | null
  readonly data: unknown
  /** Characters of the data's JSON, where the server cut it. */
  readonly length?: number
  readonly since: number
  readonly timeoutMs: number | null
}

const keptName = kept("localStorage", "converge-name")

/** The name under which the viewer decides on a server without tokens. It stays in this browser. */
export const myName = signal(keptName.read())

effect(() => keptName.write(myName.value))

export type Decision = "approve" | "reject"

/** The questions of the page in sight, and the ways to the pages around it. */
export const approvals = signal<ReadonlyArray<Approval>>([])
export const previous = signal<string | null>(null)
export const next = signal<string | null>(null)

/** How many questions are open. `isAll`: false if there may be more. Undefined: the page in sight has all of them. */
export const counted = signal<{ readonly count: number; readonly isAll: boolean } | undefined>(undefined)

/** A place of the list: the page after it, or before it. */
type Place = { readonly cursor: string } | { readonly before: string }

/** The page that was chosen, and of which job. Undefined: the first page. */
let chosen: { readonly jobId: string | undefined; readonly place: Place } | undefined

/** A question that the viewer answered too late, and what had become of it. */
export interface Late {
  readonly approval: Approval
  readonly problem: Problem
  /** The note that the viewer had written. */
  readonly note: string
}

export const late = signal<ReadonlyArray<Late>>([])

/** Tuning: late answers that the page tells of. */
const mostLate = 3

/** Takes note of a late answer away. */
export const dismiss = (one: Late): void => {
  late.value = late.value.filter((other) => other !== one)
}

export const keyOf = ({ id, jobId }: Approval): string => `${jobId}\n${id}`

/** The notes that the viewer has begun, by question. They outlive a card that goes and comes back. */
const notes = new Map<string, string>()

export const noteOf = (approval: Approval): string => notes.get(keyOf(approval)) ?? ""

export const keepNote = (approval: Approval, text: string): void =>
  void (text === "" ? notes.delete(keyOf(approval)) : notes.set(keyOf(approval), text))

/** The question in whose form the viewer is. */
let held: string | undefined

export const hold = (approval: Approval | undefined): void => void (held = approval && keyOf(approval))

/** The questions to which the viewer's own answer is under way. */
const deciding = new Set<string>()

/**
 * A question that is no longer open, and that the viewer was about to answer. Its card stays where it was until the viewer closes
 * it. `became`: what had become of it, when that is known.
 */
export interface Gone {
  readonly approval: Approval
  readonly place: number
  readonly became: Problem | undefined
}

export const gone = signal<ReadonlyArray<Gone>>([])

export const close = (approval: Approval): void => {
  gone.value = gone.value.filter((one) => keyOf(one.approval) !== keyOf(approval))
  keepNote(approval, "")
}

/** The problem that an answer would meet now. Undefined: the question is still open, on another page. */
const becameOf = async ({ id, jobId }: Approval): Promise<Problem | undefined> => {
  const problem = { status: 409, title: "The question is no longer open", detail: "" }
  const open = await ask<Page>(ofJob(jobId, "/approvals?limit=1000&valueLength=0"))
  if (open?.ok === true && open.value.approvals.some((other) => other.id === id)) return undefined
  if (open?.ok === false) return { ...problem, ...(open.problem.name === undefined ? {} : { name: open.problem.name }) }
  const found = await ask<Diagnosis>(ofJob(jobId, "/diagnosis"))
  const decision = found?.ok === true ? found.value.decisions.findLast(({ approval }) => approval === id) : undefined
  if (decision !== undefined) {
    const { approved, by, cycle, reason } = decision
    return { ...problem, decided: { approved, by, cycle, note: reason } }
  }
  const job = await ask<{ readonly state: string }>(ofJob(jobId, "?brief=true&valueLength=0&limit=1"))
  const jobStatus = job?.ok === true ? job.value.state : ""
  return ended.has(jobStatus) ? { ...problem, name: "JobHalted", jobStatus } : problem
}

/** Keeps the cards that the viewer was about to answer, of those that are there no more. */
const keepGone = (before: ReadonlyArray<Approval>, found: ReadonlyArray<Approval>): void => {
  const open = new Set(found.map(keyOf))
  before.forEach((approval, place) => {
    const key = keyOf(approval)
    const isBegun = key === held || noteOf(approval).trim() !== ""
    if (!isBegun || open.has(key) || deciding.has(key)) return
    gone.value = [...gone.value.filter((one) => keyOf(one.approval) !== key), { approval, place, became: undefined }]
    void becameOf(approval).then((became) => {
      gone.value = gone.value.flatMap((one) =>
        one.approval !== approval ? [one] : became === undefined ? [] : [{ ...one, became }]
      )
    })
  })
}

/** Characters of data that come by themselves. */
const dataLength = 4_000

/** A way to the whole data of an approval. */
export const wholeData =
  ({ id, jobId }: Approval) =>
  async (): Promise<Answer<unknown> | undefined> => {
    const answer = await ask<{ readonly approvals: ReadonlyArray<Approval> }>(ofJob(jobId, "/approvals?limit=1000"))
    if (answer?.ok !== true) return answer
    const found = answer.value.approvals.find((approval) => approval.id === id)
    const problem = { status: 404, title: "This question is no longer open", detail: "" }
    return found === undefined ? { ok: false, problem } : { ok: true, value: found.data }
  }

interface Page {
  readonly approvals: ReadonlyArray<Approval>
  readonly cursor: string | null
  readonly previous: string | null
}

const pageSize = 20

/** Tuning: questions up to which they are counted, and the time between two counts. */
const mostCounted = 1_000
const countMs = 10_000

/** Tuning: empty pages that are read on by themselves. A server looks at some jobs for one page, and may find none that waits. */
const mostEmpty = 5

const fetchPage = (jobId: string | undefined, place: Place | undefined, abort: AbortSignal) => {
  const query = queryOf({ limit: pageSize, valueLength: dataLength, ...place })
  return jobId === undefined
    ? ask<Page>(`approvals${query}`, { signal: abort })
    : ask<Page>(ofJob(jobId, `/approvals${query}`), { signal: abort })
}

let countedAt = -Infinity
let countedOf: string | undefined

/** Counts the questions where one page does not have them all. An answer to one of them asks for a new count. */
const count = async (jobId: string | undefined, abort: AbortSignal): Promise<void> => {
  if (next.value === null && previous.value === null) {
    counted.value = undefined
    countedAt = -Infinity
    return
  }
  if (countedOf === jobId && sinceBegin() - countedAt < countMs) return
  if (countedOf !== jobId) counted.value = undefined
  countedOf = jobId
  countedAt = sinceBegin()
  const query = queryOf({ limit: mostCounted, valueLength: 0 })
  const answer = await ask<Page>(jobId === undefined ? `approvals${query}` : ofJob(jobId, `/approvals${query}`), {
    signal: abort
  })
  if (answer?.ok !== true || countedOf !== jobId) return
  counted.value = { count: answer.value.approvals.length, isAll: answer.value.cursor === null }
}

/** The job whose questions are here; undefined: those of all jobs. */
let shownOf: string | undefined

/** Forgets the page and the count of other questions than those that are asked for. */
const begin = (jobId: string | undefined): void => {
  if (shownOf === jobId) return
  shownOf = jobId
  batch(() => {
    approvals.value = approvals.peek().filter((approval) => jobId === undefined || approval.jobId === jobId)
    next.value = null
    previous.value = null
    counted.value = undefined
  })
}

/** Asks for the page in sight. A page without questions is passed over: onwards, or else back. */
export const fetchApprovals = async (jobId: string | undefined, abort: AbortSignal): Promise<void> => {
  begin(jobId)
  if (chosen !== undefined && chosen.jobId !== jobId) chosen = undefined
  const from = chosen
  let place = from?.place
  for (let empty = 0; empty <= mostEmpty; empty++) {
    const answer = await fetchPage(jobId, place, abort)
    if (answer?.ok !== true || from !== chosen) return
    const { approvals: found, cursor, previous: back } = answer.value
    const isBack = place !== undefined && "before" in place
    const beyond = isBack ? back : cursor
    if (found.length > 0 || beyond === null || empty === mostEmpty) {
      batch(() => {
        keepGone(approvals.peek(), found)
        approvals.value = found
      })
      next.value = cursor
      previous.value = back
      // All questions of a later page were answered meanwhile.
      if (found.length === 0 && beyond === null) chosen = undefined
      return count(jobId, abort)
    }
    place = isBack ? { before: beyond } : { cursor: beyond }
  }
}

/** Goes to another page of the questions. */
export const turnTo = (jobId: string | undefined, place: Place, abort: AbortSignal): Promise<void> => {
  chosen = { jobId, place }
  return fetchApprovals(jobId, abort)
}

/** Problems that say that the question is no longer open. */
const isOver = ({ decided, name }: Problem): boolean =>
  decided !== undefined || name === "JobHalted" || name === "UnknownJob" || name === "SignalRefused"

/** Answers an approval. Returns the problem if the answer can be given again; a question that is no longer open goes away. */
export const decide = async (approval: Approval, decision: Decision, note: string): Promise<Problem | undefined> => {
  const { id, jobId } = approval
  // Where the server has tokens, it is the token that decides.
  const by = tokenName.peek() === undefined ? myName.peek().trim() : ""
  deciding.add(keyOf(approval))
  const answer = await ask(ofJob(jobId, "/approvals"), {
    method: "POST",
    body: { approval: id, decision, ...(note === "" ? {} : { note }), ...(by === "" ? {} : { by }) }
  })
  deciding.delete(keyOf(approval))
  if (answer === undefined) return undefined
  if (!answer.ok) {
    const { problem } = answer
    if (!isOver(problem)) return problem
    late.value = [...late.value, { approval, problem, note }].slice(-mostLate)
  }
  keepNote(approval, "")
  approvals.value = approvals.value.filter((other) => other.id !== id || other.jobId !== jobId)
  countedAt = -Infinity
  return undefined
}
