/**
 * Results and errors as plain JSON, for the command line, the server, and the errors in a journal.
 *
 * Facts are given as counts by kind, or all of them with their encoded values. Boundary: pure functions.
 */
import type { Fact, FactRef, Provenance } from "../program/Fact.ts"
import type { Diagnostic, JobResult } from "./JobResult.ts"
import { jsonText } from "../values/jsonText.ts"
import { parseJson } from "../values/parseJson.ts"
import { errorData } from "../values/errorData.ts"
import { isError } from "../values/thrown.ts"
import { errorJsonOf, isCarrier } from "./errorDescription.ts"

/** A fact as JSON, with its value in the encoding of its kind's schema. */
export interface FactJson {
  readonly kind: string
  readonly id: string
  readonly value: unknown
  readonly provenance: Provenance
}

/** The JSON of a result, or of an error with its partial result: the fields of `JobResult`, facts as counts or whole. */
export interface ResultJson {
  readonly jobId: string
  readonly program: string
  readonly status: JobResult["status"]
  readonly cycles: number
  readonly version: number
  readonly hash: string
  readonly usage: JobResult["usage"]
  readonly facts: Readonly<Record<string, number>> | ReadonlyArray<FactJson>
  readonly output: unknown
  readonly intents: JobResult["intents"]
  readonly diagnostics: ReadonlyArray<{
    readonly cycle: number
    readonly agent: string
    readonly each: FactRef | null
    readonly part?: number
    readonly cause: unknown
  }>
  /** The older intents and diagnostics that a limit left out, counted; there only if it left some out. */
  readonly omitted?: { readonly intents: number; readonly diagnostics: number }
  /** The error that ended the job: `_tag` and its fields; null if it converged. */
  readonly error: Readonly<Record<string, unknown>> | null
}

/** The newest items of a list, at most so many. */
export const newest = <A>(list: ReadonlyArray<A>, limit = Infinity): ReadonlyArray<A> =>
  list.length <= limit ? list : list.slice(list.length - limit)

const diagnosticJson = ({ agent, cause, cycle, each, part }: Diagnostic): ResultJson["diagnostics"][number] => ({
  cycle,
  agent,
  each: each ?? null,
  ...(part === undefined ? {} : { part }),
  cause: errorToJson(cause)
})

/** A fact as JSON, from the canonical text of its value. */
export const factJson = ({ fact, text }: { readonly fact: Fact; readonly text: string }): FactJson => ({
  kind: fact.kind,
  id: fact.id,
  value: parseJson(text),
  provenance: fact.provenance
})

/**
 * A result, or the error of a job with its partial result, as plain JSON.
 *
 * `facts: "counts"` (default) gives the number of facts of each kind, `"all"` every fact in commit order. `output` is as the
 * program's schema encodes it, or as the program made it if it has none; null if there is no output.
 */
export const resultToJson = (
  end: JobResult | { readonly _tag: string; readonly partial: JobResult.Partial },
  options?: {
    /** The number of facts of each kind, or all facts in commit order. Default: `"counts"`. */
    readonly facts?: "counts" | "all" | undefined
    /** The newest intents and the newest diagnostics, at most so many of each; `omitted` counts the others. Default: all. */
    readonly limit?: number | undefined
  }
): ResultJson => {
  const isError = "partial" in end
  const result = isError ? end.partial : end
  const { context, cycles, hash, jobId, program, status, usage, version } = result
  const intents = newest(result.intents, options?.limit)
  const diagnostics = newest(result.diagnostics, options?.limit)
  const omitted = {
    intents: result.intents.length - intents.length,
    diagnostics: result.diagnostics.length - diagnostics.length
  }
  return {
    jobId,
    program,
    status,
    cycles,
    version,
    hash,
    usage,
    facts: options?.facts === "all" ? context.encoded().map(factJson) : context.counts(),
    output: encodedOutput(result) ?? null,
    intents,
    diagnostics: diagnostics.map(diagnosticJson),
    ...(omitted.intents + omitted.diagnostics > 0 ? { omitted } : {}),
    error: isError ? errorToJson(end) : null
  }
}

/** An error as plain JSON: `_tag` and its fields, without the partial result. A field that JSON cannot hold is described. */
export const errorToJson = (error: { readonly _tag: string }): Record<string, unknown> => ({
  _tag: error._tag,
  ...fieldsOf(error)
})

const hidden = ["_tag", "partial", "cause", "stack"]

const fieldsOf = (error: { readonly _tag: string }): Record<string, unknown> => {
  const shown = Object.entries(error).filter(
    ([key, value]) => !hidden.includes(key) && !(key === "message" && value === "")
  )
  const fields: Record<string, unknown> = Object.fromEntries(
    shown.map(([key, value]) => [key, key === "error" && isCarrier(error) ? errorJsonOf(error) : jsonOr(value)])
  )
  if (error instanceof Error && error.message !== "") fields["message"] ??= error.message
  return fields
}

/** A value as JSON writes it, with the digits of bigints; of a value that JSON cannot write, its description. */
const jsonOr = (value: unknown): unknown => {
  if (isError(value)) return errorData(value)
  try {
    const text = jsonText(value)
    return text === undefined ? String(value) : parseJson(text)
  } catch {
    return errorData(value)
  }
}

/** The canonical texts of outputs, by result. They live as long as the results. */
const texts = new WeakMap<object, string>()

/** Remembers the canonical text of a result's output. */
export const rememberOutput = (result: object, text: string | undefined): void => {
  if (text !== undefined) texts.set(result, text)
}

/** An output as its program's schema encodes it; without a schema, as the program made it. */
export const jsonOutput = (output: unknown, text: string | undefined): unknown =>
  text === undefined ? output : parseJson(text)

/** The output of a result as its program's schema encodes it; without a schema, as the program made it. */
export const encodedOutput = (result: { readonly output: unknown }): unknown =>
  jsonOutput(result.output, texts.get(result))
