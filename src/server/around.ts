/**
 * Middleware around the routes of a whole server: refuses requests that may be meant for another host, and compresses answers.
 *
 * Boundary: middleware; routes in a router of your own do without it.
 */
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Limits } from "../Limits.ts"
import { noKnownRoute, problemResponse } from "./guard.ts"
import { codingFor, isForwarded } from "./headers.ts"
import { noteAtOnce } from "./metrics.ts"
import { compressed, hasManyHosts } from "./nodeServer.ts"
import * as Problems from "./problems.ts"
import { isLoopback } from "./settings.ts"

/** The host that a `Host` header names, without its port and in lower case. */
const hostOf = (header: string): string => header.replace(/:\d*$/, "").toLowerCase()

/**
 * Refuses requests that do not name this machine. A server without tokens on a loopback address is for users of this machine
 * only. A page of any site can make its own host name point here (DNS rebinding); the `Host` header gives it away. A proxy on
 * this machine lets other clients in, too, so the first forwarded request logs a warning.
 */
export const onlyForThisMachine = () => {
  let isWarned = false
  const warn = Effect.suspend(() => {
    isWarned = true
    return Effect.logWarning("a proxy passes requests on, and no token is asked for: its clients may do everything")
  })
  return HttpRouter.middleware(
    (effect) =>
      Effect.flatMap(HttpServerRequest, (request) => {
        const { host } = request.headers
        const isOwn = host === undefined || isLoopback(hostOf(host))
        const answer = isOwn ? effect : Effect.sync(() => misdirected(request))
        return !isWarned && isForwarded(request.headers) ? Effect.andThen(warn, answer) : answer
      }),
    { global: true }
  )
}

const misdirected = (request: HttpServerRequest): HttpServerResponse.HttpServerResponse => {
  const detail = "without a token, requests must name this machine: localhost, 127.0.0.1 or [::1]"
  noteAtOnce(noKnownRoute, request.method, 421)
  return problemResponse(new Problems.Misdirected({ detail }), request)
}

/** Refuses a request that names two hosts. */
export const onlyOneHost = HttpRouter.middleware(
  (effect) =>
    Effect.flatMap(HttpServerRequest, (request) => {
      if (!hasManyHosts(request)) return effect
      noteAtOnce(noKnownRoute, request.method, 400)
      return Effect.succeed(
        problemResponse(new Problems.InvalidRequest({ detail: "headers.host: there are two" }), request)
      )
    }),
  { global: true }
)

const isText = (type: string | undefined): boolean =>
  type !== undefined && /^(?:text\/(?:html|plain)|application\/(?:problem\+)?json)/.test(type)

/** Compresses large answers of JSON and text. A stream stays as it is, so that each piece arrives when it is written. */
export const compressing = HttpRouter.middleware(
  (effect) =>
    Effect.flatMap(HttpServerRequest, (request) =>
      Effect.flatMap(effect, (response) => {
        const { body } = response
        if (body._tag !== "Uint8Array" || !isText(body.contentType)) return Effect.succeed(response)
        const varied = HttpServerResponse.setHeader(
          response,
          "vary",
          [response.headers["vary"], "accept-encoding"].filter((name) => name !== undefined).join(", ")
        )
        const coding = codingFor(request.headers["accept-encoding"])
        if (coding === undefined || body.contentLength < Limits.serverCompressedBytes) return Effect.succeed(varied)
        return Effect.map(compressed(body.body, coding), (bytes) =>
          HttpServerResponse.setHeader(
            HttpServerResponse.setBody(varied, HttpBody.uint8Array(bytes, body.contentType)),
            "content-encoding",
            coding
          )
        )
      })
    ),
  { global: true }
)
