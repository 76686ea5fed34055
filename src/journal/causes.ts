/**
 * Causes as JSON, for rows and ends, and back.
 *
 * Boundary: pure functions from causes to JSON and from JSON to causes.
 */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import type { Cause } from "../outcome/Cause.ts"
import * as JobError from "../outcome/JobError.ts"
import { describeError } from "../values/panic.ts"
import { parseJson } from "../values/parseJson.ts"

/** A cause as JSON. A message that is empty is left out. */
export type CauseJson = Cause extends infer One
  ? One extends { readonly message: string }
    ? Omit<One, "message"> & { readonly message?: string }
    : One
  : never

/** The error that each cause becomes: its fields are those of the cause, and the job's id. */
const errors: { readonly [Tag in Cause["_tag"]]: { readonly fields: Schema.Struct.Fields } } = {
  AgentFailed: JobError.AgentFailed,
  AgentPanicked: JobError.AgentPanicked,
  AgentTimedOut: JobError.AgentTimedOut,
  AgentOutOfMemory: JobError.AgentOutOfMemory,
  WorkerCrashed: JobError.WorkerCrashed,
  InvalidEffect: JobError.InvalidEffect,
  MergeConflict: JobError.MergeConflict,
  BudgetExhausted: JobError.BudgetExhausted,
  InvariantViolated: JobError.InvariantViolated,
  ProgramPanicked: JobError.ProgramPanicked,
  JobCancelled: JobError.JobCancelled,
  StoreFailed: JobError.StoreFailed,
  IntentFailed: JobError.IntentFailed
}

const schemas = Object.values(errors).map((error) => {
  const { message, ...fields } = Struct.omit(error.fields, ["jobId"])
  return Schema.Struct(message === undefined ? fields : { ...fields, message: Schema.optionalKey(Schema.String) })
})

/** Whether a value is a cause as JSON: whether an error can be made of it. */
export const isCauseJson: (value: unknown) => value is CauseJson = Schema.is(
  // The schemas are made of a table, so their type knows no field; fromCause.ts holds causes and errors together.
  Schema.Union(schemas) as unknown as Schema.Codec<CauseJson>
)

/** A cause as JSON. Its stack, which `toJson` leaves out, is with it, and an error in a form from which it is made again. */
export const causeJson = (cause: Cause): CauseJson => {
  const json = JobError.toJson(cause) as unknown as CauseJson
  if ("error" in cause && cause.error instanceof Error) return { ...json, error: errorJson(cause.error) } as CauseJson
  return "stack" in cause ? ({ ...json, stack: cause.stack } as CauseJson) : json
}

/** An error of an agent as it is kept: the fields that JSON writes of it, and the name and message, which it leaves out. */
interface ErrorJson {
  readonly "~error": { readonly name?: unknown; readonly message?: unknown; readonly fields?: unknown }
}

const errorJson = (error: Error): ErrorJson => {
  let fields: unknown
  try {
    fields = parseJson(JSON.stringify(error))
  } catch {
    // It is circular, or a getter throws: the fields that can be written are.
    fields = JobError.toJson({ _tag: error.name, ...Object.fromEntries(Object.entries(error)) })
  }
  return { "~error": { name: error.name, message: error.message, fields } }
}

/** The cause that a journal holds as JSON. Its error is an error again, and prints as the first one did. */
export const reviveCause = (cause: CauseJson): Cause => {
  switch (cause._tag) {
    case "AgentPanicked":
    case "InvalidEffect":
    case "ProgramPanicked":
    case "StoreFailed":
      return { ...cause, message: cause.message ?? "" }
    case "AgentFailed":
    case "IntentFailed":
      return isErrorJson(cause.error) ? { ...cause, error: revivedError(cause.error) } : cause
    default:
      return cause
  }
}

const revivedError = ({ "~error": { fields, message, name } }: ErrorJson): Error => {
  const text = message === undefined ? undefined : describeError(message)
  const error = Object.assign(new Error(text), fields)
  Object.defineProperty(error, "name", { value: name, enumerable: false, configurable: true })
  // The error was not thrown here, so it has no stack of its own.
  Object.defineProperty(error, "stack", {
    value: `${describeError(name)}: ${text}`,
    enumerable: false,
    configurable: true
  })
  return error
}

const isErrorJson = (error: unknown): error is ErrorJson =>
  typeof error === "object" &&
  error !== null &&
  "~error" in error &&
  typeof error["~error"] === "object" &&
  error["~error"] !== null
