/**
 * Pages of a list of jobs, in both directions: the places that cursors name, and the cursors of a page.
 *
 * A list is newest first. `cursor` goes on to older jobs, and `before` goes back to newer ones. A place is that of a job, whether
 * the job is still there or not. So jobs that come, or are deleted, change no other page.
 *
 * Boundary: pure functions; the stores find the jobs.
 */
import { type ListOptions, StoreError } from "./JobStore.ts"

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
export const sideOf = ({ before, cursor }: Pick<ListOptions, "before" | "cursor">): Side | StoreError => {
  if (cursor !== undefined && before !== undefined) return failed("a list takes a cursor or before, and not both")
  const text = cursor ?? before
  const place = text === undefined ? undefined : placeOf(text)
  if (text !== undefined && place === undefined) return failed(`${JSON.stringify(text)} is not a cursor of this store`)
  return { place, side: before === undefined ? "older" : "newer" }
}

/** A page of jobs, and the cursors on both sides of it. */
export interface Page<Job> {
  readonly jobs: ReadonlyArray<Job>
  readonly cursor: string | undefined
  readonly previous: string | undefined
}

/**
 * A page of these jobs, which are in the order of their distance from the place. `next` is the cursor of the jobs behind them.
 * Behind an empty page, or before it, are the jobs of the place.
 */
export const pageOf = <Job extends Place>(
  found: ReadonlyArray<Job>,
  { place, side }: Side,
  next: string | undefined
): Page<Job> => {
  const isOlder = side === "older"
  const nearest = found[0]
  const back = (): string | undefined => {
    if (place === undefined) return undefined
    return nearest === undefined ? (next ?? `${place.createdAt + (isOlder ? -1 : 1)}:`) : cursorOf(nearest)
  }
  return isOlder
    ? { jobs: found, cursor: next, previous: back() }
    : { jobs: found.toReversed(), cursor: back(), previous: next }
}
