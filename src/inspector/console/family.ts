/**
 * The child jobs of the job in sight, kept fresh while they are shown.
 *
 * Invariant: children that have all ended, of a job that has ended, are asked for no more. Boundary: asks and remembers.
 */
import { signal } from "@preact/signals"
import { ask, type JobPage, type JobSummary, queryOf } from "./api.ts"
import { poll } from "./browser.ts"
import { isOver, jobId } from "./jobStore.ts"

const refreshMs = 2_000
const pageSize = 100

interface Children {
  readonly of: string
  /** The newest, newest first. */
  readonly jobs: ReadonlyArray<JobSummary>
  readonly hasMore: boolean
}

export const children = signal<Children | undefined>(undefined)

/** Keeps the children of a job fresh until the returned function is called. */
export const watchChildren = (id: string): (() => void) => {
  let isDone = false
  return poll(refreshMs, async (abort) => {
    if (isDone) return
    const answer = await ask<JobPage>(`jobs${queryOf({ parent: id, limit: pageSize })}`, { signal: abort })
    if (answer?.ok !== true || jobId.value !== id) return
    const { cursor, jobs } = answer.value
    // A server of an earlier version lists all jobs.
    const own = jobs.filter(({ parent }) => parent === id)
    children.value = { of: id, jobs: own, hasMore: cursor !== null && own.length > 0 }
    isDone = isOver.value && own.every(({ haltedAt }) => haltedAt !== null)
  })
}
