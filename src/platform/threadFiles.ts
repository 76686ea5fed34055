/**
 * The files that threads begin with, which lie beside the code that starts the threads.
 *
 * A bundler moves that code, and leaves the files behind. Boundary: looks whether a file is there; workers/ and store/ start
 * threads.
 */
import { existsSync } from "node:fs"
import { basename } from "node:path"
import { fileURLToPath } from "node:url"

/** Says why a thread cannot start, and what to do, if its file is not there. Names no folder. Undefined for a file that is. */
export const missingThreadFile = (file: URL): string | undefined => {
  const path = fileURLToPath(file)
  if (existsSync(path)) return undefined
  return (
    `the file ${basename(path)} is not beside the code that starts threads with it. A bundler leaves it behind: ` +
    `keep effect-converge out of the bundle, as an external package, or add the file to it`
  )
}
