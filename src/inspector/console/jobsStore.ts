/**
 * The list of jobs as the viewer filters it: pages from the server, kept fresh while the list is in sight.
 *
 * Invariants: a job keeps its row by its id, so a refresh moves no choice and no focus; a page that comes late for older
 * filters is dropped. Boundary: the server filters and searches; this file only joins pages.
 */
import { computed, signal } from "@preact/signals"
import { ask, type JobPage, type JobSummary, type Problem, queryOf } from "./api.ts"
import { now, poll } from "./browser.ts"
import { type Query, route } from "./route.ts"

/** Jobs of the page that is asked for again and again, and of each page after it. */
const pageSize = 100
const morePageSize = 1_000
const refreshMs = 1_000
/** Rows up to which a search goes on by itself. */
const searchedRows = 30

/** The filters that the server knows, by their names in the address and in its API. `age` becomes a time. */
const filters = ["status", "program", "q", "age"] as const

/** The ages that a list can be limited to, in milliseconds. */
export const ages: Readonly<Record<string, number>> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 }

const filterOf = (query: Query): Query => Object.fromEntries(filters.map((name) => [name, query[name] ?? ""]))

const askedOf = ({ age = "", ...rest }: Query): Readonly<Record<string, string | number | undefined>> => {
  const ms = ages[age]
  return { ...rest, since: ms === undefined ? undefined : now.peek() - ms }
}

export const jobs = signal<ReadonlyArray<JobSummary>>([])
export const problem = signal<Problem | undefined>(undefined)
export const isLoaded = signal(false)
const cursor = signal<string | null>(null)
export const hasMore = computed(() => cursor.value !== null)

let asked = ""
let isFetching = false

const fetchPage = (after: string | undefined, abort?: AbortSignal) =>
  ask<JobPage>(
    `jobs${queryOf({ ...askedOf(filterOf(route.value.query)), limit: after === undefined ? pageSize : morePageSize, cursor: after })}`,
    abort === undefined ? {} : { signal: abort }
  )

/** Joins a fresh first page with the rows that were fetched before: a job that changed is replaced, a new one comes first. */
export const join = (
  fresh: ReadonlyArray<JobSummary>,
  known: ReadonlyArray<JobSummary>,
  isWhole: boolean
): ReadonlyArray<JobSummary> => {
  if (isWhole) return fresh
  const ids = new Set(fresh.map(({ jobId }) => jobId))
  const last = fresh.at(-1)
  const older =
    last === undefined ? known : known.filter((job) => !ids.has(job.jobId) && job.createdAt <= last.createdAt)
  return [...fresh, ...older]
}

/** Keeps the list fresh until the returned function is called. */
export const watchJobs = (): (() => void) =>
  poll(refreshMs, async (abort) => {
    const name = JSON.stringify(filterOf(route.value.query))
    const answer = await fetchPage(undefined, abort)
    if (answer === undefined || name !== JSON.stringify(filterOf(route.value.query))) return
    if (!answer.ok) {
      problem.value = answer.problem
      return
    }
    problem.value = undefined
    const isOther = name !== asked
    asked = name
    const { value } = answer
    if (isOther || value.cursor === null) cursor.value = value.cursor
    jobs.value = join(value.jobs, isOther ? [] : jobs.value, isOther || value.cursor === null)
    isLoaded.value = true
    // A search looks at some jobs at a time, and may have found none of them.
    if (jobs.value.length < searchedRows) void more()
  })

/** Fetches the next page. */
export const more = async (): Promise<void> => {
  const after = cursor.value
  if (after === null || isFetching) return
  isFetching = true
  const name = asked
  const answer = await fetchPage(after)
  isFetching = false
  if (answer === undefined || !answer.ok || name !== asked) return
  cursor.value = answer.value.cursor
  const ids = new Set(jobs.value.map(({ jobId }) => jobId))
  jobs.value = [...jobs.value, ...answer.value.jobs.filter(({ jobId }) => !ids.has(jobId))]
}
