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
import { hangUp } from "./nodeServer.ts"
import * as Problems from "./problems.ts"
import { Place } from "./viewerRoom.ts"

/** The place of a request's client in the `ViewerRoom`. */
export const placeOf = (request: HttpServerRequest): Place => new Place(() => hangUp(request.source))

/** Answers with a stream of bytes, unless too many streams are open. `place`: default a new one. */
export const streamed = (
  { room, settings, streams }: SharedCore,
  request: HttpServerRequest,
  contentType: string,
  bytes: Stream.Stream<Uint8Array>,
  place: Place = placeOf(request)
): Effect.Effect<HttpServerResponse.HttpServerResponse, Problems.Unavailable> =>
  Effect.suspend(() => {
    if (streams.count >= settings.maxStreams) {
      const detail = "too many event streams are open"
      return Effect.fail(new Problems.Unavailable({ reason: "streams", detail }))
    }
    const counted = Stream.unwrap(
      Effect.as(
        Effect.acquireRelease(
          Effect.sync(() => streams.count++),
          () => Effect.sync(() => streams.count--)
        ),
        bytes
      )
    )
    const sent = room.sending(place, counted, ({ length }) => length)
    return Effect.succeed(HttpServerResponse.stream(sent, { contentType, headers: { "x-accel-buffering": "no" } }))
  })
