/**
 * Writes JSON with many facts in pieces, so that a large context neither blocks the event loop nor becomes one large text.
 *
 * Boundary: pure functions; the caller lets the event loop have its turns between pieces.
 */
import type { Fact } from "../program/Fact.ts"
import { Limits } from "../Limits.ts"
import { valueJson } from "./eventText.ts"
import { plainText } from "./json.ts"

/** Facts inside a value, which are written from their canonical texts. */
export class FactTexts {
  readonly facts: ReadonlyArray<{ readonly fact: Fact; readonly text: string }>

  /** `facts`: each with its canonical text. */
  constructor(facts: FactTexts["facts"]) {
    this.facts = facts
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a value is a `FactTexts`, or holds one within `depth` levels of fields. */
const holdsFacts = (value: unknown, depth: number): boolean =>
  value instanceof FactTexts ||
  (depth > 0 && isObject(value) && Object.values(value).some((field) => holdsFacts(field, depth - 1)))

/** Levels of fields that are searched for facts: a job's result holds them, and so does a problem's partial result. */
const levels = 2

function* tokens(value: unknown, depth: number): Generator<string, void> {
  if (value instanceof FactTexts) {
    let before = "["
    for (const { fact, text } of value.facts) {
      yield (
        `${before}{"kind":${JSON.stringify(fact.kind)},"id":${JSON.stringify(fact.id)},` +
          `"value":${valueJson(text)},"provenance":${JSON.stringify(fact.provenance)}}`
      )
      before = ","
    }
    yield value.facts.length === 0 ? "[]" : "]"
    return
  }
  if (!holdsFacts(value, depth) || !isObject(value)) return yield plainText(value)
  let before = "{"
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue
    yield `${before}${JSON.stringify(key)}:`
    yield* tokens(field, depth - 1)
    before = ","
  }
  yield before === "{" ? "{}" : "}"
}

/** A value as JSON text, in pieces. */
export function* jsonPieces(value: unknown): Generator<string, void> {
  let piece = ""
  for (const token of tokens(value, levels)) {
    piece += token
    if (piece.length < Limits.serverPieceLength) continue
    yield piece
    piece = ""
  }
  if (piece !== "") yield piece
}
