/**
 * Aggregates for `Agent.fold`: sum, count, min and max of the values of a group.
 *
 * None depends on the order in which values come, and each takes a value out again as exactly as it was put in. Boundary: plain
 * data structures, made for each group.
 */
import type { Kind } from "./Fact.ts"
import { ExactSum } from "../values/exactSum.ts"
import { Multiset } from "../values/multiset.ts"

/** The state of one group in a fold. */
export interface GroupState<in Value, out Item> {
  readonly add: (value: Value) => void
  /** Takes out a value that was added. */
  readonly remove: (value: Value) => void
  /** The aggregate of the values that are there. */
  readonly item: () => Item
}

/** An aggregate. Made by `sum`, `count`, `min` and `max`. */
export interface Aggregate<in Value, out Item> {
  /** Makes the state of an empty group. */
  readonly empty: () => GroupState<Value, Item>
}

/**
 * The sum of a number of each value; 0 for an empty group. The sum is exact and rounded once, so that it depends neither on
 * the order of the values nor on those that were taken out. The fold fails if the sum itself is larger than a number can be; no
 * sum in between can be. `kind` is the one that is folded: it gives the type of the values.
 */
export const sum = <K extends Kind.Any>(
  _kind: K,
  of: (value: Kind.Value<K>) => number
): Aggregate<Kind.Value<K>, number> => ({
  empty: () => {
    const state = new ExactSum()
    return {
      add: (value) => state.add(numberOf("sum", of(value))),
      remove: (value) => state.add(-numberOf("sum", of(value))),
      item: () => state.value
    }
  }
})

/** The number of values; 0 for an empty group. */
export const count = (): Aggregate<unknown, number> => ({
  empty: () => {
    let state = 0
    return { add: () => void state++, remove: () => void state--, item: () => state }
  }
})

/**
 * The least number or text that the values give; undefined for an empty group. Texts compare by their UTF-16 code units. A
 * number is less than any text.
 */
export const min = <K extends Kind.Any, Item extends number | string>(
  _kind: K,
  of: (value: Kind.Value<K>) => Item
): Aggregate<Kind.Value<K>, Item | undefined> => extreme("min", of, isLess)

/**
 * The largest number or text that the values give; undefined for an empty group. Texts compare by their UTF-16 code units. A
 * number is less than any text.
 */
export const max = <K extends Kind.Any, Item extends number | string>(
  _kind: K,
  of: (value: Kind.Value<K>) => Item
): Aggregate<Kind.Value<K>, Item | undefined> => extreme("max", of, (a, b) => isLess(b, a))

/** A total order of numbers and texts, so that the order in which values come plays no part where a group has both. */
const isLess = (a: number | string, b: number | string): boolean =>
  typeof a === typeof b ? a < b : typeof a === "number"

const extreme = <Value, Item extends number | string>(
  name: string,
  of: (value: Value) => Item,
  isBefore: (a: Item, b: Item) => boolean
): Aggregate<Value, Item | undefined> => ({
  empty: () => {
    const state = new Multiset<Item>(isBefore)
    const itemOf = (value: Value): Item => {
      const item = of(value)
      if (typeof item !== "string") numberOf(name, item)
      return item
    }
    return {
      add: (value) => state.add(itemOf(value)),
      remove: (value) => state.remove(itemOf(value)),
      item: () => state.first
    }
  }
})

const numberOf = (name: string, given: unknown): number => {
  if (typeof given === "number" && Number.isFinite(given)) return given
  throw new TypeError(
    `Fold.${name} takes finite numbers, not ${typeof given === "number" ? String(given) : typeof given}`
  )
}
