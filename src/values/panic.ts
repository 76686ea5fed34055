/**
 * Texts for errors and for other thrown values. Any value can be thrown, and reading it may throw again.
 *
 * Boundary: never throws; loads no program, so that a worker can describe an error before it has loaded one.
 */
import { Limits } from "../Limits.ts"
import { formOf, formText, plainForm, type PlainJson } from "./errorData.ts"
import { laterOf } from "./plainResult.ts"
import { isError, readField } from "./thrown.ts"

/** Returns the text of a thrown value and its causes. */
export const describeError = (error: unknown): string => formText(formOf(error))

/** Returns the errors behind an error: its cause, or the errors of an aggregate. */
const behind = (thrown: unknown): ReadonlyArray<unknown> => {
  if (!isError(thrown)) return []
  const errors: unknown = readField(thrown, "errors")
  const cause: unknown = readField(thrown, "cause")
  const summed: ReadonlyArray<unknown> = Array.isArray(errors) ? errors.slice(0, Limits.errorDepth) : []
  return cause === undefined ? summed : [cause, ...summed]
}

/** Returns a thrown value and all errors behind it, each once. */
const chainOf = (thrown: unknown): ReadonlyArray<unknown> => {
  const chain = [thrown]
  for (let index = 0; index < chain.length && chain.length < Limits.errorDepth; index++) {
    for (const cause of behind(chain[index])) {
      if (!chain.includes(cause) && chain.length < Limits.errorDepth) chain.push(cause)
    }
  }
  return chain
}

const stackOf = (thrown: unknown): string => {
  const stack: unknown = isError(thrown) ? readField(thrown, "stack") : undefined
  return typeof stack === "string" ? stack : ""
}

/** Returns the stacks of a thrown value and its causes, for the terminal and the log. "" if there are none. */
export const describeStack = (thrown: unknown): string => {
  const [own = "", ...causes] = chainOf(thrown).map(stackOf)
  const text = [own, ...causes.filter((stack) => stack !== "").map((stack) => `caused by ${stack}`)].join("\n")
  return text.slice(0, Limits.errorTextLength)
}

/** The fields of a panic's cause that describe the thrown value. */
export interface Panic {
  readonly message: string
  readonly stack: string
  /** The thrown value as data. Left out for a text, and for an `Error` with only a message. */
  readonly error?: PlainJson
}

/** Returns the text, the stacks and the data of a thrown value. */
export const describePanic = (thrown: unknown): Panic => {
  const form = formOf(thrown)
  const text = formText(form)
  // Its text alone, such as {"code":3}, would not say that it was thrown.
  const message =
    thrown === undefined || thrown === null
      ? `it threw ${thrown}`
      : isError(thrown) || !text.startsWith("{")
        ? text
        : `an object that is no Error was thrown: ${text}`
  const panic = { message, stack: describeStack(thrown) }
  const error = plainForm(form)
  return isBare(error) ? panic : { ...panic, error }
}

/** Whether data has nothing beyond the message. */
const isBare = (error: PlainJson): boolean => {
  if (typeof error !== "object" || error === null) return true
  const { _tag, message: _, ...rest } = error as { readonly [key: string]: PlainJson }
  return _tag === "Error" && Object.keys(rest).length === 0
}

const isArray = (value: object): boolean => {
  try {
    return Array.isArray(value)
  } catch {
    // The value is a revoked proxy.
    return false
  }
}

/** Returns the type of a value, for messages. */
export const typeOf = (value: unknown): string => {
  if (value === null) return "null"
  if (typeof value !== "object") return typeof value
  return laterOf(value) ?? (isArray(value) ? "an array" : "an object")
}
