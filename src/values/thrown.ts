/**
 * Reads thrown values. They may be revoked proxies, and their traps and getters may throw.
 *
 * Boundary: never throws, and loads nothing.
 */

/** Matches the first frame of a stack, which follows the message. */
export const stackPattern = /\n\s+at /

/** Whether a value is an instance of a class. A revoked proxy is never an instance. */
export const isInstance = <A>(value: unknown, type: abstract new (...args: never) => A): value is A => {
  try {
    return value instanceof type
  } catch {
    return false
  }
}

/** Whether a value is an error of this or another realm. */
export const isError = (value: unknown): value is Error => {
  if (typeof value !== "object" || value === null) return false
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]"
  } catch {
    return false
  }
}

/** Reads a field of an object. Returns a text if the field cannot be read. */
export const readField = (value: object, key: string | number): unknown => {
  try {
    return Reflect.get(value, key) as unknown
  } catch {
    return "it cannot be read"
  }
}
