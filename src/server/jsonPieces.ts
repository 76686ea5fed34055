/**
 * JSON with many facts in it, as text in pieces, so that a large context neither holds the event loop nor lies there as one text.
 *
 * Boundary: pure functions; who takes the pieces lets the event loop have its turns.
 */
import type { Fact } from "../program/Fact.ts"
import { Limits } from "../Limits.ts"
import { valueJson } from "./eventText.ts"
import { plainText } from "./json.ts"

/** Facts that stand for themselves in a value that is written. */
export class FactTexts {
  readonly facts: ReadonlyArray<{ readonly fact: Fact; readonly text: string }>

  /** `facts`: each with its canonical text. */
  constructor(facts: FactTexts["facts"]) {
    this.facts = facts
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a value, or one of its fields, or theirs, are facts that are written in pieces. */
const holdsFacts = (value: unknown, depth: number): boolean =>
  value instanceof FactTexts ||
  (depth > 0 && isObject(value) && Object.values(value).some((field) => holdsFacts(field, depth - 1)))

/** Levels down to which facts are looked for: a job's result, or a problem's partial result, holds them. */
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
