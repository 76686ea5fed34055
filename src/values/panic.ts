/**
 * Texts for errors and for other thrown values. Any value can be thrown, and reading it may throw again.
 *
 * Boundary: never throws; loads nothing, so that a worker can describe an error before it has loaded a program.
 */

/** The text of a thrown value: an error's message, or its name if that is empty; else a `_tag`, or the value as text. */
export const describeError = (error: unknown): string => {
  try {
    if (error instanceof Error) {
      // A program may have set these to something that is no text.
      const { message, name }: { readonly message: unknown; readonly name: unknown } = error
      return String(message === "" ? name : message)
    }
    if (typeof error === "object" && error !== null && "_tag" in error) return String(error._tag)
    return String(error)
  } catch {
    // Its own methods throw, or it has none that would make a text.
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

/** The text and the stack of a thrown value, each cut to `limit` characters. */
export const describePanic = (thrown: unknown, limit: number): { readonly message: string; readonly stack: string } => {
  return { message: describeError(thrown).slice(0, limit), stack: stackOf(thrown).slice(0, limit) }
}

/** The type of a value, as messages name it. */
export const typeOf = (value: unknown): string => {
  if (value === null) return "null"
  if (typeof value !== "object") return typeof value
  return value instanceof Promise ? "a promise" : Array.isArray(value) ? "an array" : "an object"
}
