/**
 * The description of the error that a cause carries: what journals, events, clients and results say of it.
 *
 * It is made once for each cause. An agent may go on to change its error, or fail with the same one again; whoever asks, now or
 * after a replay, is told the same.
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

interface Said {
  readonly form: Form
  readonly plain: PlainJson
}

const said = new WeakMap<object, Said>()

/** Says of a carrier what a journal says of it. */
export const remember = (carrier: object, form: Form): void => {
  said.set(carrier, { form, plain: plainForm(form) })
}

/** Lets the error that is made of a cause say the same as the cause. */
export const sayAlike = (error: object, cause: { readonly _tag: string }): void => {
  if (isCarrier(cause)) said.set(error, saidOf(cause))
}

const saidOf = (carrier: Carrier): Said => {
  const present = said.get(carrier)
  if (present !== undefined) return present
  const form = formOf(carrier.error)
  const made: Said = { form, plain: plainForm(form) }
  said.set(carrier, made)
  return made
}

/** The error of a carrier in the form from which it can be made again. */
export const errorFormOf = (carrier: Carrier): Form => saidOf(carrier).form

/** The error of a carrier as clients read it. */
export const errorJsonOf = (carrier: Carrier): PlainJson => saidOf(carrier).plain

/** The error of a carrier as a text. */
export const errorTextOf = (carrier: Carrier): string => formText(saidOf(carrier).form)

/** Where the error of a cause was thrown, and where its causes were: for the terminal and the log. "" if nobody knows. */
export const stackOf = (cause: { readonly _tag: string }): string => {
  if (isCarrier(cause)) return describeStack(cause.error)
  const isPanic = cause._tag === "AgentPanicked" || cause._tag === "ProgramPanicked"
  return isPanic && "stack" in cause && typeof cause.stack === "string" ? cause.stack : ""
}
