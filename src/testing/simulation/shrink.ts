/**
 * Makes plain data smaller, as long as it still fails: the smallest program and schedule that show a fault.
 *
 * It tries to leave out parts of arrays, the larger ones first, to leave out optional fields, and to replace values by simpler
 * ones, until none of this fails any more. The result depends on the data alone.
 *
 * Boundary: a value and a predicate in, a value out.
 */

/** The ways to make the fields of a value smaller. */
export interface Simpler {
  /** The names of fields that may be left out. */
  readonly optional: ReadonlyArray<string>
  /** The simplest value of a field, by its name. */
  readonly simplest: Readonly<Record<string, unknown>>
  /** The names of arrays whose items keep their places, because others name them by these: an item becomes an empty array. */
  readonly placed: ReadonlyArray<string>
}

/** A value with another one at a path. */
type Change = (value: unknown) => unknown

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const within =
  (key: string | number, change: Change): Change =>
  (value) => {
    if (Array.isArray(value)) return value.map((item: unknown, index) => (index === key ? change(item) : item))
    return isRecord(value) ? { ...value, [key]: change(value[key]) } : value
  }

const without =
  (key: string): Change =>
  (value) =>
    isRecord(value) ? Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)) : value

/** The changes of an array: without a half, a quarter, ... an item. */
function* changesOfArray(items: ReadonlyArray<unknown>, isPlaced: boolean): Generator<Change> {
  for (let size = isPlaced ? 1 : Math.max(items.length, 1); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < items.length; from += size) {
      const to = from + size
      const item = items[from]
      if (!isPlaced)
        yield (value) => (value as ReadonlyArray<unknown>).filter((_, index) => index < from || index >= to)
      else if (Array.isArray(item) && item.length > 0) yield within(from, () => [])
    }
  }
}

/** All changes that make a value smaller, the greatest first. */
function* changesOf(value: unknown, simpler: Simpler, name: string): Generator<Change> {
  if (Array.isArray(value)) {
    yield* changesOfArray(value, simpler.placed.includes(name))
    for (const [index, item] of value.entries()) {
      for (const change of changesOf(item, simpler, "")) yield within(index, change)
    }
    return
  }
  if (!isRecord(value)) return
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue
    if (simpler.optional.includes(key)) yield without(key)
    const simplest = simpler.simplest[key]
    if (simplest !== undefined && simplest !== item) yield within(key, () => simplest)
    for (const change of changesOf(item, simpler, key)) yield within(key, change)
  }
}

/**
 * Looks for the smallest value. It gives each value that it wants to know about, is answered whether that one fails, and returns
 * the smallest that does. It asks at most `most` times; the given value must fail.
 */
export function* shrinking<A>(value: A, simpler: Simpler, most: number): Generator<A, A, boolean> {
  let smallest = value
  let left = most
  for (;;) {
    let found: A | undefined
    for (const change of changesOf(smallest, simpler, "")) {
      if (left-- <= 0) return smallest
      const smaller = change(smallest) as A
      if (!(yield smaller)) continue
      found = smaller
      break
    }
    if (found === undefined) return smallest
    smallest = found
  }
}

/** The smallest value that it finds. `isFailing` is asked at most `most` times; the given value must fail. */
export const shrink = <A>(value: A, isFailing: (smaller: A) => boolean, simpler: Simpler, most = 2_000): A => {
  const search = shrinking(value, simpler, most)
  let step = search.next()
  while (step.done !== true) step = search.next(isFailing(step.value))
  return step.value
}
