/**
 * What waits for a human: the open approvals, of one job or of all, and the answers to them.
 *
 * Boundary: asks and answers. Which answer is valid the server decides.
 */
import { signal } from "@preact/signals"
import { type Answer, ask, ofJob, type Problem } from "./api.ts"

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

export type Decision = "approve" | "reject"

export const approvals = signal<ReadonlyArray<Approval>>([])

/** Characters of data that come by themselves. */
const dataLength = 4_000

/** A way to the whole data of an approval. */
export const wholeData =
  ({ id, jobId }: Approval) =>
  async (): Promise<Answer<unknown> | undefined> => {
    const answer = await ask<{ readonly approvals: ReadonlyArray<Approval> }>(ofJob(jobId, "/approvals"))
    if (answer?.ok !== true) return answer
    const found = answer.value.approvals.find((approval) => approval.id === id)
    const problem = { status: 404, title: "The question was answered meanwhile", detail: "" }
    return found === undefined ? { ok: false, problem } : { ok: true, value: found.data }
  }

export const fetchApprovals = async (jobId: string | undefined, abort: AbortSignal): Promise<void> => {
  const cut = `valueLength=${dataLength}`
  const path = jobId === undefined ? `approvals?limit=20&${cut}` : ofJob(jobId, `/approvals?${cut}`)
  const answer = await ask<{ readonly approvals: ReadonlyArray<Approval> }>(path, { signal: abort })
  if (answer?.ok === true) approvals.value = answer.value.approvals
}

/** Answers an approval. Returns the problem if the server refused. */
export const decide = async (
  { id, jobId }: Approval,
  decision: Decision,
  note: string
): Promise<Problem | undefined> => {
  const answer = await ask(ofJob(jobId, "/approvals"), {
    method: "POST",
    body: { approval: id, decision, ...(note === "" ? {} : { note }) }
  })
  if (answer === undefined) return undefined
  if (!answer.ok) return answer.problem
  approvals.value = approvals.value.filter((other) => other.id !== id || other.jobId !== jobId)
  return undefined
}
