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
import type { Fact } from "../program/Fact.ts"
import { eventText, factsOf, valueText } from "./eventText.ts"
import { plainText } from "./json.ts"
import { cutText, cutValue, shortened } from "./previews.ts"

const isFact = (value: unknown): value is { readonly value: unknown } =>
  typeof value === "object" && value !== null && "value" in value && "provenance" in value

/** Cuts the facts in the field of an event, and all its other long texts. */
const cutField = (name: string, field: unknown): unknown => {
  const isFacts = (name === "facts" || name === "seeds") && Array.isArray(field) && field.every(isFact)
  const shown: unknown = isFacts ? field.map((fact) => cutValue(fact, Limits.briefValueLength)) : field
  return shortened(shown, Limits.briefTextLength, Limits.briefParts)
}

/** The text of a field, cut if it is long. */
const shortText = (text: string): string =>
  text.length <= Limits.briefTextLength
    ? text
    : plainText(shortened(parseJson(text), Limits.briefTextLength, Limits.briefParts))

/** A fact of an event, whose value is cut. */
const briefFact = ({ id, kind, provenance }: Fact, value: string): string => {
  const cut = cutText(value, Limits.briefValueLength)
  return (
    `{"kind":${JSON.stringify(kind)},"id":${shortText(JSON.stringify(id))},` +
    `"value":${cut === undefined ? value : JSON.stringify(cut.value)},"provenance":${shortText(JSON.stringify(provenance))}` +
    `${cut === undefined ? "" : `,"length":${cut.length}`}}`
  )
}

/** An event with many facts: its first ones, written once, since a viewer of a fast job is sent many such events. */
const withFewFacts = (event: JobEvent, view: JobView | undefined): string => {
  const facts = factsOf(event)
  const shown = facts.slice(0, Limits.briefFacts).map((fact) => briefFact(fact, valueText(fact, view)))
  let text = ""
  for (const [name, field] of Object.entries(event)) {
    if (field === undefined) continue
    const written = field === facts ? `[${shown.join(",")}]` : shortText(plainText(field))
    text += `${text === "" ? "{" : ","}${JSON.stringify(name)}:${written}`
  }
  return `${text},"isBrief":true,"omitted":${facts.length - shown.length}}`
}

/** The text of an event for a list. `textOf` gives the whole text of an event that has few facts. */
export const briefText = (
  event: JobEvent,
  view: JobView | undefined,
  textOf: (event: JobEvent) => string = (few) => eventText(few, view)
): string => {
  if (factsOf(event).length > 2 * Limits.briefFacts) return withFewFacts(event, view)
  const text = textOf(event)
  if (text.length <= Limits.briefEventLength) return text
  const fields = Object.entries(parseJson(text) as Readonly<Record<string, unknown>>)
  return JSON.stringify({
    ...Object.fromEntries(fields.map(([name, field]) => [name, cutField(name, field)])),
    isBrief: true
  })
}
