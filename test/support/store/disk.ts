/** Small disks, and what is in the way of a file, for tests of what can go wrong with one. */
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { DatabaseSync } from "node:sqlite"

/** Another connection, closed with the scope. It waits for its turn, as one that has something to write does. */
export const connection = (filename: string) =>
  Effect.acquireRelease(
    Effect.sync(() => new DatabaseSync(filename, { timeout: 5_000 })),
    (database) => Effect.sync(() => database.close())
  )

/** A file system of that many MiB, if this process may make one; otherwise the folder as it is. */
export const smallDisk = (folder: string, megabytes: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      try {
        execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder], { stdio: "ignore" })
        return true
      } catch {
        return false
      }
    }),
    (isMounted) => Effect.sync(() => (isMounted ? execFileSync("umount", ["-l", folder]) : undefined))
  )
