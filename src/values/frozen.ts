/**
 * Frozen values: read from canonical texts, or frozen where they stand.
 *
 * Boundary: plain data; no schema.
 */
import { parseJson } from "./parseJson.ts"

/** The frozen values of canonical texts, of which `joined` is the list with commas in between. */
export const parseCanonicals = (joined: string): ReadonlyArray<unknown> => {
  const values = parseJson(`[${joined}]`) as ReadonlyArray<unknown>
  for (let i = 0; i < values.length; i++) freezeFresh(values[i])
  return values
}

/** The frozen value of a canonical text that was written here or on another thread. */
export const parseCanonical = (text: string): unknown => freezeFresh(parseJson(text))

/** As `deepFreeze`, for plain data that was made here: nothing of it is frozen yet, and nothing else than plain. */
export const freezeFresh = (value: unknown): unknown => {
  if (value === null || typeof value !== "object") return value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) freezeFresh(value[i])
  } else {
    for (const key in value) {
      const item = (value as Record<string, unknown>)[key]
      if (typeof item === "object") freezeFresh(item)
    }
  }
  return Object.freeze(value)
}

/** Freezes plain objects, arrays and class instances, deeply. Bytes cannot be frozen and stay as they are. */
export const deepFreeze = <T>(value: T): T => {
  if (value === null || typeof value !== "object" || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  Object.freeze(value)
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) deepFreeze(value[i])
  else for (const key in value) deepFreeze(value[key])
  return value
}
