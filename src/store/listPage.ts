/**
 * Pages of a list of jobs, in both directions: the places that cursors name, and the cursors of a page.
 *
 * A list is newest first. `cursor` goes on to older jobs, and `before` goes back to newer ones. A place is that of a job, whether
 * the job is still there or not. So jobs that come, or are deleted, change no other page.
 *
 * Boundary: pure functions; the stores find the jobs.
 */
import { type JobPage, type ListOptions, StoreError, type StoredJob } from "./JobStore.ts"

/** A place in a list. */
export interface Place {
  readonly createdAt: number
  readonly jobId: string
}

/** The jobs that a page may have: those on one side of a place. Without a place, the newest. */
export interface Side {
  readonly place: Place | undefined
  readonly side: "older" | "newer"
}

const placeOf = (cursor: string): Place | undefined => {
  const [, createdAt, jobId] = /^(-?\d+):(.*)$/s.exec(cursor) ?? []
  return createdAt === undefined || jobId === undefined ? undefined : { createdAt: Number(createdAt), jobId }
}

export const cursorOf = ({ createdAt, jobId }: Place): string => `${createdAt}:${jobId}`

const failed = (message: string) => new StoreError({ reason: "failed", message })

/** The side of the list that a page is of, or the refusal of cursors that this store did not give. */
export const sideOf = ({ before, cursor }: ListOptions): Side | StoreError => {
  if (cursor !== undefined && before !== undefined) return failed("a list takes a cursor or before, and not both")
  const text = cursor ?? before
  const place = text === undefined ? undefined : placeOf(text)
  if (text !== undefined && place === undefined) return failed(`${JSON.stringify(text)} is not a cursor of this store`)
  return { place, side: before === undefined ? "older" : "newer" }
}

/**
 * A page of these jobs, which are in the order of their distance from the place. `hasMore`: whether there are others behind them.
 * An empty page behind a place has the jobs of its time on its other side.
 */
export const pageOf = (found: ReadonlyArray<StoredJob>, { place, side }: Side, hasMore: boolean): JobPage => {
  const jobs = side === "older" ? found : found.toReversed()
  const [first, last] = [jobs[0], jobs.at(-1)]
  const more = (end: Place | undefined): string | undefined =>
    hasMore && end !== undefined ? cursorOf(end) : undefined
  const back = (end: Place | undefined, step: number): string | undefined => {
    if (place === undefined) return undefined
    return end === undefined ? `${place.createdAt + step}:` : cursorOf(end)
  }
  return side === "older"
    ? { jobs, cursor: more(last), previous: back(first, -1) }
    : { jobs, cursor: back(last, 1), previous: more(first) }
}
