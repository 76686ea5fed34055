/**
 * The routes that look at the past of a job, and at what follows from a fact: facts of any cycle and searched, changes, lineage,
 * a replay, the check of a journal; and the fork of a job from a past cycle.
 *
 * Questions about the past need a durable store. Long answers come page by page. Boundary: from requests to journals and back.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { Encoded } from "../journal/liveFacts.ts"
import * as Journal from "../journal/Journal.ts"
import { type Change, changesBetween } from "../journal/changes.ts"
import { cyclesOf } from "../store/cycles.ts"
import { relatedTo } from "../journal/lineage.ts"
import { Limits } from "../Limits.ts"
import { errorToJson, factJson as encodedFact, type FactJson, newest } from "../outcome/resultJson.ts"
import { JobDamaged, StoreError } from "../outcome/StoreError.ts"
import { inSlices } from "../platform/slices.ts"
import { JobStore } from "../store/JobStore.ts"
import { Sender } from "./api.ts"
import { ForkBody } from "./bodies.ts"
import { readBody } from "./body.ts"
import { idempotencyKey, type KeyHeader } from "./idempotencyKey.ts"
import type { SharedCore } from "./core.ts"
import { isKnown } from "./directory.ts"
import { durationMs } from "./durations.ts"
import { ofStore } from "./failures.ts"
import { findFacts, type FoundFacts, numberedPage, ofReplay, ofView, placedPage } from "./factPages.ts"
import { factJson, plain, shownError } from "./json.ts"
import { audit, permitAll, permitJob } from "./permits.ts"
import * as Problems from "./problems.ts"
import { cutIntent, cutText, cutValue } from "./previews.ts"
import { type FactName, type Paged, refOf, sideOf } from "./queries.ts"
import { noJournal, type Replayed } from "./replays.ts"
import * as Shapes from "./shapes.ts"

interface OfJob {
  readonly params: { readonly id: string }
}

/** A page of facts, and the characters of JSON up to which their values are sent whole. */
interface Asked extends Paged {
  readonly valueLength?: number | undefined
}

const json = (value: object): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(value), { contentType: "application/json" })

/** A fact, whose value is cut if its text is longer than `most`. */
const shown = (entry: Encoded, most: number | undefined): typeof Shapes.Fact.Type => {
  const { id, kind, provenance } = entry.fact
  const cut = cutText(entry.text, most)
  return cut === undefined ? factJson(encodedFact(entry)) : { kind, id, ...cut, provenance }
}

/* ---------------------------------------------------------------- facts */

interface FactsRequest extends OfJob {
  readonly query: Asked & {
    readonly kind?: string | undefined
    readonly at?: number | undefined
    readonly q?: string | undefined
    readonly offset?: number | undefined
  }
}

const factsJson = ({ cursor, facts, previous }: FoundFacts, version: number, valueLength: number | undefined) => {
  const inList = (fact: FactJson): typeof Shapes.Fact.Type => cutValue(factJson(fact), valueLength)
  return json({ facts: facts.map(inList), version, cursor, previous })
}

/** A page of the facts of a job: as they are now, or after a cycle; all, or those with a text in them. */
export const factPage = Effect.fnUntraced(function* (core: SharedCore, { params, query }: FactsRequest) {
  const { at, kind, limit = Limits.serverPage, q, valueLength } = query
  const side = yield* sideOf(query)
  // A page before another one is counted from that one.
  const offset = "before" in side ? 0 : (query.offset ?? 0)
  if (at !== undefined) {
    const replayed = yield* core.replays.at(params.id, at)
    const page = yield* findFacts(ofReplay(replayed, kind, offset), side, limit, q)
    return factsJson(page, replayed.version, valueLength)
  }
  const { view } = yield* core.directory.hold(params.id)
  const { version } = view.facts({ kind, after: Number.MAX_SAFE_INTEGER, limit: 1 })
  const page = yield* findFacts(ofView(view, kind, offset), side, limit, q)
  return factsJson(page, version, valueLength)
})

/* ---------------------------------------------------------------- changes */

const pointOf = ({ cycle, hash, jobId, version }: Replayed) => ({ jobId, cycle, version, hash })

const changeJson = ({ after, before, change }: Change, most: number | undefined) => ({
  change,
  before: before === null ? null : shown(before, most),
  after: after === null ? null : shown(after, most)
})

/** A page of the changes from one context to another. */
const changes = Effect.fnUntraced(function* (from: Replayed, to: Replayed, query: Asked) {
  const { limit = Limits.serverPage } = query
  const side = yield* sideOf(query)
  const all = yield* inSlices(changesBetween(from.context, to.context, from.jobId === to.jobId))
  const counts = { added: 0, revised: 0, removed: 0 }
  for (const { change } of all) counts[change]++
  const page = placedPage(all, side, limit)
  return json({
    from: pointOf(from),
    to: pointOf(to),
    counts,
    changes: page.items.map((change) => changeJson(change, query.valueLength)),
    cursor: page.cursor,
    previous: page.previous
  })
})

interface DiffRequest extends OfJob {
  readonly query: Asked & { readonly from?: number | undefined; readonly to?: number | undefined }
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
  readonly query: Asked & { readonly at?: number | undefined; readonly otherAt?: number | undefined }
}

/** The changes from a job to another one. */
export const diffJobs = Effect.fnUntraced(function* (core: SharedCore, { params, query }: DiffJobsRequest) {
  yield* permitJob(core, params.otherId)
  const before = yield* core.replays.at(params.id, query.at)
  return yield* changes(before, yield* core.replays.at(params.otherId, query.otherAt), query)
})

/* ---------------------------------------------------------------- lineage */

interface LineageRequest extends OfJob {
  readonly query: Asked &
    FactName & {
      readonly without?: "true" | "false" | undefined
      readonly at?: number | undefined
    }
}

/** The facts that follow from a fact, or that would go without it. */
export const lineage = Effect.fnUntraced(function* (core: SharedCore, { params, query }: LineageRequest) {
  const { at, limit = Limits.serverPage, without } = query
  const ref = yield* refOf(query)
  const side = yield* sideOf(query)
  const { context, version } =
    at === undefined ? (yield* core.directory.hold(params.id)).view.committed : yield* core.replays.at(params.id, at)
  const relation = without === "true" ? "needs" : "follows"
  const related = yield* inSlices(relatedTo(context, ref, relation, version))
  if (related === undefined) return yield* new Problems.UnknownFact({ jobId: params.id, ...ref })
  const { cursor, items, previous } = numberedPage(related.facts, ({ fact }) => fact.provenance.version, side, limit)
  const causes = yield* inSlices(related.causesOf(items))
  const facts = items.map((entry, index) => ({ ...shown(entry, query.valueLength), ...causes[index] }))
  return json({ fact: ref, relation, count: related.facts.length, facts, version, cursor, previous })
})

/* ---------------------------------------------------------------- replay and check */

interface ReplayRequest extends OfJob {
  readonly query: {
    readonly at?: number | undefined
    readonly limit?: number | undefined
    readonly valueLength?: number | undefined
  }
}

/** A job as it was after a cycle. */
export const replay = Effect.fnUntraced(function* (core: SharedCore, { params, query }: ReplayRequest) {
  const {
    answers: _,
    context,
    diagnostics,
    input,
    intents,
    marks,
    unanswered,
    ...rest
  } = yield* core.replays.at(params.id, query.at)
  // An input and payloads that are longer come as the beginnings of their texts.
  const [asked, open, discarded] = [
    newest(intents, query.limit),
    newest(unanswered, query.limit),
    newest(diagnostics, query.limit)
  ]
  const omitted = {
    intents: intents.length - asked.length,
    unanswered: unanswered.length - open.length,
    diagnostics: diagnostics.length - discarded.length
  }
  const isCut = Object.values(omitted).some((count) => count > 0)
  const shownInput = cutValue<{ readonly value: Schema.Json; readonly length?: number }>(
    { value: plain(input) },
    query.valueLength
  )
  const shownIntent = ({ payload, ...intent }: (typeof intents)[number]) =>
    cutIntent({ ...intent, payload: plain(payload) }, query.valueLength)
  return json({
    ...rest,
    input: shownInput.value,
    ...(shownInput.length === undefined ? {} : { inputLength: shownInput.length }),
    facts: context.counts(),
    marks: Object.fromEntries(marks),
    intents: asked.map(shownIntent),
    unanswered: open.map(shownIntent),
    diagnostics: discarded.map(({ cause, each, ...where }) => ({
      ...where,
      each: each ?? null,
      cause: shownError(errorToJson(cause), query.valueLength)
    })),
    ...(isCut ? { omitted } : {})
  })
})

/** A damage in words that name no file. */
const withoutPlace = (error: StoreError): StoreError => {
  if (error.reason !== "corrupt") return error
  const message = error instanceof JobDamaged ? `another ${error.damaged.part}` : "a file whose structure is damaged"
  return new StoreError({ reason: "corrupt", message })
}

/** A store for reading, whose errors name no file: a report of damage shows their messages. */
const withoutPlaces = (store: JobStore["Service"]): JobStore["Service"] => ({
  ...store,
  load: (jobId) => Effect.mapError(store.load(jobId), withoutPlace),
  rows: (jobId, after, until) => Stream.mapError(store.rows(jobId, after, until), withoutPlace),
  base: (jobId, cycle) => Stream.mapError(store.base(jobId, cycle), withoutPlace)
})

/** Whether a journal is what was written: every hash, every checksum, and no row missing. */
export const verify = Effect.fnUntraced(function* (core: SharedCore, store: JobStore["Service"], { params }: OfJob) {
  if (!store.isDurable) {
    yield* core.directory.find(params.id)
    return yield* noJournal(params.id)
  }
  yield* Effect.mapError(store.load(params.id), (error) => ofStore(params.id, error)).pipe(
    // Damage is what this route reports.
    Effect.catchTags({ Unavailable: () => Effect.void, JournalCorrupt: () => Effect.void })
  )
  const { corrupt, status, ...found } = yield* Journal.verify(params.id).pipe(
    Effect.provideService(JobStore, withoutPlaces(store)),
    Effect.mapError((error) => ofStore(params.id, error))
  )
  const { cycle = 0, part = "" } = corrupt ?? {}
  if (found.isIntact) core.damaged.forget(params.id)
  else yield* core.damaged.note(params.id, `${cycle === 0 ? "the beginning" : `cycle ${cycle}`}: ${part}`)
  const cycles = found.isIntact ? cyclesOf({ cycle: found.cycles, status }) : found.cycles
  return json({ ...found, cycles, status: status ?? null, corrupt: corrupt ?? null })
})

/* ---------------------------------------------------------------- fork */

interface ForkRequest extends OfJob {
  readonly headers: KeyHeader
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
  const haltedSince = (yield* Clock.currentTimeMillis) - ms
  const deleted = yield* Effect.mapError(
    store.prune({ haltedSince }),
    ({ reason }) => new Problems.Unavailable({ reason: "store", detail: `the store failed: ${reason}` })
  )
  core.damaged.forgetAll()
  const gone = yield* core.directory.forgetDeleted(({ haltedAt = 0 }) => haltedAt <= haltedSince)
  for (const { view } of gone) core.telemetry.drop(view)
  const { name } = yield* Sender
  const annotations = { action: "prune", deleted, ...(name === undefined ? {} : { token: name }) }
  yield* Effect.annotateLogs(Effect.logInfo(`journals deleted: ${deleted}, by ${name ?? "anybody"}`), annotations)
  return json({ deleted })
})

/** Deletes a job and all that the server has of it, and the jobs below it. */
export const remove = Effect.fnUntraced(function* (core: SharedCore, { params }: OfJob) {
  yield* permitAll
  const { deleted, gone } = yield* core.directory.delete(params.id)
  core.damaged.forget(params.id)
  for (const { view } of gone) core.telemetry.drop(view)
  yield* audit("delete", params.id)
  return json({ deleted })
})

/** Starts a new job from a past cycle of another, and answers with its id. */
export const fork = Effect.fnUntraced(function* (core: SharedCore, { headers, params, request }: ForkRequest) {
  if (core.isDraining()) return yield* new Problems.Unavailable({ reason: "shutting-down" })
  const key = yield* idempotencyKey(headers)
  const asked = yield* readBody(request, ForkBody, core.settings.maxBodyValues)
  const { maxSignalFacts: limit } = core.settings
  if ((asked.facts?.length ?? 0) > limit) {
    return yield* new Problems.BodyTooLarge({ limit, detail: `a fork may have ${limit} facts` })
  }
  const found = yield* core.directory.find(params.id)
  if (!core.directory.isDurable) return yield* noJournal(params.id)
  const program = isKnown(found) ? found.view.program.name : found.journal.program
  const known = yield* core.directory.fork(program, params.id, asked, key)
  known.isWanted = true
  yield* audit("fork", known.job.id)
  const { staying, unasked } = known.view
  const told = {
    ...(staying === undefined ? {} : { staying }),
    ...(unasked === undefined ? {} : { unasked })
  }
  return HttpServerResponse.setStatus(
    HttpServerResponse.setHeaders(json({ jobId: known.job.id, ...told }), {
      location: `../${encodeURIComponent(known.job.id)}`
    }),
    202
  )
})
