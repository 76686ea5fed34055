/**
 * JSON as the server reads and writes it.
 *
 * Outputs, payloads and errors of programs may be values that JSON cannot hold. That is no failure of the server. Boundary:
 * pure functions.
 */
import type * as Schema from "effect/Schema"
import * as Explanation from "../outcome/explanationJson.ts"
import { jsonText } from "../values/jsonText.ts"
import { parseJson } from "../values/parseJson.ts"
import { resultToJson, type FactJson } from "../outcome/resultJson.ts"
import { Limits } from "../Limits.ts"
import { shortened } from "./previews.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type * as Shapes from "./shapes.ts"

/** Any value as JSON text, to a bounded depth. A bigint becomes its digits; a value that cannot be written becomes null. */
export const plainText = (value: unknown): string => {
  if (typeof value === "string" || typeof value === "number") return JSON.stringify(value)
  try {
    return jsonText(value) ?? "null"
  } catch {
    return "null"
  }
}

/** Any value as JSON holds it: the text of `plainText`, parsed again. */
export const plain = (value: unknown): Schema.Json =>
  value === null || typeof value === "string" || typeof value === "boolean"
    ? value
    : // `JSON.stringify` wrote the text, so it holds JSON.
      (parseJson(plainText(value)) as Schema.Json)

/** An error's `_tag` and fields, as `JobError.toJson` gives them. */
export const errorJson = (error: unknown): typeof Shapes.ErrorJson.Type => {
  const fields = typeof error === "object" && error !== null ? Object.entries(error) : []
  const json: Record<string, Schema.Json> = Object.fromEntries(
    fields.filter(([, value]) => value !== undefined).map(([key, value]) => [key, plain(value)])
  )
  return { ...json, _tag: typeof json["_tag"] === "string" ? json["_tag"] : "Error" }
}

/** An error whose texts and lists are cut where a client names the length that it can show. Some words are always left. */
export const shownError = (error: unknown, most: number | undefined): typeof Shapes.ErrorJson.Type => {
  if (most === undefined) return errorJson(error)
  return errorJson(shortened(errorJson(error), Math.max(most, Limits.diagnosedTextLength), Limits.briefParts))
}

/** A fact whose value is the JSON that its kind's schema encoded. */
export const factJson = ({ id, kind, provenance, value }: FactJson): typeof Shapes.Fact.Type => ({
  kind,
  id,
  value: value as Schema.Json,
  provenance
})

/** A result, or the error of a job with its partial result. `limit`: the newest intents and diagnostics, at most so many. */
export const resultJson = (
  end: JobResult | { readonly _tag: string; readonly partial: JobResult.Partial },
  facts: "counts" | "all",
  limit?: number
): typeof Shapes.Result.Type => {
  const json = resultToJson(end, { facts, limit })
  return {
    ...json,
    facts: isFacts(json.facts) ? json.facts.map(factJson) : json.facts,
    output: plain(json.output),
    intents: json.intents.map((intent) => ({ ...intent, payload: plain(intent.payload) })),
    diagnostics: json.diagnostics.map((diagnostic) => ({ ...diagnostic, cause: errorJson(diagnostic.cause) })),
    error: json.error === null ? null : errorJson(json.error)
  }
}

const isFacts = (facts: ReturnType<typeof resultToJson>["facts"]): facts is ReadonlyArray<FactJson> =>
  Array.isArray(facts)

export const explanationJson = ({ nodes }: Explanation.ExplanationJson): typeof Shapes.Explanation.Type => ({
  nodes: nodes.map(({ causes, omitted, trace, ...fact }) => ({
    ...factJson(fact),
    trace: plain(trace),
    causes,
    omitted
  }))
})
