/**
 * An event as JSON text.
 *
 * A fact that the job committed has its canonical text in the job's ledger, and the event takes that text as it is. Other
 * facts are encoded by their kinds, or are JSON already, as a journal gives them.
 *
 * Invariant: the text is that of `JSON.stringify` for the event with encoded values. Boundary: pure functions.
 */
import type { JobView } from "../job/view.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import type { Fact } from "../program/Fact.ts"
import { parseJson } from "../values/parseJson.ts"
import { plainText } from "./json.ts"

/** JavaScript puts such keys before all others, so `JSON.stringify` orders them otherwise than a canonical text does. */
const integerKey = /[{,]"\d+":/

const valueText = (fact: Fact, view: JobView): string => {
  const committed = view.factText(fact.provenance.version)
  if (committed !== undefined && !integerKey.test(committed)) return committed
  const kind = view.program.kinds.get(fact.kind)
  const text = committed ?? kind?.codec.encode(fact.value).text
  return text === undefined ? plainText(fact.value) : JSON.stringify(parseJson(text))
}

const factText = (fact: Fact, view: JobView): string =>
  `{"kind":${JSON.stringify(fact.kind)},"id":${JSON.stringify(fact.id)},` +
  `"value":${valueText(fact, view)},"provenance":${JSON.stringify(fact.provenance)}}`

/** The text of an event whose field `name` holds facts: field by field, in the order that the event has. */
const withFacts = (event: JobEvent, name: string, facts: ReadonlyArray<Fact>, view: JobView): string => {
  const fields = Object.entries(event).map(([key, value]) => {
    const text = key === name ? `[${facts.map((fact) => factText(fact, view)).join(",")}]` : plainText(value)
    return `${JSON.stringify(key)}:${text}`
  })
  return `{${fields.join(",")}}`
}

/** An event as JSON text. `view`: the job that holds the facts; undefined where their values are JSON already. */
export const eventText = (event: JobEvent, view: JobView | undefined): string => {
  if (view === undefined) return plainText(event)
  if (event._tag === "FactsCommitted") return withFacts(event, "facts", event.facts, view)
  if (event._tag === "JobStarted") return withFacts(event, "seeds", event.seeds, view)
  return plainText(event)
}
