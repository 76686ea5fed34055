/**
 * JSON as text, up to a number of characters.
 *
 * Invariants: the work is bounded by the text that is made, whatever the size of the value; no depth of nesting overflows the
 * stack. Boundary: pure; a value in, a text out.
 */
import { beginning } from "./text.ts"

interface Open {
  readonly value: Readonly<Record<string, unknown>> | ReadonlyArray<unknown>
  /** The names of an object's fields; undefined for an array. */
  readonly names: ReadonlyArray<string> | undefined
  next: number
}

const isOpenable = (value: unknown): value is Open["value"] => typeof value === "object" && value !== null

/** The text of a value without parts. A long text is cut before it is quoted. */
const scalar = (value: unknown, room: number): string =>
  typeof value === "string"
    ? JSON.stringify(value.length > room ? beginning(value, Math.max(room, 1)) : value)
    : (JSON.stringify(value) ?? "null")

export interface Printed {
  readonly text: string
  /** Whether the text is that of the whole value. */
  readonly isWhole: boolean
}

/** The text of a value, as `JSON.stringify` gives it, or its beginning. `indent`: spaces of each level; 0 for one line. */
export const printed = (value: unknown, limit = Infinity, indent = 2): Printed => {
  const pieces: Array<string> = []
  const open: Array<Open> = []
  let length = 0
  const put = (text: string): void => {
    pieces.push(text)
    length += text.length
  }
  const line = (): void => {
    if (indent > 0) put(`\n${" ".repeat(indent * open.length)}`)
  }
  const begin = (part: unknown): void => {
    if (!isOpenable(part)) return put(scalar(part, limit - length))
    const names = Array.isArray(part) ? undefined : Object.keys(part)
    const isEmpty = (names ?? (part as ReadonlyArray<unknown>)).length === 0
    put(names === undefined ? (isEmpty ? "[]" : "[") : isEmpty ? "{}" : "{")
    if (!isEmpty) open.push({ value: part, names, next: 0 })
  }
  begin(value)
  for (;;) {
    const top = open.at(-1)
    if (top === undefined || length > limit) break
    const { names, next } = top
    const count = names?.length ?? (top.value as ReadonlyArray<unknown>).length
    if (next === count) {
      open.pop()
      line()
      put(names === undefined ? "]" : "}")
      continue
    }
    top.next++
    if (next > 0) put(",")
    line()
    const name = names?.[next]
    if (name !== undefined) put(`${JSON.stringify(name)}:${indent > 0 ? " " : ""}`)
    begin((top.value as Readonly<Record<string | number, unknown>>)[name ?? next])
  }
  const text = pieces.join("")
  return text.length <= limit && open.length === 0
    ? { text, isWhole: true }
    : { text: beginning(text, limit), isWhole: false }
}
