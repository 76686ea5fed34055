/**
 * Jobs as the API shows them: one, with its result, and pages of a list.
 *
 * A server with a durable store lists the store's jobs, newest first, with the current states of the live ones. A server
 * without one lists the jobs that it keeps. Boundary: reads the directory and the store.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { JobView } from "../job/view.ts"
import { readHeader } from "../journal/parts.ts"
import { Limits } from "../Limits.ts"
import { breathe } from "../platform/slices.ts"
import { askerIn } from "../program/keys.ts"
import { type Attributes, hasAttributes } from "../program/attributes.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"
import { type JobStore, type StoredJob, StoreError } from "../store/JobStore.ts"
import { parseJson } from "../values/parseJson.ts"
import { cyclesOf } from "../store/cycles.ts"
import { lastedMs } from "../store/lasted.ts"
import {
  cursorOf,
  type Page as ListPage,
  pageOf,
  type Place,
  type Side,
  sideOf as listSide
} from "../store/listPage.ts"
import type { Directory, KnownJob, Stored } from "./directory.ts"
import { isKnown } from "./directory.ts"
import { leftBy } from "./jobLog.ts"
import { resultJson } from "./json.ts"
import { liveStates } from "./liveStates.ts"
import * as Problems from "./problems.ts"
import { badCursor } from "./queries.ts"
import * as Shapes from "./shapes.ts"

type JobJson = typeof Shapes.Job.Type
type Summary = typeof Shapes.JobSummary.Type

/** The beginning of a job, as far as it is known. */
interface Origin {
  readonly attributes?: Attributes | undefined
  readonly parent?: string | undefined
  readonly forkOf?: Summary["forkOf"] | undefined
}

/** The attributes of a job, its parent, and the job that it is a fork of, if there are any. */
const originJson = (
  jobId: string,
  { attributes, forkOf, parent }: Origin
): Pick<Summary, "attributes" | "forkOf" | "parent" | "startedBy"> => {
  const startedBy = parent === undefined ? undefined : askerIn(parent, jobId)
  return {
    ...(attributes === undefined ? {} : { attributes }),
    ...(parent === undefined ? {} : { parent }),
    ...(forkOf === undefined ? {} : { forkOf }),
    ...(startedBy === undefined ? {} : { startedBy })
  }
}

/** Tells of a pause that is coming. */
const pauseJson = (state: Summary["state"], { isPausing }: KnownJob["view"]): Pick<Summary, "pausing"> =>
  isPausing && (state === "running" || state === "queued" || state === "awaiting") ? { pausing: true } : {}

const inStore = (
  job: StoredJob,
  forkOf?: Summary["forkOf"]
): Omit<Summary, "error" | "durationMs" | "budget" | "noBudget"> => {
  const { attempts, createdAt, cycle, haltedAt, hash, jobId, program, status } = job
  const quarantine = attempts?.quarantine
  const summary = {
    ...{ jobId, program, createdAt, haltedAt: haltedAt ?? null, cycle, cycles: cyclesOf(job), hash },
    ...originJson(jobId, { ...job, forkOf })
  }
  if (status !== undefined) return { ...summary, state: status }
  return quarantine === undefined
    ? { ...summary, state: "suspended" }
    : { ...summary, state: "quarantined", quarantine }
}

/** A job of the store in a list. */
export const storedSummary = (stored: StoredJob): Summary =>
  withDuration({ ...inStore(stored, forkIn(stored)), error: stored.error ?? null, ...spentIn(stored) })

const isAmounts = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isFork = Schema.is(Shapes.ForkOf)

/** The origin of a fork, as far as a list of its store gives it. */
const forkIn = ({ spending }: StoredJob): Summary["forkOf"] => {
  const read = spending === undefined ? undefined : parseJson(spending)
  return isAmounts(read) && isFork(read["forkOf"]) ? read["forkOf"] : undefined
}

/** The budget of a summary, or the reason why it has none. */
const budgetJson = (budget: Summary["budget"]): Pick<Summary, "budget" | "noBudget"> =>
  budget === null ? { budget, noBudget: "unlimited" } : { budget }

/** The budget of which a job has used most, by the numbers that its store gives. */
const spentIn = ({ spending }: StoredJob): Pick<Summary, "budget" | "noBudget"> => {
  const read = spending === undefined ? undefined : parseJson(spending)
  const { budget, isPartial, usage } = isAmounts(read) ? read : {}
  if (!isAmounts(budget) || !isAmounts(usage)) return { budget: null, noBudget: "unread" }
  const amount = (value: unknown): number => (typeof value === "number" ? value : 0)
  const limits = Object.entries(budget).map(([name, limit]) => [name, limit === null ? Infinity : amount(limit)])
  const known = Object.entries(usage).filter(([, value]) => value !== null)
  const used = Object.fromEntries(known.map(([name, value]) => [name, amount(value)]))
  const isKnown = (name: string): boolean => isPartial !== true || usageNames[name as keyof ResolvedBudget] in used
  const shown = Object.fromEntries(limits.filter(([name]) => isKnown(String(name)))) as ResolvedBudget
  const most = mostUsed({ budget: shown }, { ...noUsage, ...used, byAgent: {} })
  // A limit of which nothing is known may be the one that is used most.
  if (most === null)
    return limits.some(([, limit]) => limit !== Infinity) ? { budget: null, noBudget: "unread" } : budgetJson(null)
  return { budget: isPartial === true ? { ...most, isPartial } : most }
}

/** The number of the usage that each limit is of. */
const usageNames = {
  cycles: "cycles",
  facts: "facts",
  agents: "agents",
  duration: "durationMs",
  cpuTime: "cpuMs",
  contextBytes: "contextBytes",
  tokens: "tokens",
  cost: "cost"
} as const satisfies Record<keyof ResolvedBudget, keyof typeof Shapes.Usage.Type>

const noUsage: typeof Shapes.Usage.Type = {
  cycles: 0,
  facts: 0,
  agents: 0,
  durationMs: 0,
  cpuMs: 0,
  contextBytes: 0,
  tokens: 0,
  cost: 0,
  byAgent: {}
}

const withDuration = (summary: Omit<Summary, "durationMs">): Summary => ({
  ...summary,
  durationMs: lastedMs(summary) ?? null
})

/** The `_tag` of the error that ended a job; null if none did. */
const errorOf = ({ end }: KnownJob): string | null => {
  const left = end === undefined ? undefined : leftBy(end)
  return left !== undefined && "_tag" in left ? left._tag : null
}

/** The cycles that a job which is held here has used, by the rule for stored jobs. */
const cyclesIn = (cycle: number, state: Summary["state"]): number =>
  cyclesOf({ cycle, status: state === "converged" ? state : undefined })

/** Whether a state is the end of a job. */
export const isStatus = Schema.is(Shapes.Status)

/** The state of a job that is held here. One whose end is not stored yet has not ended: it has no result to show, and no time. */
const stateOf = ({ end }: KnownJob, state: Summary["state"]): Summary["state"] =>
  end === undefined && isStatus(state) ? "running" : state

/** Waits for a moment for the end of a job that has just halted, so that the answer has its result. */
const settled = ({ end, ended, job }: KnownJob): Effect.Effect<void> =>
  end !== undefined
    ? Effect.void
    : Effect.flatMap(job.status, ({ state }) =>
        isStatus(state)
          ? Effect.asVoid(Effect.timeoutOption(Deferred.await(ended), Limits.serverSettleMs))
          : Effect.void
      )

/** One job, with the number of its facts of each kind. `limit`: the newest intents and diagnostics, at most so many. */
export const jobJson = (found: KnownJob | Stored, limit?: number): Effect.Effect<JobJson> => {
  if (!isKnown(found)) {
    const nothing = { phase: null, tier: null, version: null, usage: null, result: null }
    const { journal } = found
    // A damaged header is told of where the journal is read.
    const forked = Effect.orElseSucceed(
      Effect.map(readHeader(journal), ({ forkOf }) => forkOf),
      () => undefined
    )
    return Effect.map(forked, (forkOf) => ({
      ...inStore(journal, forkOf),
      error: journal.error ?? null,
      ...nothing
    }))
  }
  const { job, view } = found
  return Effect.map(Effect.andThen(settled(found), job.status), (status) => {
    const { cycle, hash, jobId, phase, program, tier, usage, version } = status
    const { end, haltedAt } = found
    const state = stateOf(found, status.state)
    const left = end === undefined ? undefined : leftBy(end)
    const result = left === undefined ? null : resultJson(left, "counts", limit)
    const halted = haltedAt ?? null
    return {
      jobId,
      program,
      state,
      createdAt: view.createdAt,
      haltedAt: halted,
      cycle,
      cycles: cyclesIn(cycle, state),
      hash,
      phase: phase ?? null,
      tier,
      version,
      error: errorOf(found),
      // The same number as in the result: the turn that found nothing to do counts, too.
      usage: result === null ? usage : { ...usage, cycles: result.cycles },
      result,
      ...originJson(jobId, view),
      ...pauseJson(state, view)
    }
  })
}

/** The budget of which a job has used most; null if it has no limits. */
export const mostUsed = ({ budget }: Pick<JobView, "budget">, usage: typeof Shapes.Usage.Type): Summary["budget"] => {
  let most: Summary["budget"] = null
  for (const [name, limit] of Object.entries(budget)) {
    const spent = usage[usageNames[name as keyof ResolvedBudget]]
    if (Number.isFinite(limit) && (most === null || spent * most.limit > most.used * limit))
      most = { name, used: spent, limit }
  }
  return most
}

const summaryOf = (known: KnownJob): Effect.Effect<Summary> =>
  Effect.map(known.job.status, ({ cycle, hash, jobId, program, usage, ...status }) => {
    const state = stateOf(known, status.state)
    return withDuration({
      jobId,
      program,
      state,
      createdAt: known.view.createdAt,
      haltedAt: known.haltedAt ?? null,
      cycle,
      cycles: cyclesIn(cycle, state),
      hash,
      error: errorOf(known),
      ...budgetJson(mostUsed(known.view, usage)),
      ...originJson(jobId, known.view),
      ...pauseJson(state, known.view)
    })
  })

export interface ListQuery {
  readonly program?: string | undefined
  readonly status?: typeof Shapes.State.Type | "unfinished" | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
  /** Counts instead of `cursor`. */
  readonly before?: string | undefined
  /** The times between which the jobs were created, in milliseconds since the epoch. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** A text in the id, the program or the error's tag. */
  readonly q?: string | undefined
  readonly attributes?: Attributes | undefined
  /** The id of the job whose children are listed. */
  readonly parent?: string | undefined
}

type Page = typeof Shapes.JobPage.Type

const pageJson = ({ cursor, jobs, previous }: ListPage<Summary>): Page => ({
  jobs,
  cursor: cursor ?? null,
  previous: previous ?? null
})

/** A page of all jobs, newest first. */
export const listJobs = (
  directory: Directory,
  store: JobStore["Service"],
  { before, cursor, ...filters }: ListQuery
): Effect.Effect<Page, Problems.InvalidRequest | Problems.Unavailable> => {
  const query = { ...filters, ...(before === undefined ? { cursor } : { before }) }
  const isStored = store.isDurable && !isLiveState(query.status)
  const read = (part: ListQuery) => (isStored ? storedPage(directory, store, part) : ownPage(directory, part))
  const page = query.q === undefined || query.q === "" ? read(query) : search(read, query, query.q)
  return Effect.andThen(directory.lookAround, page)
}

/** The side of a list that a query asks for. */
const sideOf = (query: ListQuery): Effect.Effect<Side, Problems.InvalidRequest> => {
  const side = listSide(query)
  return side instanceof StoreError ? Effect.fail(badCursor(query)) : Effect.succeed(side)
}

/** Tuning: jobs that are read at once to search them. */
const searchedAtOnce = 1_000

/** Reads pages until enough jobs have the text, or so many were looked at that the client has to ask again. */
const search = Effect.fnUntraced(function* <E>(
  read: (query: ListQuery) => Effect.Effect<Page, E>,
  query: ListQuery,
  q: string
) {
  const side = yield* sideOf(query)
  const isOlder = side.side === "older"
  const wanted = q.toLowerCase()
  const { limit = Limits.serverPage } = query
  const found: Array<Summary> = []
  let place = query.before ?? query.cursor
  for (let looked = 0; looked < Limits.serverSearchedJobs; looked += searchedAtOnce) {
    const from = isOlder ? { cursor: place } : { before: place }
    const page = yield* read({ ...query, ...from, limit: searchedAtOnce })
    for (const job of isOlder ? page.jobs : page.jobs.toReversed()) {
      if (![job.jobId, job.program, job.error ?? ""].some((text) => text.toLowerCase().includes(wanted))) continue
      found.push(job)
      if (found.length === limit) return pageJson(pageOf(found, side, cursorOf(job)))
    }
    const next = isOlder ? page.cursor : page.previous
    if (next === null) return pageJson(pageOf(found, side, undefined))
    place = next
    yield* breathe
  }
  return pageJson(pageOf(found, side, place))
})

/** Whether only the server knows which jobs are in a state: the store does not record it. */
const isLiveState = (status: ListQuery["status"]): boolean => liveStates.some((state) => state === status)

const storedPage = (
  directory: Directory,
  store: JobStore["Service"],
  query: ListQuery
): Effect.Effect<Page, Problems.InvalidRequest | Problems.Unavailable> =>
  Effect.gen(function* () {
    const { status } = query
    // The store does not tell these two apart.
    const isUnheld = status === "suspended" || status === "quarantined"
    const wanted = isUnheld ? "unfinished" : (status as "unfinished" | undefined)
    yield* sideOf(query)
    const { attributes, before, cursor, limit = Limits.serverPage, parent, program, since, until } = query
    const page = yield* Effect.mapError(
      store.list({ attributes, before, cursor, limit, parent, program, since, until, status: wanted }),
      ({ reason }) => new Problems.Unavailable({ reason: "store", detail: `the store failed: ${reason}` })
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
        : Effect.map(present, ({ budget }) => ({ ...storedSummary(stored), ...budgetJson(budget) }))
    })
    const shown = isUnheld ? jobs.filter(({ state }) => state === status) : jobs
    return pageJson({ ...page, jobs: shown })
  })

/** The jobs of a list that this server keeps, but for their states. */
const isListed =
  ({ attributes, parent, program, since = 0, until = Infinity }: ListQuery, { place, side }: Side) =>
  ({ view }: KnownJob): boolean => {
    const { createdAt } = view
    if (program !== undefined && view.program.name !== program) return false
    if (parent !== undefined && view.parent !== parent) return false
    if (createdAt < since || createdAt > until || !hasAttributes(view.attributes, attributes ?? {})) return false
    if (place === undefined) return true
    const order = byAge(view, place)
    return side === "older" ? order > 0 : order < 0
  }

/** The order of every list: newest first, and jobs of one millisecond by id in descending order. */
const byAge = (a: Place, b: Place): number =>
  b.createdAt - a.createdAt || (a.jobId < b.jobId ? 1 : a.jobId > b.jobId ? -1 : 0)

const ownPage = (directory: Directory, query: ListQuery): Effect.Effect<Page, Problems.InvalidRequest> =>
  Effect.gen(function* () {
    const { limit = Limits.serverPage, status } = query
    const side = yield* sideOf(query)
    const step = side.side === "older" ? 1 : -1
    const known = [...directory.known].filter(isListed(query, side)).sort((a, b) => step * byAge(a.view, b.view))
    // There may be thousands of jobs, and a page shows few, so their states are read only until the page is full.
    const jobs: Array<Summary> = []
    for (const job of known) {
      const summary = yield* summaryOf(job)
      const { haltedAt, state } = summary
      if (status !== undefined && (status === "unfinished" ? haltedAt !== null : state !== status)) continue
      const last = jobs.at(-1)
      if (jobs.length === limit && last !== undefined) return pageJson(pageOf(jobs, side, cursorOf(last)))
      jobs.push(summary)
    }
    return pageJson(pageOf(jobs, side, undefined))
  })
