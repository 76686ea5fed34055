/**
 * Jobs as the API shows them: one, with its result, and pages of a list.
 *
 * A server with a durable store lists the store's jobs, newest first, with the current states of the live ones. A server
 * without one lists the jobs that it keeps. Boundary: reads the directory and the store.
 */
import * as Effect from "effect/Effect"
import type { JobView } from "../job/view.ts"
import { Limits } from "../Limits.ts"
import { breathe } from "../platform/slices.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"
import type { JobStore, StoredJob } from "../store/JobStore.ts"
import type { Directory, KnownJob, Stored } from "./directory.ts"
import { isKnown } from "./directory.ts"
import { leftBy } from "./jobLog.ts"
import { resultJson } from "./json.ts"
import { liveStates } from "./liveStates.ts"
import * as Problems from "./problems.ts"
import type * as Shapes from "./shapes.ts"

type JobJson = typeof Shapes.Job.Type
type Summary = typeof Shapes.JobSummary.Type

const inStore = (job: StoredJob): Omit<Summary, "error" | "durationMs" | "budget"> => {
  const { attempts, createdAt, cycle, haltedAt, hash, jobId, program, status } = job
  const quarantine = attempts?.quarantine
  const summary = { jobId, program, createdAt, haltedAt: haltedAt ?? null, cycle, hash }
  if (status !== undefined) return { ...summary, state: status }
  return quarantine === undefined
    ? { ...summary, state: "suspended" }
    : { ...summary, state: "quarantined", quarantine }
}

const storedSummary = (stored: StoredJob): Summary =>
  withDuration({ ...inStore(stored), error: stored.error ?? null, budget: null })

const withDuration = (summary: Omit<Summary, "durationMs">): Summary => ({
  ...summary,
  durationMs: summary.haltedAt === null ? null : summary.haltedAt - summary.createdAt
})

/** The `_tag` of the error that ended a job; null if none did. */
const errorOf = ({ end }: KnownJob): string | null => {
  const left = end === undefined ? undefined : leftBy(end)
  return left !== undefined && "_tag" in left ? left._tag : null
}

/** One job, with the number of its facts of each kind. */
export const jobJson = (found: KnownJob | Stored): Effect.Effect<JobJson> => {
  if (!isKnown(found)) {
    const nothing = { phase: null, tier: null, version: null, usage: null, result: null }
    return Effect.succeed({ ...inStore(found.journal), ...nothing })
  }
  const { end, haltedAt, job, view } = found
  return Effect.map(job.status, ({ cycle, hash, jobId, phase, program, state, tier, usage, version }) => {
    const left = end === undefined ? undefined : leftBy(end)
    const result = left === undefined ? null : resultJson(left, "counts")
    const halted = haltedAt ?? null
    return {
      jobId,
      program,
      state,
      createdAt: view.createdAt,
      haltedAt: halted,
      cycle,
      hash,
      phase: phase ?? null,
      tier,
      version,
      usage,
      result
    }
  })
}

/** The budget of which a job has used most; null if it has no limits. */
export const mostUsed = ({ budget }: Pick<JobView, "budget">, usage: typeof Shapes.Usage.Type): Summary["budget"] => {
  const used: Readonly<Record<keyof ResolvedBudget, number>> = {
    cycles: usage.cycles,
    facts: usage.facts,
    agents: usage.agents,
    duration: usage.durationMs,
    cpuTime: usage.cpuMs,
    contextBytes: usage.contextBytes,
    tokens: usage.tokens,
    cost: usage.cost
  }
  let most: Summary["budget"] = null
  for (const [name, limit] of Object.entries(budget)) {
    const spent = used[name as keyof ResolvedBudget]
    if (Number.isFinite(limit) && (most === null || spent * most.limit > most.used * limit))
      most = { name, used: spent, limit }
  }
  return most
}

const summaryOf = (known: KnownJob): Effect.Effect<Summary> =>
  Effect.map(known.job.status, ({ cycle, hash, jobId, program, state, usage }) =>
    withDuration({
      jobId,
      program,
      state,
      createdAt: known.view.createdAt,
      haltedAt: known.haltedAt ?? null,
      cycle,
      hash,
      error: errorOf(known),
      budget: mostUsed(known.view, usage)
    })
  )

export interface ListQuery {
  readonly program?: string | undefined
  readonly status?: typeof Shapes.State.Type | "unfinished" | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
  /** The times between which the jobs were created, in milliseconds since the epoch. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** A text in the id, the program or the error's tag. */
  readonly q?: string | undefined
}

type Page = typeof Shapes.JobPage.Type

/** A page of all jobs, newest first. */
export const listJobs = (
  directory: Directory,
  store: JobStore["Service"],
  query: ListQuery
): Effect.Effect<Page, Problems.InvalidRequest | Problems.Unavailable> => {
  const { since = 0, until } = query
  // A cursor is a time and an id, and no id is less than "".
  const from = until === undefined ? query : { ...query, cursor: query.cursor ?? `${until + 1}:` }
  const isStored = store.isDurable && !isLiveState(query.status)
  const read = (part: ListQuery) => (isStored ? storedPage(directory, store, part) : ownPage(directory, part))
  const page = query.q === undefined || query.q === "" ? read(from) : search(read, from, query.q, since)
  return Effect.map(Effect.andThen(directory.lookAround, page), ({ cursor, jobs }) => {
    const shown = jobs.filter(({ createdAt }) => createdAt >= since)
    return { jobs: shown, cursor: shown.length === jobs.length ? cursor : null }
  })
}

/** Tuning: jobs that are read at once to search them. */
const searchedAtOnce = 1_000

/** Reads pages until enough jobs have the text, or so many were looked at that the client has to ask again. */
const search = Effect.fnUntraced(function* <E>(
  read: (query: ListQuery) => Effect.Effect<Page, E>,
  query: ListQuery,
  q: string,
  since: number
) {
  const wanted = q.toLowerCase()
  const { limit = Limits.serverPage } = query
  const found: Array<Summary> = []
  let { cursor } = query
  for (let looked = 0; looked < Limits.serverSearchedJobs; looked += searchedAtOnce) {
    const page = yield* read({ ...query, cursor, limit: searchedAtOnce })
    for (const job of page.jobs) {
      if (job.createdAt < since) return { jobs: found, cursor: null }
      if (![job.jobId, job.program, job.error ?? ""].some((text) => text.toLowerCase().includes(wanted))) continue
      found.push(job)
      if (found.length === limit) return { jobs: found, cursor: `${job.createdAt}:${job.jobId}` }
    }
    if (page.cursor === null) return { jobs: found, cursor: null }
    cursor = page.cursor
    yield* breathe
  }
  return { jobs: found, cursor: cursor ?? null }
})

/** Whether only the server knows which jobs are in a state: the store does not record it. */
const isLiveState = (status: ListQuery["status"]): boolean => liveStates.some((state) => state === status)

const storedPage = (
  directory: Directory,
  store: JobStore["Service"],
  { cursor, limit = Limits.serverPage, program, status }: ListQuery
): Effect.Effect<Page, Problems.InvalidRequest | Problems.Unavailable> =>
  Effect.gen(function* () {
    // The store does not tell these two apart.
    const isUnheld = status === "suspended" || status === "quarantined"
    const wanted = isUnheld ? "unfinished" : (status as "unfinished" | undefined)
    const page = yield* Effect.mapError(store.list({ status: wanted, program, limit, cursor }), ({ reason }) =>
      reason === "failed" && cursor !== undefined
        ? badCursor()
        : new Problems.Unavailable({ reason: "store", detail: `the store failed: ${reason}` })
    )
    const held = new Map<string, KnownJob>()
    for (const known of directory.known) held.set(known.job.id, known)
    const jobs = yield* Effect.forEach(page.jobs, (stored) => {
      const known = held.get(stored.jobId)
      if (known === undefined || (stored.status === undefined && known.end !== undefined)) {
        return Effect.succeed(storedSummary(stored))
      }
      const present = summaryOf(known)
      // The end is that of the store.
      return stored.status === undefined
        ? present
        : Effect.map(present, ({ budget }) => ({ ...storedSummary(stored), budget }))
    })
    const shown = isUnheld ? jobs.filter(({ state }) => state === status) : jobs
    return { jobs: shown, cursor: page.cursor ?? null }
  })

const badCursor = (): Problems.InvalidRequest =>
  new Problems.InvalidRequest({ detail: "query.cursor: it is not one that this server gave" })

const ownPage = (
  directory: Directory,
  { cursor, limit = Limits.serverPage, program, status }: ListQuery
): Effect.Effect<Page, Problems.InvalidRequest> =>
  Effect.gen(function* () {
    const from = cursor === undefined ? undefined : /^(\d{1,16}):(.*)$/s.exec(cursor)
    if (from === null) return yield* badCursor()
    const isAfter = ({ createdAt, jobId }: JobView): boolean => {
      if (from === undefined) return true
      const time = Number(from[1])
      return createdAt < time || (createdAt === time && jobId < (from[2] ?? ""))
    }
    const known = [...directory.known]
      .filter(({ view }) => (program === undefined || view.program.name === program) && isAfter(view))
      .sort((a, b) => b.view.createdAt - a.view.createdAt || (a.view.jobId < b.view.jobId ? 1 : -1))
    // There may be thousands of jobs, and a page shows few, so their states are read only until the page is full.
    const jobs: Array<Summary> = []
    for (const job of known) {
      const summary = yield* summaryOf(job)
      const { haltedAt, state } = summary
      if (status !== undefined && (status === "unfinished" ? haltedAt !== null : state !== status)) continue
      const last = jobs.at(-1)
      if (jobs.length === limit) return { jobs, cursor: last === undefined ? null : `${last.createdAt}:${last.jobId}` }
      jobs.push(summary)
    }
    return { jobs, cursor: null }
  })
