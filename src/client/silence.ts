/**
 * Servers that say nothing: what a client does where a connection is there, and nothing comes over it.
 *
 * Such a connection fails nowhere by itself: the other side went away without a word, or is a process that was stopped. On a
 * stream of events a server shows at intervals that it is there, so a long silence is a broken connection. Any other answer may
 * take minutes, and is waited for. Boundary: over Effect's HttpClient.
 */
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Limits } from "../Limits.ts"

/** The cause of a connection's end that is only a silence. */
class Silence extends Error {
  override readonly name = "Silence"
}

const silent = (request: HttpClientRequest.HttpClientRequest): HttpClientError => {
  const cause = new Silence("it does not answer")
  return new HttpClientError({ reason: new TransportError({ request, cause, description: cause.message }) })
}

/** Whether a connection was given up because nothing came. */
export const isSilence = ({ reason }: HttpClientError): boolean => "cause" in reason && reason.cause instanceof Silence

/** Gives up an attempt to connect to a server that does not answer. */
export const answered = <A, E, R>(connecting: Effect.Effect<A, E, R>): Effect.Effect<A, E | HttpClientError, R> =>
  Effect.timeoutOrElse(connecting, {
    duration: Limits.clientAnswerMs,
    orElse: () => Effect.fail(silent(HttpClientRequest.empty))
  })

/** An answer whose stream fails when nothing comes for too long. */
const timed = (response: HttpClientResponse): HttpClientResponse => {
  const orElse = () => Stream.fail(silent(response.request))
  return new Proxy(response, {
    get: (target, name): unknown =>
      name === "stream"
        ? Stream.timeoutOrElse(target.stream, { duration: Limits.clientSilenceMs, orElse })
        : Reflect.get(target, name)
  })
}

/** A client whose streams of events fail when nothing comes for too long. */
export const hearing = (http: HttpClient.HttpClient): HttpClient.HttpClient =>
  HttpClient.transformResponse(
    http,
    Effect.map((response) =>
      response.headers["content-type"]?.startsWith("text/event-stream") === true ? timed(response) : response
    )
  )

/** A client that runs something when an answer has not begun for a while, and waits on. */
export const telling = (http: HttpClient.HttpClient, slow: Effect.Effect<void>): HttpClient.HttpClient =>
  HttpClient.transformResponse(http, (answer) =>
    Effect.raceFirst(answer, Effect.andThen(Effect.delay(slow, Limits.clientNoteMs), Effect.never))
  )
