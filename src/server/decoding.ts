/**
 * Decodes a client's JSON by a schema, and describes the errors briefly.
 *
 * A description of all errors in a large value would cost the server more than the request cost its sender. So a large value
 * gets only its first error, every answer lists few errors, and texts are cut. Boundary: pure functions.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { Limits } from "../Limits.ts"
import { isLargerThan } from "../values/size.ts"
import * as Problems from "./problems.ts"

/** A text, cut to at most `length` characters for a client. */
export const cut = (text: string, length: number = Limits.serverDetailLength): string =>
  text.length <= length ? text : `${text.slice(0, length)}…`

/** Decodes what `JSON.parse` gave. */
export const decode = <A>(
  schema: Schema.ConstraintCodec<A, unknown>,
  json: unknown
): Effect.Effect<A, Schema.SchemaError> =>
  Schema.decodeUnknownEffect(schema)(json, {
    errors: isLargerThan(json, Limits.serverToldValues) ? "first" : "all",
    onExcessProperty: "error"
  })

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const keyOf = (key: PropertyKey): string | number =>
  typeof key === "number" ? key : cut(String(key), Limits.serverToldKey)

/** The problem for an invalid part of a request, with the place of each error. */
export const invalidRequest = (part: string, issue: SchemaIssue.Issue): Problems.InvalidRequest => {
  const errors = formatIssues(issue)
    .issues.slice(0, Limits.serverToldIssues)
    .map(({ message, path }) => ({
      path: [part, ...(path ?? []).map((segment) => keyOf(typeof segment === "object" ? segment.key : segment))],
      message: cut(message)
    }))
  const [first] = errors
  const detail = first === undefined ? `${part}: malformed` : `${first.path.join(".")}: ${first.message}`
  return new Problems.InvalidRequest({ detail, errors })
}
