/**
 * Values as lists show them: a long one is the beginning of its JSON text, with the length of the whole.
 *
 * Invariant: a value that is short enough stays as it is. Boundary: pure; the record of a job is cut by the same function as the
 * answers of a server.
 */
import type * as Schema from "effect/Schema"
import type * as Shapes from "./insightShapes.ts"

/** The beginning of a value's JSON, as a text, and the characters of all of it. */
interface Cut {
  readonly value: string
  readonly length: number
}

/** The beginning of a text, which ends with a whole character. */
const beginning = (text: string, limit: number): string => {
  const last = limit > 0 ? text.charCodeAt(limit - 1) : 0
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? limit - 1 : limit)
}

/** As `cutValue`, for a value whose JSON text is there: a long one need not be parsed. Undefined if the text is short enough. */
export const cutText = (text: string, most: number | undefined): Cut | undefined =>
  most === undefined || text.length <= most ? undefined : { value: beginning(text, most), length: text.length }

/** Cuts the value of a fact, or of the like, whose JSON text has more characters than `most`. Undefined: no value is cut. */
export const cutValue = <F extends { readonly value: unknown }>(fact: F, most: number | undefined): F | (F & Cut) => {
  if (most === undefined) return fact
  const cut = cutText(JSON.stringify(fact.value) ?? "null", most)
  return cut === undefined ? fact : { ...fact, ...cut }
}

type Story = typeof Shapes.IntentStory.Type
type Answer = NonNullable<Story["answer"]>

/** A story whose payload and facts are cut where their JSON is longer than `most`. */
export const cutStory = (story: Story, most: number | undefined): Story => {
  const { value: payload, ...cut } = cutValue<{ readonly value: Story["payload"]; readonly length?: number }>(
    { value: story.payload },
    most
  )
  const { answer } = story
  const facts = answer?.facts.map((fact) => cutValue<Answer["facts"][number]>(fact, most))
  return { ...story, ...cut, payload, answer: answer === null ? null : { ...answer, facts: facts ?? [] } }
}

/** An intent whose payload is cut where its JSON is longer than `most`: `length` is that of the whole. */
export const cutIntent = <I extends { readonly payload?: Schema.Json | undefined }>(
  intent: I,
  most: number | undefined
): I & { readonly length?: number } => {
  const cut = intent.payload === undefined ? undefined : cutText(JSON.stringify(intent.payload), most)
  return cut === undefined ? intent : { ...intent, payload: cut.value, length: cut.length }
}

/** Texts of a value that are longer than `most`, cut, with their lengths; lists and objects up to `parts` parts. */
export const shortened = (value: unknown, most: number, parts: number): unknown => {
  if (typeof value === "string")
    return value.length <= most ? value : `${beginning(value, most)}\u2026 (${value.length} characters)`
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) {
    const list: Array<unknown> = value.slice(0, parts).map((part) => shortened(part, most, parts))
    return list.length < value.length ? [...list, `\u2026 (${value.length} items)`] : list
  }
  const entries = Object.entries(value)
  return Object.fromEntries(entries.slice(0, parts).map(([name, part]) => [name, shortened(part, most, parts)]))
}
