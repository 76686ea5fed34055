/**
 * The depth of a value: whether it is nested deeper than a canonical text may be (`Limits.valueDepth`).
 *
 * Boundary: reads values; nothing here throws.
 */
import { Limits } from "../Limits.ts"

/** The reason why a value that `isTooDeep` has no canonical text. */
export const tooDeep = `a value is nested deeper than ${Limits.valueDepth} levels, or circular`

/**
 * Whether any value is nested deeper than a canonical text may be. The check goes level by level, so it also works for values
 * that overflowed the stack of other code.
 */
export const isTooDeep = (value: unknown): boolean => {
  let level = new Set<object>(isObject(value) ? [value] : [])
  for (let depth = 0; level.size > 0; depth++) {
    if (depth >= Limits.valueDepth) return true
    const below = new Set<object>()
    for (const object of level) for (const item of itemsOf(object)) if (isObject(item)) below.add(item)
    level = below
  }
  return false
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !ArrayBuffer.isView(value)

const itemsOf = (object: object): ReadonlyArray<unknown> => {
  try {
    return Object.values(object)
  } catch {
    // A getter threw.
    return []
  }
}
