/**
 * The routes of jobs: start, list, look at, watch, steer.
 *
 * A client that waits for a job and goes away cancels it, if nobody else wants it: not if somebody else waits for it, did not
 * want to wait or gave an idempotency key, or the server is shutting down. Boundary: from requests to the directory's jobs and back.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { committedFacts, explainCommitted } from "../job/committed.ts"
import { signalJson } from "../job/jobHandle.ts"
import { Limits } from "../Limits.ts"
import { JobStore } from "../store/JobStore.ts"
import { Api } from "./api.ts"
import { readBody } from "./body.ts"
import { Core } from "./core.ts"
import { type Entry, isEntry } from "./directory.ts"
import { endingEarly, eventsAfter } from "./eventSource.ts"
import { ofJobError, ofStart, ofSteering } from "./failures.ts"
import { wantsLines, wantsNoWait } from "./headers.ts"
import { explanationJson, factJson, resultJson } from "./json.ts"
import { jobJson, listJobs } from "./jobView.ts"
import * as Problems from "./problems.ts"
import * as Shapes from "./shapes.ts"
import { type Format, viewer } from "./viewer.ts"

/** A success that is JSON already: a result may be large, and is not checked against its schema once more. */
const json = (value: object): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(value), { contentType: "application/json" })

const keyPattern = /^[\x21-\x7e][\x20-\x7e]{0,254}$/

const eventNumber = (text: string): Effect.Effect<number, Problems.InvalidRequest> =>
  /^\d{1,15}$/.test(text)
    ? Effect.succeed(Number(text))
    : Effect.fail(new Problems.InvalidRequest({ detail: "headers.last-event-id: it is not the id of an event" }))

export const jobRoutes = HttpApiBuilder.group(
  Api,
  "jobs",
  Effect.fnUntraced(function* (handlers) {
    const core = yield* Core
    const store = yield* JobStore
    const { directory, settings } = core

    const refuseWhileDraining = (jobId?: string) =>
      Effect.suspend(() =>
        core.isDraining() ? Effect.fail(new Problems.Unavailable({ reason: "shutting-down", jobId })) : Effect.void
      )

    /** Waits for a job's end, and answers with it. */
    const awaitEnd = ({ job }: Entry, facts: "counts" | "all") =>
      Effect.gen(function* () {
        const end = yield* Effect.raceFirst(Effect.exit(job.result), Effect.as(core.expired, undefined))
        if (end === undefined) {
          const detail = "the server shuts down; the job is left to be resumed"
          return yield* new Problems.Unavailable({ reason: "shutting-down", jobId: job.id, detail })
        }
        if (Exit.isSuccess(end)) return json(resultJson(end.value, facts))
        const error = Option.getOrUndefined(Cause.findErrorOption(end.cause))
        if (error === undefined) return yield* Effect.die(Cause.squash(end.cause))
        return yield* ofJobError(error, facts)
      })

    const steered = (entry: Entry) => jobJson(entry, "counts")

    return handlers
      .handleRaw("start", ({ headers, query, request }) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.gen(function* () {
            yield* refuseWhileDraining()
            const asked = yield* restore(readBody(request, Shapes.Read.NewJob, settings.maxBodyValues))
            const key = headers["idempotency-key"]
            if (key !== undefined && !keyPattern.test(key)) {
              const detail = "headers.idempotency-key: up to 255 visible characters of ASCII"
              return yield* new Problems.InvalidRequest({ detail })
            }
            if (key !== undefined && asked.id !== undefined) {
              const detail = "body.id: the job's id is given by the idempotency key"
              return yield* new Problems.InvalidRequest({ detail })
            }
            const entry = yield* restore(directory.start(asked, key))
            const isNotAwaited = wantsNoWait(headers.prefer)
            if (isNotAwaited || key !== undefined) entry.isWanted = true
            if (isNotAwaited) {
              return HttpServerResponse.setStatus(
                HttpServerResponse.setHeaders(json({ jobId: entry.job.id }), {
                  location: `${settings.prefix}/api/v1/jobs/${encodeURIComponent(entry.job.id)}`,
                  "preference-applied": "respond-async"
                }),
                202
              )
            }
            entry.waiting++
            return yield* Effect.onExit(restore(awaitEnd(entry, query.facts ?? "counts")), (exit) => {
              entry.waiting--
              const isLeft = Exit.hasInterrupts(exit) && entry.waiting === 0 && !entry.isWanted
              return isLeft && !core.isDraining() ? entry.job.cancel : Effect.void
            })
          })
        )
      )
      .handle("list", ({ query }) => listJobs(directory, store, query))
      .handle("get", ({ params, query }) =>
        Effect.flatMap(directory.find(params.id), (found) => Effect.map(jobJson(found, query.facts ?? "counts"), json))
      )
      .handle("events", ({ headers, params, query }) =>
        Effect.gen(function* () {
          const after =
            headers["last-event-id"] === undefined || headers["last-event-id"] === ""
              ? (query.after ?? 0)
              : yield* eventNumber(headers["last-event-id"])
          const found = yield* directory.watch(params.id)
          const events = eventsAfter(store, found, after)
          const isNext = isEntry(found)
            ? found.session.log.newest > after
            : Option.isSome(yield* Effect.mapError(Stream.runHead(events), (error) => ofStart(params.id, error)))
          const isOver = isEntry(found) ? found.end !== undefined : found.journal.status !== undefined
          // A browser that is answered so does not come back.
          if (isOver && !isNext) return HttpServerResponse.empty({ status: 204 })
          if (core.streams.count >= settings.maxStreams) {
            return yield* new Problems.Unavailable({ reason: "streams", detail: "too many event streams are open" })
          }
          const format: Format = wantsLines(headers.accept) ? "ndjson" : "sse"
          const { goodbye } = core
          const options = { format, after, heartbeatMs: settings.heartbeatMs, goodbye }
          const counted = Stream.unwrap(
            Effect.as(
              Effect.acquireRelease(
                Effect.sync(() => core.streams.count++),
                () => Effect.sync(() => core.streams.count--)
              ),
              viewer(endingEarly(events, params.id), options)
            )
          )
          return HttpServerResponse.stream(counted, {
            contentType: format === "sse" ? "text/event-stream" : "application/x-ndjson",
            headers: { "x-accel-buffering": "no" }
          })
        })
      )
      .handle("cancel", ({ params }) =>
        Effect.gen(function* () {
          const entry = yield* directory.hold(params.id)
          yield* entry.job.cancel
          if (entry.session.isCancelOwed) {
            const detail = "the store did not take the job's end: it is cancelled when the store answers again"
            return yield* new Problems.Unavailable({ reason: "store", jobId: params.id, detail })
          }
          return yield* steered(entry)
        })
      )
      .handle("pause", ({ params }) =>
        Effect.gen(function* () {
          const entry = yield* directory.hold(params.id)
          yield* Effect.mapError(entry.job.pause, ofSteering)
          return yield* steered(entry)
        })
      )
      .handle("resume", ({ params }) =>
        Effect.gen(function* () {
          yield* refuseWhileDraining(params.id)
          const entry = yield* directory.hold(params.id)
          yield* Effect.mapError(entry.job.resume, ofSteering)
          return yield* steered(entry)
        })
      )
      .handleRaw("signal", ({ params, request }) =>
        Effect.gen(function* () {
          const { facts } = yield* readBody(request, Shapes.Read.Signal, settings.maxBodyValues)
          if (facts.length > settings.maxSignalFacts) {
            const limit = settings.maxSignalFacts
            return yield* new Problems.BodyTooLarge({ limit, detail: `a signal may have ${limit} facts` })
          }
          yield* refuseWhileDraining(params.id)
          const entry = yield* directory.hold(params.id)
          yield* Effect.mapError(signalJson(entry.job, facts), ofSteering)
          return yield* steered(entry)
        })
      )
      .handle("facts", ({ params, query }) =>
        Effect.gen(function* () {
          const { session } = yield* directory.hold(params.id)
          const { cursor = "0", kind, limit = Limits.serverPage } = query
          if (!/^\d{1,15}$/.test(cursor)) {
            return yield* new Problems.InvalidRequest({ detail: "query.cursor: it is not one that this server gave" })
          }
          const page = committedFacts(session, { kind, after: Number(cursor), limit })
          const last = page.facts.at(-1)
          return json({
            facts: page.facts.map(factJson),
            version: page.version,
            cursor: page.hasMore && last !== undefined ? String(last.provenance.version) : null
          })
        })
      )
      .handle("explain", ({ params }) =>
        Effect.gen(function* () {
          const { session } = yield* directory.hold(params.id)
          const { factId: id, id: jobId, kind } = params
          const explanation = explainCommitted(session, { kind, id })
          if (explanation === null) return yield* new Problems.UnknownFact({ jobId, kind, id })
          return json(explanationJson(explanation))
        })
      )
  })
)
