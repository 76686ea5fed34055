/**
 * Reads the body of a request: JSON that fits a schema.
 *
 * A body without a content type is refused like a body of another type: a page of any site can send such a request to a server
 * on this machine, and the browser asks for no permission first. Boundary: reading; the routes know what a body means.
 */
import * as Effect from "effect/Effect"
import { type HttpServerRequest } from "effect/http/HttpServerRequest"
import type * as Schema from "effect/Schema"
import { parseJson } from "../values/parseJson.ts"
import { Limits } from "../Limits.ts"
import { decode, invalidRequest } from "./decoding.ts"
import { refusalOfType } from "./headers.ts"
import * as Problems from "./problems.ts"

/** The depth to which a body may nest: that of a value, and the few levels around a value. */
const depth = Limits.valueDepth + 8

/**
 * The limit that a JSON text exceeds; undefined if it exceeds none. Too much depth overflows the stack of a recursive reader.
 * Too many values block the event loop, since a body is parsed, decoded, checked and encoded in one go. In a text that is no
 * JSON the counts mean nothing.
 */
const excessOf = (text: string, maxDepth: number, maxValues: number): "depth" | "values" | undefined => {
  let depth = 0
  let values = 1
  let isString = false
  let isOpening = false
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (isString) {
      if (unit === 0x5c) at++
      else if (unit === 0x22) isString = false
      continue
    }
    if (unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)) continue
    const isClosing = unit === 0x5d || unit === 0x7d
    // The first item of an array or object has no comma before it.
    if (unit === 0x2c || (isOpening && !isClosing)) {
      if (++values > maxValues) return "values"
    }
    isOpening = unit === 0x5b || unit === 0x7b
    if (unit === 0x22) isString = true
    else if (isOpening) {
      if (++depth > maxDepth) return "depth"
    } else if (isClosing) depth--
  }
  return undefined
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

export const readBody = <A>(
  request: HttpServerRequest,
  schema: Schema.Codec<A, unknown>,
  maxValues: number
): Effect.Effect<A, Problems.UnsupportedMediaType | Problems.InvalidRequest | Problems.BodyTooLarge> =>
  Effect.gen(function* () {
    const refusal = refusalOfType(request.headers["content-type"])
    if (refusal !== undefined) return yield* new Problems.UnsupportedMediaType({ detail: refusal })
    // The guard turns a failure here into its problem.
    const bytes = yield* Effect.orDie(request.arrayBuffer)
    const text = yield* Effect.try({
      try: () => utf8.decode(bytes),
      catch: () => new Problems.InvalidRequest({ detail: "the body is not UTF-8" })
    })
    const excess = excessOf(text, depth, maxValues)
    if (excess === "depth") {
      return yield* new Problems.InvalidRequest({ detail: `the body nests deeper than ${depth} levels` })
    }
    if (excess === "values") {
      return yield* new Problems.BodyTooLarge({ limit: maxValues, detail: `a body may have ${maxValues} values` })
    }
    const json = yield* Effect.try({
      try: () => parseJson(text),
      catch: () => new Problems.InvalidRequest({ detail: "the body is not JSON" })
    })
    return yield* Effect.mapError(decode(schema, json), ({ issue }) => invalidRequest("body", issue))
  })
