/**
 * JSON as text: up to a number of characters, or in pieces.
 *
 * Invariants: the work is bounded by the text that is made, whatever the size of the value; no depth of nesting overflows the
 * stack. Boundary: pure; a value in, a text out.
 */
import { beginning, piecesOf } from "./text.ts"

interface Open {
  readonly value: Readonly<Record<string, unknown>> | ReadonlyArray<unknown>
  /** The names of an object's fields; undefined for an array. */
  readonly names: ReadonlyArray<string> | undefined
  next: number
}

const isOpenable = (value: unknown): value is Open["value"] => typeof value === "object" && value !== null

/** Tuning: characters of a long text that are quoted at a time. */
const quotedAtOnce = 262_144

/** The text of a value without parts, in pieces. */
function* scalar(value: unknown, most: number): Generator<string> {
  if (typeof value !== "string" || value.length <= most) return yield JSON.stringify(value) ?? "null"
  yield '"'
  for (const piece of piecesOf(value, most)) yield JSON.stringify(piece).slice(1, -1)
  yield '"'
}

/**
 * The text of a value, as `JSON.stringify` gives it, in pieces. `indent`: spaces of each level; 0 for one line. `most`: the
 * characters of a text that are quoted at a time, two or more.
 */
export function* printedPieces(value: unknown, indent = 2, most = quotedAtOnce): Generator<string> {
  const open: Array<Open> = []
  const line = (): string => (indent > 0 ? `\n${" ".repeat(indent * open.length)}` : "")
  function* begin(part: unknown): Generator<string> {
    if (!isOpenable(part)) return yield* scalar(part, most)
    const names = Array.isArray(part) ? undefined : Object.keys(part)
    const isEmpty = (names ?? (part as ReadonlyArray<unknown>)).length === 0
    yield names === undefined ? (isEmpty ? "[]" : "[") : isEmpty ? "{}" : "{"
    if (!isEmpty) open.push({ value: part, names, next: 0 })
  }
  yield* begin(value)
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { names, next } = top
    if (next === (names?.length ?? (top.value as ReadonlyArray<unknown>).length)) {
      open.pop()
      yield `${line()}${names === undefined ? "]" : "}"}`
      continue
    }
    top.next++
    const name = names?.[next]
    const before = name === undefined ? "" : `${JSON.stringify(name)}:${indent > 0 ? " " : ""}`
    yield `${next > 0 ? "," : ""}${line()}${before}`
    yield* begin((top.value as Readonly<Record<string | number, unknown>>)[name ?? next])
  }
}

export interface Printed {
  readonly text: string
  /** Whether the text is that of the whole value. */
  readonly isWhole: boolean
}

/** The text of a value, or its beginning. */
export const printed = (value: unknown, limit = Infinity, indent = 2): Printed => {
  const pieces: Array<string> = []
  let length = 0
  for (const piece of printedPieces(value, indent, Math.max(2, Math.min(limit, quotedAtOnce)))) {
    pieces.push(piece)
    length += piece.length
    if (length > limit) return { text: beginning(pieces.join(""), limit), isWhole: false }
  }
  return { text: pieces.join(""), isWhole: true }
}
