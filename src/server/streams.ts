/**
 * Answers that are streams: their number is limited, and the server counts the bytes that their clients hold.
 *
 * Boundary: bytes in, a response out.
 */
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { SharedCore } from "./core.ts"
import type { KnownJob } from "./directory.ts"
import { isOfPage } from "./headers.ts"
import { hangUp } from "./nodeServer.ts"
import * as Problems from "./problems.ts"
import { Place } from "./viewerRoom.ts"

/** The place of a request's client in the `ViewerRoom`. */
export const placeOf = (request: HttpServerRequest): Place => new Place(() => hangUp(request.source))

/** A stream of bytes for a client. */
interface Streaming {
  readonly contentType: string
  readonly bytes: Stream.Stream<Uint8Array>
  /** The job that the stream is about. Undefined if the server does not hold it. */
  readonly known?: KnownJob | undefined
  /** Default: a new one. */
  readonly place?: Place
}

/** Answers with a stream of bytes, unless too many streams are open. */
export const streamed = (
  { farewells, room, settings, streams }: SharedCore,
  request: HttpServerRequest,
  { bytes, contentType, known, place = placeOf(request) }: Streaming
): Effect.Effect<HttpServerResponse.HttpServerResponse, Problems.Unavailable> =>
  Effect.suspend(() => {
    if (streams.count >= settings.maxStreams) {
      const detail = "too many event streams are open"
      return Effect.fail(new Problems.Unavailable({ reason: "streams", detail }))
    }
    const noted = known === undefined ? bytes : farewells.noting(known, isOfPage(request.headers), bytes)
    const counted = Stream.unwrap(
      Effect.as(
        Effect.acquireRelease(
          Effect.sync(() => streams.count++),
          () => Effect.sync(() => streams.count--)
        ),
        noted
      )
    )
    const sent = room.sending(place, counted, ({ length }) => length)
    return Effect.succeed(HttpServerResponse.stream(sent, { contentType, headers: { "x-accel-buffering": "no" } }))
  })
