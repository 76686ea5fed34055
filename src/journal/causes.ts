/**
 * Encodes causes as JSON, for rows and ends, and decodes them.
 *
 * Boundary: pure functions from causes to JSON and from JSON to causes.
 */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import type { Cause } from "../outcome/Cause.ts"
import * as JobError from "../outcome/JobError.ts"
import { errorFormOf, isCarrier, remember } from "../outcome/errorDescription.ts"
import { type ErrorForm, type Form, isErrorForm } from "../values/errorData.ts"
import { describeError } from "../values/panic.ts"
import { isObject } from "./jsonRecord.ts"

/** A cause as JSON. It has no empty message. It has a stack only if an earlier version wrote it. */
export type CauseJson = Cause extends infer One ? Unsaid<One, "message" | "stack"> : never

type Unsaid<One, Key extends string> = One extends unknown
  ? Omit<One, Key> & { readonly [K in Key & keyof One]?: One[K] }
  : never

/** The error class of each cause. Its fields are those of the cause, and the job's id. */
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
  WorkersUnavailable: JobError.WorkersUnavailable,
  IntentFailed: JobError.IntentFailed
}

const schemas = Object.values(errors).map((error) => {
  const { message, stack, ...fields } = Struct.omit(error.fields, ["jobId"])
  const text = Schema.optionalKey(Schema.String)
  return Schema.Struct({
    ...fields,
    ...(message === undefined ? {} : { message: text }),
    ...(stack === undefined ? {} : { stack: text })
  })
})

/** Whether a value is a cause as JSON, and so can become an error. */
export const isCauseJson: (value: unknown) => value is CauseJson = Schema.is(
  // The schemas come from a table, so their type has no fields. fromCause.ts checks that causes and errors match.
  Schema.Union(schemas) as unknown as Schema.Codec<CauseJson>
)

/** Encodes a cause without its stack. An error of the program is encoded in the form that `reviveCause` reads. */
export const causeJson = (cause: Cause): CauseJson => {
  const json = JobError.toJson(cause) as unknown as CauseJson
  return isCarrier(cause) ? ({ ...json, error: errorFormOf(cause) } as CauseJson) : json
}

/** Decodes the cause of a journal. An error of the program becomes an `Error` again, and prints as the original did. */
export const reviveCause = (cause: CauseJson): Cause => {
  switch (cause._tag) {
    case "AgentPanicked":
    case "ProgramPanicked":
      return { ...cause, message: cause.message ?? "", stack: cause.stack ?? "" }
    case "InvalidEffect":
    case "StoreFailed":
    case "WorkersUnavailable":
      return { ...cause, message: cause.message ?? "" }
    case "AgentFailed":
    case "IntentFailed": {
      // The journal holds JSON.
      const form = soundForm(cause.error as Form)
      const revived = { ...cause, error: revivedOf(form) }
      remember(revived, form)
      return revived
    }
    default:
      return cause
  }
}

/** Converts a form of an earlier version, which had message and cause among the fields, and any value as a name. */
const soundForm = (form: Form): Form => {
  if (!isErrorForm(form)) return form
  const { cause, errors, fields, message, name }: Partial<ErrorForm["~error"]> = form["~error"]
  const { cause: earlier, ...own } = isObject(fields) ? fields : {}
  const shown = Object.entries(own).filter(([key]) => !key.startsWith("~") && !said.includes(key))
  const kept = cause ?? (isObject(earlier) && Object.keys(earlier).length === 0 ? undefined : earlier)
  return {
    "~error": {
      name: textOf(name),
      message: textOf(message),
      fields: Object.fromEntries(shown),
      ...(kept === undefined ? {} : { cause: soundForm(kept) }),
      ...(errors === undefined ? {} : { errors })
    }
  }
}

const said = ["name", "message", "stack", "errors"]

const textOf = (value: unknown): string => (typeof value === "string" ? value : describeError(value ?? ""))

/** Decodes a form. Each error form in it becomes an `Error`. */
const revivedOf = (form: Form): unknown => {
  if (typeof form !== "object" || form === null) return form
  if (Array.isArray(form)) return form.map(revivedOf)
  if (!isErrorForm(form)) return Object.fromEntries(Object.entries(form).map(([key, field]) => [key, revivedOf(field)]))
  const { cause, errors, fields, message, name } = form["~error"]
  const hidden = (value: unknown) => ({ value, enumerable: false, configurable: true, writable: true })
  return Object.defineProperties(Object.assign(new Error(message), revivedOf(fields)), {
    name: hidden(name),
    // Nothing threw this error here, so it has no stack of its own.
    stack: hidden(`${name}: ${message}`),
    ...(cause === undefined ? {} : { cause: hidden(revivedOf(cause)) }),
    ...(errors === undefined ? {} : { errors: hidden(errors.map(revivedOf)) })
  })
}
