/**
 * Measures a value by the number of values in it, because the search for all issues costs that much.
 *
 * Boundary: plain data in, a boolean out.
 */

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
