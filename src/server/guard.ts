/**
 * The guard around every route: it checks the size of the body, the origin and the token, answers failures, sets headers, and
 * counts requests.
 *
 * Invariant: every answer that is no success is a problem (RFC 9457), and none shows a stack or a path of this machine; an
 * unexpected failure goes to the log. Boundary: no route.
 */
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import { isHttpServerError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Limits } from "../Limits.ts"
import { Authorization, Guard, Sender } from "./api.ts"
import { Core, type CoreSettings } from "./core.ts"
import { cut, invalidRequest } from "./decoding.ts"
import { isForeign } from "./headers.ts"
import { noteAtOnce, noteRefusal, noteRequest } from "./metrics.ts"
import { repeatedParameter, unknownParameter } from "./parameters.ts"
import { isSpelledAs, pathOf } from "./paths.ts"
import * as Problems from "./problems.ts"
import { accessBy, open } from "./tokens.ts"

/** The fields that all problems have. */
interface AnyProblem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string
}

const isProblem = (error: unknown): error is AnyProblem =>
  typeof error === "object" &&
  error !== null &&
  "type" in error &&
  String(error.type).startsWith("urn:effect-converge:")

const headers = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

/** Adds the default headers that a response has not set itself. */
export const sealed = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setHeaders(response, { ...headers, ...response.headers })

const ownFields = (problem: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(problem).filter(([key]) => !["_tag", "message", "stack", "cause"].includes(key)))

/** The body of a problem. */
export const problemBody = (problem: AnyProblem, request: HttpServerRequest): Readonly<Record<string, unknown>> => {
  const { detail, status, title, type } = problem
  const { detail: _detail, status: _status, title: _title, type: _type, ...fields } = ownFields(problem)
  return { type, title, status, detail: cut(detail ?? title), instance: pathOf(request.originalUrl), ...fields }
}

const problemType = "application/problem+json"

/** A problem as a response. `written`: a response that has the body already. */
export const problemResponse = (
  problem: AnyProblem,
  request: HttpServerRequest,
  written?: HttpServerResponse.HttpServerResponse
): HttpServerResponse.HttpServerResponse => {
  const { status } = problem
  const response =
    written === undefined
      ? HttpServerResponse.text(JSON.stringify(problemBody(problem, request)), { status, contentType: problemType })
      : HttpServerResponse.setHeader(HttpServerResponse.setStatus(written, status), "content-type", problemType)
  const more: Record<string, string> = {}
  if (status === 429 || status === 503) {
    more["retry-after"] = String(Limits.serverRetryAfterS)
    noteRefusal(problem instanceof Problems.StoreFailed ? "store" : String(ownFields(problem)["reason"]))
  }
  if (status === 401) more["www-authenticate"] = "Bearer"
  if (problem instanceof Problems.MethodNotAllowed) more["allow"] = problem.allow.join(", ")
  return sealed(HttpServerResponse.setHeaders(response, more))
}

/** The route that tells a token its rights. */
const myPath = "/api/v1/me"

/** Whether the query of a URL has a part that is no text: an escape that is none, or bytes that are no UTF-8. */
const isUnreadable = (url: string): boolean => {
  const start = url.indexOf("?")
  if (start === -1) return false
  try {
    decodeURIComponent(url.slice(start))
    return false
  } catch {
    return true
  }
}

/** The name in metrics of all unknown routes: clients can invent any number of paths. */
export const noKnownRoute = "none"

/** The answer to a request that no route takes. */
export const unknownRoute = (request: HttpServerRequest): HttpServerResponse.HttpServerResponse => {
  noteAtOnce(noKnownRoute, request.method, 404)
  return problemResponse(new Problems.UnknownRoute({ detail: "there is no such route" }), request)
}

/** Runs a route only if the request spells its path as documented, since routers accept other spellings, too. */
export const spelledOnce = <E, R>(
  route: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpRouter.RouteContext | HttpServerRequest> =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest
    const found = yield* HttpRouter.RouteContext
    return isSpelledAs(found.route.path, pathOf(request.originalUrl)) ? yield* route : unknownRoute(request)
  })

const tooLarge = (limit: number): Problems.BodyTooLarge =>
  new Problems.BodyTooLarge({ limit, detail: `a body may have ${limit} bytes` })

/** The problem for a failure of a route; undefined for an unexpected one. */
const expected = (error: unknown, limit: number): AnyProblem | undefined => {
  if (isProblem(error)) return error
  if (HttpApiSchemaError.is(error) && error.kind !== "Body" && error.kind !== "ResponseHeaders") {
    return invalidRequest(error.kind.toLowerCase(), error.cause.issue)
  }
  if (isHttpServerError(error) && error.reason._tag === "RequestParseError") {
    return error.reason.reason === "BodyTooLarge"
      ? tooLarge(limit)
      : new Problems.InvalidRequest({ detail: "the body could not be read" })
  }
  return undefined
}

/** Answers with the problem for a failure, and logs an unexpected one. */
export const answer = (
  cause: Cause.Cause<unknown>,
  request: HttpServerRequest,
  limit: number
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const failure = Cause.findError(cause)
  const defect = Cause.findDefect(cause)
  const problem = Result.isSuccess(failure)
    ? expected(failure.success, limit)
    : Result.isSuccess(defect)
      ? expected(defect.success, limit)
      : undefined
  if (problem !== undefined) return Effect.succeed(problemResponse(problem, request))
  return Effect.as(
    Effect.logError(`${request.method} ${pathOf(request.originalUrl)} failed`, cause),
    problemResponse(new Problems.Internal({}), request)
  )
}

/** The time of the monotonic clock, in milliseconds and fractions of them. */
const nowMs = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)

/** The status in metrics of a request whose client went away before the answer. */
const clientGone = 499

/** The problem of a request that no route may see; undefined if the request may pass. */
const refusalOf = (
  request: HttpServerRequest,
  { method, path, query }: Pick<HttpApiEndpoint.Top, "method" | "path" | "query">,
  settings: CoreSettings
): AnyProblem | undefined => {
  const { maxBodyBytes, origins, tokens } = settings
  if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) return tooLarge(maxBodyBytes)
  if (isUnreadable(request.originalUrl)) {
    return new Problems.InvalidRequest({ detail: "query: it has an escape (%) that is none, or that is no UTF-8" })
  }
  const unfit =
    unknownParameter({ path, query }, request.originalUrl) ?? repeatedParameter({ path, query }, request.originalUrl)
  if (unfit !== undefined) return unfit
  const coding = request.headers["content-encoding"]
  if (method !== "GET" && coding !== undefined && coding.toLowerCase() !== "identity") {
    return new Problems.UnsupportedMediaType({ detail: "send the body as it is, without a content-encoding" })
  }
  // No browser sends a bearer token by itself, so a server with tokens needs no check of the origin.
  if (method === "GET" || tokens.length > 0 || !isForeign(request.headers, origins)) return undefined
  return new Problems.ForeignOrigin({ detail: "the request comes from a page of another origin than this server's" })
}

export const guard: Layer.Layer<Guard, never, Core> = Layer.effect(
  Guard,
  Effect.gen(function* () {
    const { damaged, settings } = yield* Core
    /** Takes note of a job whose journal a route found to be damaged. */
    const noteDamage = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
      const failure = Cause.findError(cause)
      if (!Result.isSuccess(failure) || !(failure.success instanceof Problems.JournalCorrupt)) return Effect.void
      const { detail, jobId, part } = failure.success
      return damaged.note(jobId, detail ?? part)
    }
    const maxBodySize = ByteSize.bytes(settings.maxBodyBytes)
    return (httpEffect, { endpoint }) =>
      spelledOnce(
        Effect.gen(function* () {
          const request = yield* HttpServerRequest
          const begin = yield* nowMs
          yield* Effect.annotateCurrentSpan("http.route", settings.prefix + endpoint.path)
          const note = (status: number) =>
            Effect.map(nowMs, (now) => noteRequest(endpoint.path, endpoint.method, status, now - begin))
          const limit = settings.maxBodyBytes
          const refusal = refusalOf(request, endpoint, settings)
          const response =
            refusal !== undefined
              ? problemResponse(refusal, request)
              : yield* Effect.provideService(httpEffect, HttpIncomingMessage.MaxBodySize, maxBodySize).pipe(
                  Effect.tapCause(noteDamage),
                  // A client that has gone away gets no answer.
                  Effect.catchCause((cause) =>
                    Cause.hasInterruptsOnly(cause) ? Effect.interrupt : answer(cause, request, limit)
                  ),
                  Effect.onInterrupt(() => note(clientGone))
                )
          yield* note(response.status)
          return sealed(response)
        })
      )
  })
)

export const authorization: Layer.Layer<Authorization, never, Core> = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const { tokens } = (yield* Core).settings
    const accessOf = accessBy(tokens)
    return Authorization.of({
      bearer: (httpEffect, { credential, endpoint }) => {
        const access = tokens.length === 0 ? open : accessOf(Redacted.value(credential))
        if (access === undefined) {
          return Effect.fail(
            new Problems.Unauthorized({ detail: "the request carries no bearer token that is known here" })
          )
        }
        const scope = endpoint.method === "GET" ? "read" : "steer"
        // Each token may ask for its own rights.
        if (endpoint.path !== myPath && !access.scopes.includes(scope)) {
          return Effect.fail(new Problems.Forbidden({ detail: `the token does not have the scope ${scope}` }))
        }
        return Effect.provideService(httpEffect, Sender, access)
      }
    })
  })
)
