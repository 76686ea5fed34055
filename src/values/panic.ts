/**
 * What a throw says. Anything can be thrown, and asked what it is it may throw again.
 *
 * Boundary: never throws; loads nothing, so that a worker can describe an error before it has loaded a program.
 */

/** What an error says, whatever it is. */
export const describeError = (error: unknown): string => {
  try {
    if (error instanceof Error) {
      // Nothing keeps a program from setting these to what is no text.
      const { message, name }: { readonly message: unknown; readonly name: unknown } = error
      return String(message === "" ? name : message)
    }
    if (typeof error === "object" && error !== null && "_tag" in error) return String(error._tag)
    return String(error)
  } catch {
    // It has no text: its own methods, or the lack of any, throw.
    return `${typeof error} that cannot be described`
  }
}

const stackOf = (thrown: unknown): string => {
  try {
    return thrown instanceof Error && typeof thrown.stack === "string" ? thrown.stack : ""
  } catch {
    return ""
  }
}

/** What a throw says: its message and stack, both bounded. */
export const describePanic = (thrown: unknown, limit: number): { readonly message: string; readonly stack: string } => {
  return { message: describeError(thrown).slice(0, limit), stack: stackOf(thrown).slice(0, limit) }
}

/** What a value is, for messages. */
export const typeOf = (value: unknown): string => {
  if (value === null) return "null"
  if (typeof value !== "object") return typeof value
  return value instanceof Promise ? "a promise" : Array.isArray(value) ? "an array" : "an object"
}
