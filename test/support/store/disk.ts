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

/** The statements that undo each migration but the first, the newest first. */
const undone: ReadonlyArray<readonly [version: number, sql: string]> = [
  [4, "DROP TABLE converge_attributes; DROP INDEX converge_jobs_by_parent"],
  [4, "ALTER TABLE converge_jobs DROP COLUMN attributes"],
  ...["attempts", "leased_at", "failure", "quarantine"].map(
    (column) => [3, `ALTER TABLE converge_jobs DROP COLUMN ${column}`] as const
  ),
  [2, "ALTER TABLE converge_jobs DROP COLUMN parent"]
]

/** Makes a file one of an older version, as that version left it. */
export const makeOlder = (database: DatabaseSync, version: number): void => {
  for (const [since, sql] of undone) if (since > version) database.exec(sql)
  database.exec(`DELETE FROM converge_migrations WHERE migration_id > ${version}`)
}

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
