/**
 * Events as a list of them shows them: long ones are cut, so that a job with a million seeds does not send all of them.
 *
 * An event of few characters stays as it is. Of a longer one, the first facts are sent, with the beginnings of their values, and
 * long texts are cut. `isBrief` says so, and `omitted` how many facts are left out. Boundary: an event in, JSON text out.
 */
import type { JobView } from "../job/view.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { Limits } from "../Limits.ts"
import { parseJson } from "../values/parseJson.ts"
import { eventText, factsOf } from "./eventText.ts"
import { cutValue, shortened } from "./previews.ts"

const withFacts = (event: JobEvent, most: number): JobEvent => {
  if (event._tag === "FactsCommitted") return { ...event, facts: event.facts.slice(0, most) }
  return event._tag === "JobStarted" ? { ...event, seeds: event.seeds.slice(0, most) } : event
}

const isFact = (value: unknown): value is { readonly value: unknown } =>
  typeof value === "object" && value !== null && "value" in value && "provenance" in value

/** Cuts the facts in the field of an event, and all its other long texts. */
const cutField = (name: string, field: unknown): unknown => {
  const isFacts = (name === "facts" || name === "seeds") && Array.isArray(field) && field.every(isFact)
  const shown: unknown = isFacts ? field.map((fact) => cutValue(fact, Limits.briefValueLength)) : field
  return shortened(shown, Limits.briefTextLength, Limits.briefParts)
}

/** The text of an event for a list. `textOf` gives the whole text of an event that has few facts. */
export const briefText = (
  event: JobEvent,
  view: JobView | undefined,
  textOf: (event: JobEvent) => string = (few) => eventText(few, view)
): string => {
  const count = factsOf(event).length
  const omitted = Math.max(0, count - Limits.briefFacts)
  const text = omitted === 0 ? textOf(event) : eventText(withFacts(event, Limits.briefFacts), view)
  if (omitted === 0 && text.length <= Limits.briefEventLength) return text
  const fields = Object.entries(parseJson(text) as Readonly<Record<string, unknown>>)
  const cut = Object.fromEntries(fields.map(([name, field]) => [name, cutField(name, field)]))
  return JSON.stringify({ ...cut, isBrief: true, ...(omitted === 0 ? {} : { omitted }) })
}
