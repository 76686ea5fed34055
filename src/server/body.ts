/**
 * The body of a request: JSON, of a schema.
 *
 * A body without a content type is refused like one with another: a page of any site can send such a request to a server on
 * this machine without being asked for permission. Boundary: reads; what a body means is for the routes.
 */
import * as Effect from "effect/Effect"
import { type HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"
import { parseJson } from "../internal/parseJson.ts"
import { Limits } from "../Limits.ts"
import { invalidRequest } from "./guard.ts"
import { isDeeperThan } from "./json.ts"
import * as Problems from "./problems.ts"

/** How deep a body may nest: values may, and stand a few levels deep. */
const depth = Limits.valueDepth + 8

export const readBody = <A>(
  request: HttpServerRequest,
  schema: Schema.Codec<A, unknown>
): Effect.Effect<A, Problems.UnsupportedMediaType | Problems.InvalidRequest> =>
  Effect.gen(function* () {
    const type = request.headers["content-type"] ?? ""
    const [mediaType = ""] = type.split(";")
    if (mediaType.trim().toLowerCase() !== "application/json") {
      const detail = type === "" ? "the request names no content type" : "the content type is another one"
      return yield* new Problems.UnsupportedMediaType({ detail })
    }
    // What goes wrong here is turned into its problem by the guard.
    const text = yield* Effect.orDie(request.text)
    if (isDeeperThan(text, depth)) {
      return yield* new Problems.InvalidRequest({ detail: `the body nests deeper than ${depth} levels` })
    }
    const json = yield* Effect.try({
      try: () => parseJson(text),
      catch: () => new Problems.InvalidRequest({ detail: "the body is not JSON" })
    })
    return yield* Effect.mapError(
      Schema.decodeUnknownEffect(schema)(json, { errors: "all", onExcessProperty: "error" }),
      ({ issue }) => invalidRequest("body", issue)
    )
  })
