/**
 * The description of the error that a cause carries, for journals, events, clients and results.
 *
 * It is made once for each cause. An agent may change its error later, or fail with the same one again: every reader, also one
 * after a replay, gets the same description.
 *
 * Boundary: a memory of descriptions, which lives as long as the causes.
 */
import { describeStack } from "../values/panic.ts"
import { type Form, formOf, formText, plainForm, type PlainJson } from "../values/errorData.ts"

/** A cause with an error of the program, or the typed error that was made of it. */
export interface Carrier {
  readonly error: unknown
}

/** Whether a cause, or an error that was made of one, carries an error of the program as it was. */
export const isCarrier = <A extends { readonly _tag: string }>(cause: A): cause is A & Carrier =>
  (cause._tag === "AgentFailed" || cause._tag === "IntentFailed") && "error" in cause

interface Description {
  readonly form: Form
  readonly plain: PlainJson
}

const descriptions = new WeakMap<object, Description>()

/** Gives a carrier the description that its journal holds. */
export const remember = (carrier: object, form: Form): void => {
  descriptions.set(carrier, { form, plain: plainForm(form) })
}

/** Gives the error that is made of a cause the description of that cause. */
export const describeAlike = (error: object, cause: { readonly _tag: string }): void => {
  if (isCarrier(cause)) descriptions.set(error, descriptionOf(cause))
}

const descriptionOf = (carrier: Carrier): Description => {
  const present = descriptions.get(carrier)
  if (present !== undefined) return present
  const form = formOf(carrier.error)
  const made: Description = { form, plain: plainForm(form) }
  descriptions.set(carrier, made)
  return made
}

/** The error of a carrier in the form from which it can be made again. */
export const errorFormOf = (carrier: Carrier): Form => descriptionOf(carrier).form

/** The error of a carrier as clients read it. */
export const errorJsonOf = (carrier: Carrier): PlainJson => descriptionOf(carrier).plain

/** The error of a carrier as a text. */
export const errorTextOf = (carrier: Carrier): string => formText(descriptionOf(carrier).form)

/** The stack of a cause's error, and those of its own causes, for the terminal and the log. "" if there is none. */
export const stackOf = (cause: { readonly _tag: string }): string => {
  if (isCarrier(cause)) return describeStack(cause.error)
  const isPanic = cause._tag === "AgentPanicked" || cause._tag === "ProgramPanicked"
  return isPanic && "stack" in cause && typeof cause.stack === "string" ? cause.stack : ""
}
