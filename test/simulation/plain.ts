/**
 * Values without what no rule gives, as texts that are compared.
 *
 * Boundary: pure functions.
 */
import { textOf } from "./reference/canonical.ts"

/** The fields of a value that no rule gives: words, stacks, and what a cause says besides. */
const silent = ["message", "stack", "busy", "seq"]

/** A value without what is not compared. */
export const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      silent.includes(key) || item === undefined ? [] : [[key, plain(item)]]
    )
  )
}

/** The fields of a cause that the reference gives. */
const causeFields = [
  "_tag",
  "agent",
  "cycle",
  "timeoutMs",
  "kind",
  "id",
  "existing",
  "proposed",
  "agents",
  "budget",
  "used"
].concat(
  ["limit", "spender", "children", "isHandedDown", "name", "class", "reason", "facts", "key", "error", "exitCode"],
  ["since", "count"]
)

export const causeOf = (cause: unknown): unknown => {
  if (typeof cause !== "object" || cause === null) return cause
  const fields = cause as Readonly<Record<string, unknown>>
  // The class of an error has a name of its own, where its cause has none.
  const isOwn = (name: string) => name !== "name" || fields[name] !== fields["_tag"]
  return plain(Object.fromEntries(causeFields.filter(isOwn).map((name) => [name, fields[name]])))
}

export const text = (value: unknown): string => (value === undefined ? "nothing" : textOf(plain(value)))

/** Takes two values that must be equal, and what they are. */
export type Differ = (what: string, expected: unknown, actual: unknown) => void

/** A text from a little before the first place where it differs from another. */
export const shorten = (own: string, other: string): string => {
  let from = 0
  while (from < own.length && own[from] === other[from]) from++
  const start = Math.max(from - 60, 0)
  return `${start > 0 ? "..." : ""}${own.slice(start, start + 220)}${own.length > start + 220 ? "..." : ""}`
}
