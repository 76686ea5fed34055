/**
 * Runs SQLite's own check of a file: its pages, its tables and their indexes.
 *
 * The hashes of a journal guard its texts. Only this check guards the structure that holds them. If a file was copied beside
 * the write-ahead log of another file, the hashes of the rows that a reader finds may still be correct.
 *
 * Boundary: its own connection, which only reads. The check blocks the thread while SQLite reads the whole file.
 */
import * as Effect from "effect/Effect"
import { Limits } from "../../Limits.ts"
import { StoreError } from "../JobStore.ts"
import { asStoreError } from "./reader.ts"
import * as SqliteClient from "./SqliteClient.ts"

/** Returns the problems that SQLite finds, in its own words. A sound file has none. */
export const checkFile = (filename: string, isImmutable: boolean): Effect.Effect<ReadonlyArray<string>, StoreError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* SqliteClient.make({ filename, isReadOnly: true, isImmutable })
      const rows = yield* sql.unsafe<{ integrity_check: string }>(`PRAGMA integrity_check(${Limits.storeProblems})`)
      return rows.map((row) => row.integrity_check).filter((text) => text !== "ok")
    })
  ).pipe(
    Effect.mapError(asStoreError(filename)),
    // SQLite cannot read a file with such damage at all.
    Effect.catch((error) =>
      error.reason === "corrupt" || error.reason === "not-a-database"
        ? Effect.succeed([error.message])
        : Effect.fail(error)
    )
  )
