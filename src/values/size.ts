/**
 * Measures a value: by the number of values in it, because the search for all issues costs that much, and by its depth.
 *
 * Boundary: a value in, a boolean out.
 */
import { Limits } from "../Limits.ts"

/** Whether plain data has more than `limit` values. The check reads at most that many. */
export const isLargerThan = (data: unknown, limit: number): boolean => {
  let count = 0
  const stack: Array<unknown> = [data]
  while (stack.length > 0) {
    const value = stack.pop()
    if (++count > limit) return true
    if (typeof value !== "object" || value === null) continue
    // Values on the stack are counted later, so the stack never gets more values than the limit allows.
    for (const key in value) {
      if (stack.length + count > limit) return true
      stack.push((value as Readonly<Record<string, unknown>>)[key])
    }
  }
  return false
}

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
