/**
 * Makes frozen values, from canonical texts or in place.
 *
 * Boundary: plain data. It loads no schema, so a worker that has loaded no program yet can use it.
 */
import { parseJson } from "./parseJson.ts"

/** The frozen values of several canonical texts. `joined` is the texts with commas between them. */
export const parseCanonicals = (joined: string): ReadonlyArray<unknown> => {
  const values = parseJson(`[${joined}]`) as ReadonlyArray<unknown>
  for (let i = 0; i < values.length; i++) freezeFresh(values[i])
  return values
}

/** The frozen value of a canonical text that was written here or on another thread. */
export const parseCanonical = (text: string): unknown => freezeFresh(parseJson(text))

/** Freezes plain data of which nothing is frozen yet, deeply: faster than `deepFreeze`, which takes any value. */
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

/** Freezes plain objects, arrays and class instances, deeply. Typed arrays cannot be frozen and stay as they are. */
export const deepFreeze = <T>(value: T): T => {
  if (value === null || typeof value !== "object" || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  Object.freeze(value)
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) deepFreeze(value[i])
  else for (const key in value) deepFreeze(value[key])
  return value
}
