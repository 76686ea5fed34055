/**
 * The routes of jobs: start, list, look at, watch, steer.
 *
 * A client that waits for a job and goes away cancels it, unless another client waits for it, the job must go on without
 * clients (`Prefer: respond-async`, an idempotency key), or the server is shutting down.
 *
 * Boundary: from requests to the directory's jobs and back.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { liveFacts } from "../journal/liveFacts.ts"
import { signalJson } from "../job/jobHandle.ts"
import { type ExplanationJson, explanationToJson } from "../outcome/explanationJson.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import { breathe, inSlices } from "../platform/slices.ts"
import { JobStore } from "../store/JobStore.ts"
import { Api, Sender } from "./api.ts"
import { NewJobBody, SignalBody } from "./bodies.ts"
import { readBody } from "./body.ts"
import { idempotencyKey, type KeyHeader } from "./idempotencyKey.ts"
import type { FactRef } from "../program/Fact.ts"
import { Core, type SharedCore } from "./core.ts"
import { isKnown, type KnownJob } from "./directory.ts"
import { contextBytesOf, endingEarly, eventsAfter } from "./eventSource.ts"
import { ofJobError, ofStart, ofRefusal } from "./failures.ts"
import { wantsLines, wantsNoWait } from "./headers.ts"
import { problemBody, problemResponse } from "./guard.ts"
import { explanationJson, resultJson, shownError } from "./json.ts"
import { FactTexts, jsonPieces } from "./jsonPieces.ts"
import { leftBy } from "./jobLog.ts"
import { jobJson, type ListQuery, listJobs } from "./jobView.ts"
import { audit, isAllowed, permitJob, permitProgram } from "./permits.ts"
import { diff, diffJobs, factPage, fork, lineage, prune, remove, replay, verify } from "./pastRoutes.ts"
import * as Problems from "./problems.ts"
import { cutIntent, cutValue } from "./previews.ts"
import { attributesAsked, type FactName, refOf } from "./queries.ts"
import type * as Shapes from "./shapes.ts"
import { briefPageLength, busyMs, type Format, lookingMs, paceOf, viewer, writingMs } from "./viewer.ts"
import { notTaken, problemOf, steer } from "./steering.ts"
import { storedEnd } from "./storedEnd.ts"
import { placeOf, streamed } from "./streams.ts"
import { telemetry } from "./telemetryRoute.ts"
import { answerApproval, answerNamed, approvals, openApprovals } from "./approvalRoutes.ts"

interface OfJob {
  readonly params: { readonly id: string }
}

/** A successful answer that is JSON already. A result may be large, so it is not checked against its schema again. */
const json = (value: object): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(value), { contentType: "application/json" })

/** JSON with all facts of a job, which is written piece by piece. */
const longJson = (
  { room }: SharedCore,
  request: HttpServerRequest,
  value: object
): HttpServerResponse.HttpServerResponse => {
  const pieces = Stream.mapEffect(Stream.fromIterable(jsonPieces(value), { chunkSize: 1 }), (piece) =>
    Effect.as(breathe, piece)
  )
  const sent = room.sending(placeOf(request), Stream.encodeText(pieces), ({ length }) => length)
  return HttpServerResponse.stream(sent, { contentType: "application/json" })
}

/** A result with all its facts, to be written piece by piece. */
const withFacts = <R extends { readonly facts: unknown }>(result: R, { context }: Pick<JobResult.Partial, "context">) =>
  Effect.map(inSlices(liveFacts(context)), (facts) => ({ ...result, facts: new FactTexts(facts) }))

const refuseWhileDraining = (core: SharedCore, jobId?: string) =>
  Effect.suspend(() =>
    core.isDraining() ? Effect.fail(new Problems.Unavailable({ reason: "shutting-down", jobId })) : Effect.void
  )

/* ---------------------------------------------------------------- start */

interface StartRequest {
  readonly headers: KeyHeader & { readonly prefer?: string | undefined }
  readonly query: { readonly facts?: "counts" | "all" | undefined }
  readonly request: HttpServerRequest
}

/** Reads the body of a start, and checks the idempotency key. */
const readStart = Effect.fnUntraced(function* (core: SharedCore, { headers, request }: StartRequest) {
  const asked = yield* readBody(request, NewJobBody, core.settings.maxBodyValues)
  return { asked, key: yield* idempotencyKey(headers) }
})

/** Waits for a job's end, and answers with it. */
const awaitEnd = Effect.fnUntraced(function* (core: SharedCore, { job }: KnownJob, { query, request }: StartRequest) {
  const end = yield* Effect.raceFirst(Effect.exit(job.result), Effect.as(core.expired, undefined))
  if (end === undefined) {
    const detail = "the server shuts down; the job is left to be resumed"
    return yield* new Problems.Unavailable({ reason: "shutting-down", jobId: job.id, detail })
  }
  const isWhole = query.facts === "all"
  if (Exit.isSuccess(end)) {
    const result = resultJson(end.value, "counts")
    return isWhole ? longJson(core, request, yield* withFacts(result, end.value)) : json(result)
  }
  const error = Option.getOrUndefined(Cause.findErrorOption(end.cause))
  if (error === undefined) return yield* Effect.die(Cause.squash(end.cause))
  const problem = ofJobError(error)
  if (!isWhole || problem.partial === null) return yield* problem
  const whole = { ...problemBody(problem, request), partial: yield* withFacts(problem.partial, error.partial) }
  return problemResponse(problem, request, longJson(core, request, whole))
})

/** The answer to a client that does not wait. A proxy may have changed the path, so `location` is relative to the request's. */
const accepted = (jobId: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setStatus(
    HttpServerResponse.setHeaders(json({ jobId }), {
      location: `jobs/${encodeURIComponent(jobId)}`,
      "preference-applied": "respond-async"
    }),
    202
  )

const start = (core: SharedCore, asking: StartRequest) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      yield* refuseWhileDraining(core)
      const { asked, key } = yield* restore(readStart(core, asking))
      yield* permitProgram(asked.program)
      const known = yield* restore(core.directory.start(asked, key))
      yield* audit("start", known.job.id)
      const isNotAwaited = wantsNoWait(asking.headers.prefer)
      if (isNotAwaited || key !== undefined) known.isWanted = true
      if (isNotAwaited) {
        if (known.view.isBeginningRefused) return yield* notTaken(known, "the store did not take the job's beginning")
        return accepted(known.job.id)
      }
      known.waiting++
      return yield* Effect.onExit(restore(awaitEnd(core, known, asking)), (exit) => {
        known.waiting--
        const isLeft = Exit.hasInterrupts(exit) && known.waiting === 0 && !known.isWanted
        return isLeft && !core.isDraining() ? known.job.cancel : Effect.void
      })
    })
  )

/* ---------------------------------------------------------------- watch */

interface EventsRequest extends OfJob {
  readonly headers: { readonly "last-event-id"?: string | undefined; readonly accept?: string | undefined }
  readonly query: { readonly after?: number | undefined; readonly brief?: "true" | "false" | undefined }
  readonly request: HttpServerRequest
}

const eventNumber = (text: string): Effect.Effect<number, Problems.InvalidRequest> =>
  /^\d{1,15}$/.test(text)
    ? Effect.succeed(Number(text))
    : Effect.fail(new Problems.InvalidRequest({ detail: "headers.last-event-id: it is not the id of an event" }))

const events = Effect.fnUntraced(function* (
  core: SharedCore,
  store: JobStore["Service"],
  { headers, params, query, request }: EventsRequest
) {
  const { directory, farewells, room, settings, written } = core
  const lastId = headers["last-event-id"]
  const after = lastId === undefined || lastId === "" ? (query.after ?? 0) : yield* eventNumber(lastId)
  const found = yield* directory.watch(params.id)
  const place = placeOf(request)
  const isBrief = query.brief === "true"
  const events = eventsAfter(store, found, after, (journal) => room.reading(place, journal, contextBytesOf), {
    pace: isBrief ? paceOf(lookingMs, busyMs) : paceOf(writingMs),
    ...(isBrief ? { pageLength: briefPageLength } : {})
  })
  const isNext = isKnown(found)
    ? found.view.log.newest > after
    : Option.isSome(yield* Effect.mapError(Stream.runHead(events), (error) => ofStart(params.id, error)))
  const isOver = isKnown(found) ? found.end !== undefined : found.journal.status !== undefined
  // After a 204, a browser does not reconnect.
  if (isOver && !isNext) return HttpServerResponse.empty({ status: 204 })
  const format: Format = wantsLines(headers.accept) ? "ndjson" : "sse"
  const known = isKnown(found) ? found : undefined
  const goodbye = farewells.of(known)
  const options = { format, after, heartbeatMs: settings.heartbeatMs, goodbye, written, isBrief }
  const contentType = format === "sse" ? "text/event-stream" : "application/x-ndjson"
  const bytes = viewer(endingEarly(events, params.id), options)
  return yield* streamed(core, request, { contentType, bytes, known, place })
})

/* ---------------------------------------------------------------- steer */

/** The answer to a client that steered a job. */
const steered = (known: KnownJob) => jobJson(known)

const cancel = Effect.fnUntraced(function* ({ directory }: SharedCore, { params }: OfJob) {
  const known = yield* directory.hold(params.id, true)
  yield* known.job.cancel
  if (known.view.isCancelOwed) {
    return yield* notTaken(known, "the store did not take the job's end: it is cancelled when the store answers again")
  }
  return yield* steered(known)
})

const pause = Effect.fnUntraced(function* ({ directory }: SharedCore, { params }: OfJob) {
  const known = yield* directory.hold(params.id)
  yield* steer(known, known.job.pause)
  return yield* steered(known)
})

const resume = Effect.fnUntraced(function* (core: SharedCore, { params }: OfJob) {
  yield* refuseWhileDraining(core, params.id)
  const known = yield* core.directory.hold(params.id, true)
  yield* steer(known, known.job.resume)
  return yield* steered(known)
})

const signal = Effect.fnUntraced(function* (
  core: SharedCore,
  { params, request }: OfJob & { readonly request: HttpServerRequest }
) {
  const { maxBodyValues, maxSignalFacts: limit } = core.settings
  const { facts } = yield* readBody(request, SignalBody, maxBodyValues)
  if (facts.length > limit) {
    return yield* new Problems.BodyTooLarge({ limit, detail: `a signal may have ${limit} facts` })
  }
  yield* refuseWhileDraining(core, params.id)
  const known = yield* core.directory.hold(params.id)
  yield* Effect.mapError(signalJson(known.job, facts), (error) =>
    error._tag === "SignalRefused" ? ofRefusal(error) : problemOf(known, error)
  )
  return yield* steered(known)
})

/* ---------------------------------------------------------------- look at */

interface GetRequest extends OfJob {
  readonly query: {
    readonly brief?: "true" | "false" | undefined
    readonly facts?: "counts" | "all" | undefined
    readonly limit?: number | undefined
    readonly valueLength?: number | undefined
  }
  readonly request: HttpServerRequest
}

interface Cut {
  readonly value: Schema.Json
  readonly length?: number
}

/** A job whose output, payloads and errors are cut where their JSON is longer than `most`. */
const shortJob = (job: typeof Shapes.Job.Type, most: number): typeof Shapes.Job.Type => {
  if (job.result === null) return job
  const { diagnostics, error, intents, output } = job.result
  const { length, value } = cutValue<Cut>({ value: output }, most)
  const result = {
    ...job.result,
    output: value,
    ...(length === undefined ? {} : { outputLength: length }),
    intents: intents.map((intent) => cutIntent(intent, most)),
    diagnostics: diagnostics.map((diagnostic) => ({ ...diagnostic, cause: shownError(diagnostic.cause, most) })),
    error: error === null ? null : shownError(error, most)
  }
  return { ...job, result }
}

/** The parts of a job that the end in its journal tells. */
const storedEndJson = (
  { left, ...rest }: NonNullable<Effect.Success<ReturnType<typeof storedEnd>>>,
  limit?: number
) => ({
  ...rest,
  result: resultJson(left, "counts", limit)
})

const get = Effect.fnUntraced(function* (core: SharedCore, { params, query, request }: GetRequest) {
  const { directory } = core
  const found = yield* query.brief === "true" ? directory.lookUp(params.id) : directory.find(params.id)
  const shown = yield* jobJson(found, query.limit)
  // An ended job stays in its journal where its program is not served, or has changed.
  const stored = isKnown(found) || query.brief === "true" ? undefined : yield* storedEnd(core.replays, found.journal)
  const whole = stored === undefined ? shown : { ...shown, ...storedEndJson(stored, query.limit) }
  const job = query.valueLength === undefined ? whole : shortJob(whole, query.valueLength)
  const left = isKnown(found) && found.end !== undefined ? leftBy(found.end) : stored?.left
  if (query.facts !== "all" || job.result === null || left === undefined) {
    return json(job)
  }
  const result = yield* withFacts(job.result, "partial" in left ? left.partial : left)
  return longJson(core, request, { ...job, result })
})

/** A derivation whose values are cut if their JSON is longer than `most`. */
const shownExplanation = (explanation: ExplanationJson, most: number | undefined) => {
  const { nodes } = explanationJson(explanation)
  return json({ nodes: nodes.map((node) => cutValue(node, most)) })
}

const explained = (explanation: ExplanationJson | null, jobId: string, { id, kind }: FactRef, most?: number) =>
  explanation === null
    ? Effect.fail(new Problems.UnknownFact({ jobId, kind, id }))
    : Effect.succeed(shownExplanation(explanation, most))

const explain = ({ directory }: SharedCore, jobId: string, ref: FactRef, most?: number) =>
  Effect.flatMap(directory.hold(jobId), ({ view }) => explained(view.explain(ref), jobId, ref, most))

/** Explains a fact as it was after a cycle. */
const explainAt = ({ replays }: SharedCore, jobId: string, ref: FactRef, at: number, most?: number) =>
  Effect.flatMap(replays.at(jobId, at), ({ context }) => explained(explanationToJson(context, ref), jobId, ref, most))

interface ExplainRequest extends OfJob {
  readonly query: FactName & { readonly at?: number | undefined; readonly valueLength?: number | undefined }
}

const explainFact = Effect.fnUntraced(function* (core: SharedCore, { params, query }: ExplainRequest) {
  const ref = yield* refOf(query)
  const { at, valueLength } = query
  return yield* at === undefined
    ? explain(core, params.id, ref, valueLength)
    : explainAt(core, params.id, ref, at, valueLength)
})

interface ListRequest extends Omit<ListQuery, "attributes"> {
  readonly attribute?: ReadonlyArray<string> | undefined
}

const list = Effect.fnUntraced(function* (
  { directory }: SharedCore,
  store: JobStore["Service"],
  { attribute = [], ...filters }: ListRequest
) {
  const attributes = yield* attributesAsked(attribute)
  // No job has two values of one attribute.
  if (attributes === undefined) return { jobs: [], cursor: null, previous: null }
  const query = { ...filters, attributes }
  const access = yield* Sender
  if (query.program !== undefined) yield* permitProgram(query.program)
  const [only, ...more] = access.programs ?? []
  const page = yield* listJobs(
    directory,
    store,
    more.length === 0 ? { ...query, program: query.program ?? only } : query
  )
  return { ...page, jobs: page.jobs.filter(({ program }) => isAllowed(access, program)) }
})

/* ---------------------------------------------------------------- permits */

/** A route of a job: refuses a token that excludes the job's program. */
const ofJob = <R extends OfJob, A, E, S>(
  core: SharedCore,
  asking: R,
  route: (core: SharedCore, asking: R) => Effect.Effect<A, E, S>
) => Effect.andThen(permitJob(core, asking.params.id), route(core, asking))

/** A route that steers a job, and logs the action. */
const steering = <R extends OfJob, A, E, S>(
  action: "cancel" | "pause" | "resume" | "signal",
  core: SharedCore,
  asking: R,
  route: (core: SharedCore, asking: R) => Effect.Effect<A, E, S>
) => ofJob(core, asking, () => Effect.andThen(audit(action, asking.params.id), route(core, asking)))

const explainVersion = Effect.fnUntraced(function* (
  { directory }: SharedCore,
  {
    params: { id: jobId, version },
    query
  }: {
    readonly params: { readonly id: string; readonly version: number }
    readonly query: { readonly valueLength?: number | undefined }
  }
) {
  const { view } = yield* directory.hold(jobId)
  // The fact of a version is the first after the version before.
  const { facts } = view.facts({ kind: undefined, after: version - 1, limit: 1 })
  const fact = facts.find(({ provenance }) => provenance.version === version)
  const explanation = fact === undefined ? null : view.explain(fact)
  if (explanation === null) {
    const detail = `no fact of the job is of version ${version}: there was none, or it was revised or pruned since`
    return yield* new Problems.UnknownFact({ jobId, kind: "", id: "", detail })
  }
  return shownExplanation(explanation, query.valueLength)
})

export const jobRoutes = HttpApiBuilder.group(
  Api,
  "jobs",
  Effect.fnUntraced(function* (handlers) {
    const core = yield* Core
    const store = yield* JobStore
    return handlers
      .handleRaw("start", (asking) => start(core, asking))
      .handle("list", ({ query }) => list(core, store, query))
      .handle("get", (asking) => ofJob(core, asking, get))
      .handle("events", (asking) => ofJob(core, asking, (core, asking) => events(core, store, asking)))
      .handle("diff", (asking) => ofJob(core, asking, diff))
      .handle("diffJobs", (asking) => ofJob(core, asking, diffJobs))
      .handle("lineage", (asking) => ofJob(core, asking, lineage))
      .handle("replay", (asking) => ofJob(core, asking, replay))
      .handle("verify", (asking) => ofJob(core, asking, (core, asking) => verify(core, store, asking)))
      .handleRaw("fork", (asking) => ofJob(core, asking, fork))
      .handleRaw("prune", (asking) => prune(core, store, asking))
      .handle("delete", (asking) => remove(core, asking))
      .handle("telemetry", (asking) => ofJob(core, asking, telemetry))
      .handle("approvals", (asking) => ofJob(core, asking, (core, asking) => approvals(core, store, asking)))
      .handle("openApprovals", ({ query }) => openApprovals(core, store, query))
      .handleRaw("answerApproval", (asking) => ofJob(core, asking, answerApproval))
      .handleRaw("answerNamed", (asking) => ofJob(core, asking, answerNamed))
      .handle("cancel", (asking) => steering("cancel", core, asking, cancel))
      .handle("pause", (asking) => steering("pause", core, asking, pause))
      .handle("resume", (asking) => steering("resume", core, asking, resume))
      .handleRaw("signal", (asking) => steering("signal", core, asking, signal))
      .handle("facts", (asking) => ofJob(core, asking, factPage))
      .handle("explain", (asking) =>
        ofJob(core, asking, (core, { params: { factId, id, kind } }) => explain(core, id, { kind, id: factId }))
      )
      .handle("explainFact", (asking) => ofJob(core, asking, explainFact))
      .handle("explainVersion", (asking) => ofJob(core, asking, explainVersion))
  })
)
