/**
 * Shortages of the system: too few file descriptors, threads or bytes of memory. A shortage may pass, and no agent is at fault.
 *
 * Boundary: looks at errors, and opens one file.
 */
import { closeSync, openSync } from "node:fs"
import { devNull } from "node:os"
import { Limits } from "../Limits.ts"

const shortages = ["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]

/** Returns the error code of a shortage, or undefined for other errors. */
export const shortageOf = (code: unknown, message: string): string | undefined =>
  // If a thread cannot start, the text of Node's own error ends with the system's code.
  shortages.find((shortage) => code === shortage || message.startsWith(shortage) || message.endsWith(shortage)) ??
  (code === "ERR_WORKER_INIT_FAILED" ? code : undefined)

const codeIn = (error: Error): unknown => ("code" in error ? error.code : undefined)

/** Returns the error code of the shortage because of which a module did not load; undefined if there was none. */
export const shortageBehind = (thrown: unknown): string | undefined => {
  let error = thrown
  for (let depth = 0; error instanceof Error && depth < Limits.errorDepth; depth++, error = error.cause) {
    const shortage = shortages.find((code) => code === codeIn(error as Error))
    if (shortage !== undefined) return shortage
  }
  // Without descriptors, Node cannot read a package.json, and says that there is no such package.
  try {
    closeSync(openSync(devNull, "r"))
    return undefined
  } catch (refused) {
    return refused instanceof Error ? shortageOf(codeIn(refused), refused.message) : undefined
  }
}
