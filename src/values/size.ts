/**
 * How large a value is: in values, since that is what the search for all of its faults costs.
 *
 * Boundary: plain data in, a boolean out.
 */

/** Whether plain data consists of more than `limit` values. Looks at no more of them than that. */
export const isLargerThan = (data: unknown, limit: number): boolean => {
  let count = 0
  const stack: Array<unknown> = [data]
  while (stack.length > 0) {
    const value = stack.pop()
    if (++count > limit) return true
    if (typeof value !== "object" || value === null) continue
    // What is on the stack is counted later: nothing is put there that is beyond the limit.
    for (const key in value) {
      if (stack.length + count > limit) return true
      stack.push((value as Readonly<Record<string, unknown>>)[key])
    }
  }
  return false
}
