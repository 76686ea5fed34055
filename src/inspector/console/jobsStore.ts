/**
 * The list of jobs as the viewer filters it: pages from the server, kept fresh while the list is in sight.
 *
 * The first page is asked for again and again, and so is the page that the viewer has scrolled to. Other filters are asked for at
 * once. Invariants: a job keeps its row by its id, so a refresh moves no choice and no focus; a page that comes late for older
 * filters is dropped; no job between two rows is left out, and a page that stays open keeps a bounded number of rows that nobody
 * scrolled to. Boundary: the server filters and searches; this file only joins pages.
 */
import { batch, computed, effect, signal } from "@preact/signals"
import { type Answer, ask, type JobPage, type JobSummary, type Problem, queryOf } from "./api.ts"
import { later, now, poll } from "./browser.ts"
import { offsetMs } from "./clock.ts"
import { needPrograms } from "./jobStore.ts"
import { type Query, route } from "./route.ts"

/** Jobs of the page that is asked for again and again, and of each page after it. */
const pageSize = 100
const morePageSize = 1_000
const refreshMs = 1_000
/** Tuning: rows beyond which a list at whose top the viewer is begins anew. */
const mostRows = 10_000
/** Rows up to which a search goes on by itself. */
const searchedRows = 30
/** Tuning: a server's clock that differs by so much from what was known dates the ages of a list anew. */
const clockSlackMs = 1_000
/** Tuning: a text that is being typed rests for so long before the server is asked. */
const restMs = 150

/** The filters that the server knows, by their names in the address and in its API. `age` becomes one or two times. */
const filters = ["status", "program", "q", "age", "attribute", "parent"] as const

const minuteMs = 60_000
const dayMs = 86_400_000

/** The ages that a list can be limited to: those since a time, or until a time, so many milliseconds ago. */
export const ages: Readonly<Record<string, { readonly since?: number; readonly until?: number }>> = {
  "last 15 minutes": { since: 15 * minuteMs },
  "last hour": { since: 60 * minuteMs },
  "last day": { since: dayMs },
  "last week": { since: 7 * dayMs },
  "last 30 days": { since: 30 * dayMs },
  "older than an hour": { until: 60 * minuteMs },
  "older than a day": { until: dayMs },
  "older than a week": { until: 7 * dayMs }
}

/** A job in the list. Attributes are there on a server that keeps them. */
export type ListedJob = JobSummary & { readonly attributes?: Readonly<Record<string, string>> }

/**
 * A filter by attribute as the server takes it, from a key, a colon or a sign of equality, and a value. Undefined if the text is
 * none. No key has either sign. A value may be empty, or end with a space.
 */
export const attributeIn = (text: string): string | undefined => {
  const [, key, value] = /^\s*([^:=]+)[:=](.*)$/s.exec(text) ?? []
  return key === undefined || value === undefined ? undefined : `${key}:${value}`
}

const filterOf = (query: Query): Query => Object.fromEntries(filters.map((name) => [name, query[name] ?? ""]))

const askedOf = ({
  age = "",
  attribute = "",
  ...rest
}: Query): Readonly<Record<string, string | number | undefined>> => {
  const { since, until } = ages[age] ?? {}
  return {
    ...rest,
    attribute: attributeIn(attribute),
    since: since === undefined ? undefined : now.peek() - since,
    until: until === undefined ? undefined : now.peek() - until
  }
}

export const jobs = signal<ReadonlyArray<ListedJob>>([])
export const problem = signal<Problem | undefined>(undefined)
export const isLoaded = signal(false)
const cursor = signal<string | null>(null)
export const hasMore = computed(() => cursor.value !== null)

/** The filters of the viewer, as a text. */
const wanted = computed(() => JSON.stringify(filterOf(route.value.query)))
/** The rows that are here. */
const asked = signal("")
/** Whether the rows are those of the viewer's filters. */
export const isCurrent = computed(() => isLoaded.value && asked.value === wanted.value)
let isFetching = false
/** Whether the last further page that was asked for did not come. */
let isMissing = false

/** A page after the first: its cursor, and the jobs that it had. */
interface LaterPage {
  readonly cursor: string
  readonly ids: ReadonlySet<string>
}

let laterPages: ReadonlyArray<LaterPage> = []
/** The first row in sight. */
let firstInSight = 0

/** Tells which rows are in sight. */
export const show = (first: number): void => void (firstInSight = first)

/** Asks for a page. Ages go by the server's clock: the answer that tells of another clock than before is asked for once more. */
const fetchPage = async (after: string | undefined, abort?: AbortSignal): Promise<Answer<JobPage> | undefined> => {
  const query = filterOf(route.peek().query)
  const send = () =>
    ask<JobPage>(
      `jobs${queryOf({ ...askedOf(query), limit: after === undefined ? pageSize : morePageSize, cursor: after })}`,
      abort === undefined ? {} : { signal: abort }
    )
  const offset = offsetMs.peek()
  const answer = await send()
  const isMisdated = query["age"] !== "" && Math.abs(offsetMs.peek() - offset) > clockSlackMs
  return isMisdated ? send() : answer
}

/**
 * Whether the list begins anew with a fresh first page: there may be jobs between that page and the rows that are here, as after
 * a time in which nobody looked, or there are many rows and the viewer is at their top. `inSight`: the first row in sight.
 */
const beginsAnew = (fresh: ReadonlyArray<ListedJob>, known: ReadonlyArray<ListedJob>, inSight: number): boolean => {
  // A page of a search is full only where its jobs follow one another.
  if (fresh.length < pageSize) return false
  if (known.length > mostRows && inSight < pageSize) return true
  const ids = new Set(fresh.map(({ jobId }) => jobId))
  return !known.some(({ jobId }) => ids.has(jobId))
}

/** Joins a fresh first page with the rows that were fetched before: a job that changed is replaced, a new one comes first. */
const join = (fresh: ReadonlyArray<ListedJob>, known: ReadonlyArray<ListedJob>): ReadonlyArray<ListedJob> => {
  const ids = new Set(fresh.map(({ jobId }) => jobId))
  const last = fresh.at(-1)
  const older =
    last === undefined ? known : known.filter((job) => !ids.has(job.jobId) && job.createdAt <= last.createdAt)
  return [...fresh, ...older]
}

/** The rows, where those of a page are as they are now. A job that the filters no longer let through has no row. */
const renewed = (
  known: ReadonlyArray<ListedJob>,
  ids: ReadonlySet<string>,
  fresh: ReadonlyArray<ListedJob>
): ReadonlyArray<ListedJob> => {
  const byId = new Map(fresh.map((job) => [job.jobId, job]))
  return known.flatMap((job) => (ids.has(job.jobId) ? (byId.get(job.jobId) ?? []) : [job]))
}

/** Asks again for the page that is in sight, if it is not the first. */
const renewInSight = async (abort: AbortSignal): Promise<void> => {
  const seen = jobs.value[firstInSight]?.jobId
  const page = seen === undefined ? undefined : laterPages.find(({ ids }) => ids.has(seen))
  if (page === undefined) return
  const name = asked.peek()
  const answer = await fetchPage(page.cursor, abort)
  if (answer?.ok === true && name === asked.peek()) jobs.value = renewed(jobs.value, page.ids, answer.value.jobs)
}

/** Asks for the first page, and for the one in sight. */
const refresh = async (name: string, abort: AbortSignal): Promise<void> => {
  const answer = await fetchPage(undefined, abort)
  if (answer === undefined || name !== wanted.peek()) return
  if (!answer.ok) {
    problem.value = answer.problem
    return
  }
  problem.value = undefined
  void needPrograms()
  const { value } = answer
  const isAnew = name !== asked.peek() || value.cursor === null || beginsAnew(value.jobs, jobs.peek(), firstInSight)
  if (isAnew) laterPages = []
  batch(() => {
    asked.value = name
    if (isAnew) cursor.value = value.cursor
    jobs.value = isAnew ? value.jobs : join(value.jobs, jobs.peek())
    isLoaded.value = true
  })
  // A search looks at some jobs at a time, and may have found none of them.
  if (jobs.value.length < searchedRows || isMissing) void more()
  await renewInSight(abort)
}

const typed = ({ attribute = "", q = "" }: Query): string => JSON.stringify([attribute, q])

/** Keeps the list fresh until the returned function is called. Filters are asked for at once, and typed ones after a rest. */
export const watchJobs = (): (() => void) => {
  let before = typed(route.peek().query)
  return effect(() => {
    const name = wanted.value
    const text = typed(route.peek().query)
    const isTyped = text !== before
    before = text
    let stop = (): void => undefined
    const start = (): void => void (stop = poll(refreshMs, (abort) => refresh(name, abort)))
    const cancel = isTyped ? later(restMs, start) : start()
    return () => {
      cancel?.()
      stop()
    }
  })
}

/** Fetches the next page. */
export const more = async (): Promise<void> => {
  const after = cursor.value
  // A cursor is of the filters that it came for.
  if (after === null || isFetching || asked.peek() !== wanted.peek()) return
  isFetching = true
  const name = asked.peek()
  const answer = await fetchPage(after)
  isFetching = false
  isMissing = answer?.ok === false
  if (answer === undefined || !answer.ok || name !== asked.peek() || name !== wanted.peek()) return
  // The list has begun anew meanwhile, and goes on from another place.
  if (cursor.peek() !== after) return
  cursor.value = answer.value.cursor
  const ids = new Set(jobs.value.map(({ jobId }) => jobId))
  laterPages = [...laterPages, { cursor: after, ids: new Set(answer.value.jobs.map(({ jobId }) => jobId)) }]
  jobs.value = [...jobs.value, ...answer.value.jobs.filter(({ jobId }) => !ids.has(jobId))]
}
