/**
 * The attributes that a job can be given at its start: a few short texts by name, such as a customer or an order. Lists of jobs
 * find jobs by them. They are no part of the context, the hash or the events.
 *
 * A name stands before its value in `name:value` or `name=value`, so it has neither sign. Queries and commands take both. Texts
 * have no control characters and no lone surrogates, so that a URL can hold them. The same rule holds in a program, on the
 * command line and over HTTP.
 *
 * Boundary: pure functions of values.
 */
import { Limits } from "../Limits.ts"

/** Short texts by name. */
export type Attributes = Readonly<Record<string, string>>

const odd = "\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff"

/** Matches the names and the values that an attribute can have. They look nowhere ahead, so other languages can use them. */
export const namePattern = new RegExp(`^[^${odd}:=]{1,${Limits.jobAttributeNameLength}}$`, "u")
export const valuePattern = new RegExp(`^[^${odd}]{0,${Limits.jobAttributeValueLength}}$`, "u")

/** Matches an attribute as a query names it. */
export const queryPattern = new RegExp(`${namePattern.source.slice(0, -1)}[:=]${valuePattern.source.slice(1)}`, "u")

const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)

const complaintOfName = (name: string): string | undefined =>
  namePattern.test(name)
    ? undefined
    : `the attribute name ${shown(name)} must have 1 to ${Limits.jobAttributeNameLength} characters, no control characters and none of : =`

const complaintOfValue = (name: string, value: unknown): string | undefined =>
  typeof value === "string" && valuePattern.test(value)
    ? undefined
    : `the attribute ${shown(name)} must be a string of at most ${Limits.jobAttributeValueLength} characters, without control characters`

/** Why a job cannot have these attributes; undefined if it can. */
export const refusalOfAttributes = (given: unknown): string | undefined => {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return "attributes must be an object with a string by each name"
  }
  const entries = Object.entries(given)
  if (entries.length > Limits.jobAttributes) {
    return `a job can have ${Limits.jobAttributes} attributes, and ${entries.length} are given`
  }
  for (const [name, value] of entries) {
    const complaint = complaintOfName(name) ?? complaintOfValue(name, value)
    if (complaint !== undefined) return complaint
  }
  return undefined
}

/** Attributes in the order of their names, as a job keeps them. Undefined if there are none. */
export const keptAttributes = (given: Attributes | undefined): Attributes | undefined => {
  const entries = Object.entries(given ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return entries.length === 0 ? undefined : Object.freeze(Object.fromEntries(entries))
}

/**
 * Attributes from texts such as `customer:Ada` or `customer=Ada`. The first of these signs ends the name, because a name has
 * neither. Gives the complaint about the first text that is no attribute, which names the sign that is usual there.
 */
export const parseAttributes = (
  texts: ReadonlyArray<string>,
  usual: ":" | "="
): { readonly entries: ReadonlyArray<readonly [name: string, value: string]> } | { readonly why: string } => {
  const entries: Array<readonly [string, string]> = []
  for (const text of texts) {
    const at = text.search(/[:=]/)
    if (at < 1) return { why: `an attribute is written as name${usual}value, not as ${shown(text)}` }
    const [name, value] = [text.slice(0, at), text.slice(at + 1)]
    const complaint = complaintOfName(name) ?? complaintOfValue(name, value)
    if (complaint !== undefined) return { why: complaint }
    entries.push([name, value])
  }
  return { entries }
}

/** A name that these entries give two values. No job has both. Undefined if there is none. */
export const clashIn = (entries: ReadonlyArray<readonly [name: string, value: string]>): string | undefined =>
  entries.find(([name, value]) => entries.some(([other, its]) => other === name && its !== value))?.[0]

/** Whether a job has each of these attributes. */
export const hasAttributes = (own: Attributes | undefined, asked: Attributes): boolean =>
  Object.entries(asked).every(([name, value]) => own !== undefined && Object.hasOwn(own, name) && own[name] === value)

/** Attributes as texts such as `customer:Ada`, which `parseAttributes` reads. */
export const attributeTexts = (attributes: Attributes, separator: ":" | "="): ReadonlyArray<string> =>
  Object.entries(attributes).map(([name, value]) => `${name}${separator}${value}`)
