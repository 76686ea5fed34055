/**
 * Canonical texts and hashes, written a second time: for the plain values of a simulation, in a few lines.
 *
 * Boundary: pure functions.
 */
import { createHash } from "node:crypto"

/** The text of a plain value, with its keys in the order of their code units. */
export const textOf = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(textOf).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value === 0 ? 0 : value)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${textOf(item)}`).join(",")}}`
}

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")
