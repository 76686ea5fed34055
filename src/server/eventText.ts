/**
 * An event as JSON text.
 *
 * A fact that the job committed has its canonical text in the job's ledger, and the event takes that text as it is. Other
 * facts are encoded by their kinds, or come from a journal as JSON.
 *
 * Invariant: the text is that of `JSON.stringify` for the event with encoded values. Boundary: pure functions.
 */
import type { JobView } from "../job/view.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import type { Fact } from "../program/Fact.ts"
import { Limits } from "../Limits.ts"
import { parseJson } from "../values/parseJson.ts"
import { plainText } from "./json.ts"

/** JavaScript puts integer keys before all others, so `JSON.stringify` orders them differently from a canonical text. */
const integerKey = /[{,]"\d+":/

/** The text of `JSON.stringify` for the value of a canonical text. */
export const valueJson = (canonical: string): string =>
  integerKey.test(canonical) ? JSON.stringify(parseJson(canonical)) : canonical

/** The value of an event's fact as JSON text. `view`: as `eventPieces` takes it. */
export const valueText = (fact: Fact, view: JobView | undefined): string => {
  if (view === undefined) return plainText(fact.value)
  const committed = view.factText(fact.provenance.version)
  if (committed !== undefined) return valueJson(committed)
  const kind = view.program.kinds.get(fact.kind)
  const text = kind?.codec.encode(fact.value).text
  return text === undefined ? plainText(fact.value) : JSON.stringify(parseJson(text))
}

/** A fact of an event as JSON text. `view`: as `eventPieces` takes it. */
export const factText = (fact: Fact, view: JobView | undefined): string =>
  view === undefined
    ? plainText(fact)
    : `{"kind":${JSON.stringify(fact.kind)},"id":${JSON.stringify(fact.id)},` +
      `"value":${valueText(fact, view)},"provenance":${JSON.stringify(fact.provenance)}}`

/** The facts in an event. */
export const factsOf = (event: JobEvent): ReadonlyArray<Fact> => {
  if (event._tag === "FactsCommitted") return event.facts
  return event._tag === "JobStarted" ? event.seeds : []
}

/** The fields of events that hold facts. */
const factFields = { FactsCommitted: "facts", JobStarted: "seeds" } as const

/**
 * An event as JSON text, in pieces: field by field, in the order that the event has. `view`: the job that holds the facts;
 * undefined where their values are JSON already.
 */
export function* eventPieces(event: JobEvent, view: JobView | undefined): Generator<string, void> {
  const facts = factsOf(event)
  const name = event._tag in factFields ? factFields[event._tag as keyof typeof factFields] : ""
  let text = ""
  for (const [key, value] of Object.entries(event)) {
    if (value === undefined) continue
    text += `${text === "" ? "{" : ","}${JSON.stringify(key)}:`
    if (key !== name) {
      text += plainText(value)
      continue
    }
    let before = "["
    for (const fact of facts) {
      text += before + factText(fact, view)
      before = ","
      if (text.length < Limits.serverPieceLength) continue
      yield text
      text = ""
    }
    text += facts.length === 0 ? "[]" : "]"
  }
  yield `${text}}`
}

/** An event as JSON text. `view`: as `eventPieces` takes it. */
export const eventText = (event: JobEvent, view: JobView | undefined): string => {
  let text = ""
  for (const piece of eventPieces(event, view)) text += piece
  return text
}
