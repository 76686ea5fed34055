/**
 * The refusals that all stores have in common, with their messages.
 *
 * Boundary: plain values, without Effect: the thread that writes uses them too.
 */
import type { StoreErrorReason } from "../outcome/StoreError.ts"

/** A refusal, as a value that threads can send to each other. */
export interface Refusal {
  readonly reason: StoreErrorReason
  readonly message: string
}

export const exists = (jobId: string): Refusal => ({
  reason: "exists",
  message: `the job ${jobId} already has a journal`
})

/** The job has no journal. */
export const unknown = (jobId: string): Refusal => ({ reason: "missing", message: `there is no job ${jobId}` })

/** The job has no journal or has halted, so it takes no writes. */
export const missing = (jobId: string): Refusal => ({
  reason: "missing",
  message: `there is no unfinished job ${jobId}`
})

export const fenced = (jobId: string): Refusal => ({
  reason: "fenced",
  message: `another engine has taken over the job ${jobId}`
})

export const needed = (jobId: string, parent: string): Refusal => ({
  reason: "needed",
  message: `the job ${jobId} is a child of ${parent}, which is unfinished and has to read how it ended: end or delete ${parent}`
})

export const outOfOrder = (jobId: string, cycle: number, last: number): Refusal => ({
  reason: "out-of-order",
  message: `cycle ${cycle} of job ${jobId} does not follow cycle ${last}`
})
