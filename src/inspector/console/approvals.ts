/**
 * What waits for a human: the open approvals, of one job or of all, and the answers to them.
 *
 * Boundary: asks and answers. Which answer is valid the server decides.
 */
import { signal } from "@preact/signals"
import { ask, ofJob, type Problem } from "./api.ts"

/** An approval that is open. `since` is in milliseconds since the epoch; `timeoutMs` is from then. */
export interface Approval {
  readonly jobId: string
  readonly program: string
  /** The name of the approval within its job. */
  readonly id: string
  readonly question: string | null
  readonly data: unknown
  readonly since: number
  readonly timeoutMs: number | null
}

export type Decision = "approve" | "reject"

export const approvals = signal<ReadonlyArray<Approval>>([])

export const fetchApprovals = async (jobId: string | undefined, abort: AbortSignal): Promise<void> => {
  const path = jobId === undefined ? "approvals?limit=20" : ofJob(jobId, "/approvals")
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
