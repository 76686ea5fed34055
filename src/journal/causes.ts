/**
 * Causes as JSON, for rows and ends, and back.
 *
 * Boundary: pure functions from causes to JSON and from JSON to causes.
 */
import { toJson } from "../outcome/JobError.ts"
import { parseJson } from "../values/parseJson.ts"
import type { Cause } from "../outcome/Cause.ts"

/** A cause as JSON; its stack, which `toJson` leaves out, with it, and an error so that it can be made again. */
export const causeJson = (cause: Cause): Cause => {
  const json = toJson(cause) as unknown as Cause
  if ("error" in cause && cause.error instanceof Error) return { ...json, error: errorJson(cause.error) } as Cause
  return "stack" in cause ? ({ ...json, stack: cause.stack } as Cause) : json
}

/** An error of an agent, as it is kept: what JSON writes of it, and what it leaves out. */
interface ErrorJson {
  readonly "~error": { readonly name: string; readonly message: string; readonly fields: unknown }
}

const errorJson = (error: Error): ErrorJson => {
  let fields: unknown
  try {
    fields = parseJson(JSON.stringify(error))
  } catch {
    // Circular, or a getter that throws: what can be written is.
    fields = toJson({ _tag: error.name, ...Object.fromEntries(Object.entries(error)) })
  }
  return { "~error": { name: error.name, message: error.message, fields } }
}

/** A cause that was read back. Its error is one again: what is printed of it is what was printed before. */
export const reviveCause = (cause: Cause): Cause => {
  if (!("error" in cause) || !isErrorJson(cause.error)) return cause
  const { fields, message, name } = cause.error["~error"]
  const error = Object.assign(new Error(message), fields)
  Object.defineProperty(error, "name", { value: name, enumerable: false, configurable: true })
  // It was not thrown here.
  Object.defineProperty(error, "stack", { value: `${name}: ${message}`, enumerable: false, configurable: true })
  return { ...cause, error }
}

const isErrorJson = (error: unknown): error is ErrorJson =>
  typeof error === "object" && error !== null && "~error" in error
