/**
 * Values on their way into a schema's JSON codec and out of it: without keys that hold undefined, and frozen.
 *
 * Boundary: values alone; reads no schema.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"

/**
 * Leaves out keys that hold undefined, as canonical texts do: a schema's JSON codec would write null for them. Returns the
 * same object if there are none.
 */
export const withoutUndefined = (value: unknown): unknown => {
  if (Array.isArray(value)) {
    const items = value.map(withoutUndefined)
    return items.every((item, index) => item === value[index]) ? value : items
  }
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const entries = Object.entries(value)
  const kept = entries.flatMap(([key, item]) => (item === undefined ? [] : [[key, withoutUndefined(item)] as const]))
  const isSame = kept.length === entries.length && kept.every(([, item], index) => item === entries[index]![1])
  return isSame ? value : Object.fromEntries(kept)
}

/** Whether a value is of an immutable type of Effect that keeps caches inside itself. */
const isSelfCaching = (value: object): boolean =>
  DateTime.isDateTime(value) ||
  DateTime.isTimeZone(value) ||
  Duration.isDuration(value) ||
  BigDecimal.isBigDecimal(value)

/** Fills the caches of such a value, which it could not do once it is frozen, and freezes it with them. */
const freezeFilled = (value: object): object => {
  if (DateTime.isDateTime(value)) {
    DateTime.toPartsUtc(value)
    DateTime.toParts(value)
    if (DateTime.isZoned(value)) DateTime.formatIsoZoned(value)
  }
  if (BigDecimal.isBigDecimal(value)) BigDecimal.normalize(value)
  // A named time zone formats through an object of the platform, which keeps its own state.
  if (DateTime.isTimeZone(value)) return Object.freeze(value)
  for (const key of Reflect.ownKeys(value)) {
    const field: unknown = Reflect.get(value, key)
    if (field !== value) freezeDecoded(field)
  }
  return Object.freeze(value)
}

/** Freezes a decoded value, deeply. Bytes cannot be frozen and stay as they are. */
export const freezeDecoded = (value: unknown): unknown => {
  if (value === null || typeof value !== "object" || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  if (isSelfCaching(value)) return freezeFilled(value)
  Object.values(value).forEach(freezeDecoded)
  return Object.freeze(value)
}
