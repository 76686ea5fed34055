/**
 * The routes that look at the past of a job, and at what follows from a fact: facts of any cycle and searched, changes, lineage,
 * a replay, the check of a journal; and the fork of a job from a past cycle.
 *
 * Questions about the past need a durable store. Long answers come page by page. Boundary: from requests to journals and back.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Encoded } from "../context/liveFacts.ts"
import { sealedFacts } from "../job/committed.ts"
import type { JobView } from "../job/view.ts"
import * as Journal from "../journal/Journal.ts"
import { type Change, changesBetween } from "../journal/changes.ts"
import { relatedTo } from "../journal/lineage.ts"
import { Limits } from "../Limits.ts"
import { errorToJson, factJson as encodedFact, type FactJson } from "../outcome/resultJson.ts"
import { breathe, inSlices } from "../platform/slices.ts"
import { JobStore } from "../store/JobStore.ts"
import { Sender } from "./api.ts"
import { ForkBody } from "./bodies.ts"
import { readBody } from "./body.ts"
import type { SharedCore } from "./core.ts"
import { isKnown } from "./directory.ts"
import { durationMs } from "./durations.ts"
import { ofStore } from "./failures.ts"
import { errorJson, factJson, plain } from "./json.ts"
import { audit, permitAll, permitJob } from "./permits.ts"
import * as Problems from "./problems.ts"
import { noJournal, type Replayed } from "./replays.ts"
import * as Shapes from "./shapes.ts"

interface OfJob {
  readonly params: { readonly id: string }
}

interface Paged {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

const json = (value: object): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(value), { contentType: "application/json" })

const shown = (entry: Encoded): typeof Shapes.Fact.Type => factJson(encodedFact(entry))

/** The number that a cursor is. */
const placeOf = ({ cursor = "0" }: Paged): Effect.Effect<number, Problems.InvalidRequest> =>
  /^\d{1,15}$/.test(cursor)
    ? Effect.succeed(Number(cursor))
    : Effect.fail(new Problems.InvalidRequest({ detail: "query.cursor: it is not one that this server gave" }))

/* ---------------------------------------------------------------- facts */

interface FactsRequest extends OfJob {
  readonly query: Paged & {
    readonly kind?: string | undefined
    readonly at?: number | undefined
    readonly q?: string | undefined
  }
}

/** Whether a fact has a text in its id or in its value, in capitals or not. */
const finds = (q: string | undefined): ((fact: FactJson) => boolean) => {
  if (q === undefined || q === "") return () => true
  const wanted = q.toLowerCase()
  return ({ id, value }) => id.toLowerCase().includes(wanted) || JSON.stringify(value).toLowerCase().includes(wanted)
}

/** Facts in commit order after a position, up to a number of them. */
type Source = (after: number, limit: number) => { readonly facts: ReadonlyArray<FactJson>; readonly hasMore: boolean }

const ofReplay =
  ({ context }: Replayed, kind: string | undefined): Source =>
  (after, limit) =>
    sealedFacts(context, { kind, after, limit })

const ofView =
  (view: JobView, kind: string | undefined): Source =>
  (after, limit) =>
    view.facts({ kind, after, limit })

/** Reads pages until enough facts are found, or so many were looked at that the client has to ask again. */
const search = Effect.fnUntraced(function* (source: Source, after: number, limit: number, q: string | undefined) {
  const isFound = finds(q)
  const found: Array<FactJson> = []
  let last = after
  for (let looked = 0; looked < Limits.serverSearchedFacts; looked += Limits.serverPage) {
    const { facts, hasMore } = source(last, q === undefined ? limit : Limits.serverPage)
    for (const fact of facts) {
      last = fact.provenance.version
      if (isFound(fact)) found.push(fact)
      if (found.length === limit)
        return { facts: found, cursor: hasMore || fact !== facts.at(-1) ? String(last) : null }
    }
    if (!hasMore) return { facts: found, cursor: null }
    yield* breathe
  }
  return { facts: found, cursor: String(last) }
})

/** A page of the facts of a job: as they are now, or after a cycle; all, or those with a text in them. */
export const factPage = Effect.fnUntraced(function* (core: SharedCore, { params, query }: FactsRequest) {
  const { at, kind, limit = Limits.serverPage, q } = query
  const after = yield* placeOf(query)
  if (at !== undefined) {
    const replayed = yield* core.replays.at(params.id, at)
    const page = yield* search(ofReplay(replayed, kind), after, limit, q)
    return json({ facts: page.facts.map(factJson), version: replayed.version, cursor: page.cursor })
  }
  const { view } = yield* core.directory.hold(params.id)
  const { version } = view.facts({ kind, after: Number.MAX_SAFE_INTEGER, limit: 1 })
  const page = yield* search(ofView(view, kind), after, limit, q)
  return json({ facts: page.facts.map(factJson), version, cursor: page.cursor })
})

/* ---------------------------------------------------------------- changes */

const pointOf = ({ cycle, hash, jobId, version }: Replayed) => ({ jobId, cycle, version, hash })

const changeJson = ({ after, before, change }: Change) => ({
  change,
  before: before === null ? null : shown(before),
  after: after === null ? null : shown(after)
})

/** A page of the changes from one context to another. */
const changes = Effect.fnUntraced(function* (from: Replayed, to: Replayed, query: Paged) {
  const { limit = Limits.serverPage } = query
  const start = yield* placeOf(query)
  const all = yield* inSlices(changesBetween(from.context, to.context, from.jobId === to.jobId))
  const end = start + limit
  const counts = { added: 0, revised: 0, removed: 0 }
  for (const { change } of all) counts[change]++
  return json({
    from: pointOf(from),
    to: pointOf(to),
    counts,
    changes: all.slice(start, end).map(changeJson),
    cursor: end < all.length ? String(end) : null
  })
})

interface DiffRequest extends OfJob {
  readonly query: Paged & { readonly from?: number | undefined; readonly to?: number | undefined }
}

/** The changes of some cycles of a job. */
export const diff = Effect.fnUntraced(function* (core: SharedCore, { params, query }: DiffRequest) {
  const { from = 0, to } = query
  const after = yield* core.replays.at(params.id, to)
  if (from > after.cycle) {
    return yield* new Problems.InvalidRequest({ detail: `query.from: cycle ${from} is after cycle ${after.cycle}` })
  }
  return yield* changes(yield* core.replays.at(params.id, from), after, query)
})

interface DiffJobsRequest {
  readonly params: { readonly id: string; readonly otherId: string }
  readonly query: Paged & { readonly at?: number | undefined; readonly otherAt?: number | undefined }
}

/** The changes from a job to another one. */
export const diffJobs = Effect.fnUntraced(function* (core: SharedCore, { params, query }: DiffJobsRequest) {
  yield* permitJob(core, params.otherId)
  const before = yield* core.replays.at(params.id, query.at)
  return yield* changes(before, yield* core.replays.at(params.otherId, query.otherAt), query)
})

/* ---------------------------------------------------------------- lineage */

interface LineageRequest extends OfJob {
  readonly query: Paged & {
    readonly kind: string
    readonly fact: string
    readonly without?: "true" | "false" | undefined
    readonly at?: number | undefined
  }
}

/** The facts that follow from a fact, or that would go without it. */
export const lineage = Effect.fnUntraced(function* (core: SharedCore, { params, query }: LineageRequest) {
  const { at, fact: id, kind, limit = Limits.serverPage, without } = query
  const after = yield* placeOf(query)
  const { context, version } =
    at === undefined ? (yield* core.directory.hold(params.id)).view.committed : yield* core.replays.at(params.id, at)
  const relation = without === "true" ? "needs" : "follows"
  const related = yield* inSlices(relatedTo(context, { kind, id }, relation, version))
  if (related === undefined) return yield* new Problems.UnknownFact({ jobId: params.id, kind, id })
  const rest = related.filter(({ fact }) => fact.provenance.version > after)
  const page = rest.slice(0, limit)
  return json({
    fact: { kind, id },
    relation,
    count: related.length,
    facts: page.map(shown),
    version,
    cursor: rest.length > limit ? String(page.at(-1)?.fact.provenance.version ?? 0) : null
  })
})

/* ---------------------------------------------------------------- replay and check */

interface ReplayRequest extends OfJob {
  readonly query: { readonly at?: number | undefined }
}

/** A job as it was after a cycle. */
export const replay = Effect.fnUntraced(function* (core: SharedCore, { params, query }: ReplayRequest) {
  const { context, diagnostics, input, intents, marks, unanswered, ...rest } = yield* core.replays.at(
    params.id,
    query.at
  )
  return json({
    ...rest,
    input: plain(input),
    facts: context.counts(),
    marks: Object.fromEntries(marks),
    intents: intents.map((intent) => ({ ...intent, payload: plain(intent.payload) })),
    unanswered: unanswered.map((intent) => ({ ...intent, payload: plain(intent.payload) })),
    diagnostics: diagnostics.map(({ cause, each, ...where }) => ({
      ...where,
      each: each ?? null,
      cause: errorJson(errorToJson(cause))
    }))
  })
})

/** Whether a journal is what was written: every hash, every checksum, and no row missing. */
export const verify = Effect.fnUntraced(function* (core: SharedCore, store: JobStore["Service"], { params }: OfJob) {
  if (!store.isDurable) {
    yield* core.directory.find(params.id)
    return yield* noJournal(params.id)
  }
  yield* Effect.mapError(store.load(params.id), (error) => ofStore(params.id, error)).pipe(
    // Damage is what this route reports.
    Effect.catchTag("Unavailable", () => Effect.void)
  )
  const { corrupt, status, ...found } = yield* Journal.verify(params.id).pipe(
    Effect.provideService(JobStore, store),
    Effect.mapError((error) => ofStore(params.id, error))
  )
  return json({ ...found, status: status ?? null, corrupt: corrupt ?? null })
})

/* ---------------------------------------------------------------- fork */

interface ForkRequest extends OfJob {
  readonly request: HttpServerRequest
}

/** Deletes the journals of jobs that ended some time ago. */
export const prune = Effect.fnUntraced(function* (
  core: SharedCore,
  store: JobStore["Service"],
  { request }: Pick<ForkRequest, "request">
) {
  yield* permitAll
  const { olderThan } = yield* readBody(request, Shapes.Prune, core.settings.maxBodyValues)
  const ms = typeof olderThan === "string" ? durationMs(olderThan) : olderThan
  if (ms === undefined) {
    const detail = `body.olderThan: ${JSON.stringify(olderThan)} is no time such as "7d" or "12 hours"`
    return yield* new Problems.InvalidRequest({ detail })
  }
  if (!store.isDurable) return yield* noJournal("")
  const now = yield* Clock.currentTimeMillis
  const deleted = yield* Effect.mapError(
    store.prune({ haltedSince: now - ms }),
    ({ reason }) => new Problems.Unavailable({ reason: "store", detail: `the store failed: ${reason}` })
  )
  const { name } = yield* Sender
  const annotations = { action: "prune", deleted, ...(name === undefined ? {} : { token: name }) }
  yield* Effect.annotateLogs(Effect.logInfo(`journals deleted: ${deleted}, by ${name ?? "anybody"}`), annotations)
  return json({ deleted })
})

/** Starts a new job from a past cycle of another, and answers with its id. */
export const fork = Effect.fnUntraced(function* (core: SharedCore, { params, request }: ForkRequest) {
  if (core.isDraining()) return yield* new Problems.Unavailable({ reason: "shutting-down" })
  const asked = yield* readBody(request, ForkBody, core.settings.maxBodyValues)
  const { maxSignalFacts: limit } = core.settings
  if ((asked.facts?.length ?? 0) > limit) {
    return yield* new Problems.BodyTooLarge({ limit, detail: `a fork may have ${limit} facts` })
  }
  const found = yield* core.directory.find(params.id)
  if (!core.directory.isDurable) return yield* noJournal(params.id)
  const program = isKnown(found) ? found.view.program.name : found.journal.program
  const known = yield* core.directory.fork(program, params.id, asked)
  known.isWanted = true
  yield* audit("fork", known.job.id)
  const { staying } = known.view
  return HttpServerResponse.setStatus(
    HttpServerResponse.setHeaders(json({ jobId: known.job.id, ...(staying === undefined ? {} : { staying }) }), {
      location: `../${encodeURIComponent(known.job.id)}`
    }),
    202
  )
})
