/**
 * Writes any value as JSON, to a bounded depth.
 *
 * `JSON.stringify` recurses: how deep a value it can write depends on the stack, and so on the thread. Readers recurse, too. So
 * a part that is nested deeper than a committed value may be becomes a text that says so.
 *
 * Boundary: a pure function of the value, except for `toJSON` methods and getters of the value's own.
 */
import { Limits } from "../Limits.ts"

/** The text that stands for a part that is nested too deep. */
export const deeperText = `(nested deeper than ${Limits.valueDepth} levels)`

/**
 * The JSON text of a value; undefined for a value that JSON does not have. A bigint becomes what `ofBigint` gives: by default
 * its digits.
 *
 * @throws TypeError for a circular value, and any error that the value itself throws
 */
export const jsonText = (value: unknown, ofBigint: (value: bigint) => unknown = String): string | undefined => {
  /** The objects around the current value. */
  const around: Array<unknown> = []
  return JSON.stringify(value, function (this: unknown, _key: string, inner: unknown) {
    if (typeof inner === "bigint") return ofBigint(inner)
    if (typeof inner !== "object" || inner === null) return inner
    while (around.length > 0 && around.at(-1) !== this) around.pop()
    if (around.length >= Limits.valueDepth) return deeperText
    around.push(inner)
    return inner
  })
}
