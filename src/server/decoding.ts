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
import * as Problems from "./problems.ts"

/** A text, or as much of it as a client is told. */
export const cut = (text: string, length: number = Limits.serverDetailLength): string =>
  text.length <= length ? text : `${text.slice(0, length)}…`

/** Whether a value that `JSON.parse` gave consists of more than `limit` values. */
const isLargerThan = (json: unknown, limit: number): boolean => {
  let count = 0
  const stack: Array<unknown> = [json]
  while (stack.length > 0) {
    const value = stack.pop()
    if (++count > limit) return true
    if (typeof value !== "object" || value === null) continue
    // What is on the stack is counted later: nothing is put there that is beyond the limit.
    for (const key in value) {
      if (stack.length + count > limit) return true
      stack.push((value as Readonly<Record<string, unknown>>)[key])
    }
  }
  return false
}

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
