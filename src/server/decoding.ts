/**
 * JSON that a client sent, decoded by a schema; and what is wrong with it, said briefly.
 *
 * Whoever sends a large value that fits nowhere would be told so at length, which costs the server more than the request
 * cost its sender: of a large value only the first thing that is wrong is looked for, few are told of any, and texts are
 * cut. Boundary: pure functions.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { Limits } from "../Limits.ts"
import { isLargerThan } from "../values/size.ts"
import * as Problems from "./problems.ts"

/** A text, or as much of it as a client is told. */
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

/** What is wrong with a part of a request, and where. */
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
