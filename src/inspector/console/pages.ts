/**
 * Pages of a recorded job, with the cursors that the server gives: after a number, or before one.
 *
 * Boundary: pure; numbered items and a query in, a page out.
 */
const pageSize = 100

/** A number in a query. Undefined if it is left out. */
export const numberIn = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name)
  return text === null || !/^\d{1,15}$/.test(text) ? undefined : Number(text)
}

export interface Page<Item> {
  readonly items: ReadonlyArray<Item>
  readonly cursor: string | null
  readonly previous: string | null
}

/** The page that a query asks for. `next` is the name of its cursor. */
export const pageOf = <Item>(
  items: ReadonlyArray<Item>,
  numberOf: (item: Item) => number,
  query: URLSearchParams,
  next = "cursor"
): Page<Item> => {
  const limit = numberIn(query, "limit") ?? pageSize
  const before = numberIn(query, "before")
  if (before === undefined) {
    const after = numberIn(query, next) ?? 0
    const later = items.filter((item) => numberOf(item) > after)
    const page = later.slice(0, limit)
    const last = later.length > limit ? page.at(-1) : undefined
    const previous = after === 0 ? null : String(after + 1)
    return { items: page, cursor: last === undefined ? null : String(numberOf(last)), previous }
  }
  const earlier = items.filter((item) => numberOf(item) < before)
  const page = earlier.slice(-limit)
  const first = earlier.length > limit ? page[0] : undefined
  const cursor = String(Math.max(0, before - 1))
  return { items: page, cursor, previous: first === undefined ? null : String(numberOf(first)) }
}
