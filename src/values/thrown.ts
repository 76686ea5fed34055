/**
 * Reads values that were thrown. They may be proxies that throw, or were revoked, and have getters that throw.
 *
 * Boundary: never throws, and loads nothing.
 */

/** A stack's frames follow its first line. */
export const stackPattern = /\n\s+at /

/** Whether a value is an instance of a class. A revoked proxy is one of none. */
export const isInstance = <A>(value: unknown, type: abstract new (...args: never) => A): value is A => {
  try {
    return value instanceof type
  } catch {
    return false
  }
}

/** Whether a value is an error, of this realm or another one. */
export const isError = (value: unknown): value is Error => {
  if (typeof value !== "object" || value === null) return false
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]"
  } catch {
    return false
  }
}

/** A field of an object; a text that says so if it cannot be read. */
export const readField = (value: object, key: string | number): unknown => {
  try {
    return Reflect.get(value, key) as unknown
  } catch {
    return "it cannot be read"
  }
}
