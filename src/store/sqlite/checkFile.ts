/**
 * SQLite's own check of a file: its pages, its tables and their indexes.
 *
 * The hashes of a journal guard its texts; the structure that holds them is guarded by nothing but this. A file that was copied
 * beside the write-ahead log of another looks whole to the hashes of the rows that are found.
 *
 * Boundary: its own connection, which only reads. It holds the thread for as long as reading the whole file takes.
 */
import * as Effect from "effect/Effect"
import { Limits } from "../../Limits.ts"
import { StoreError } from "../JobStore.ts"
import { asStoreError } from "./reader.ts"
import * as SqliteClient from "./SqliteClient.ts"

/** The problems that SQLite finds, in its own words. None for a file that is whole. */
export const checkFile = (filename: string, isImmutable: boolean): Effect.Effect<ReadonlyArray<string>, StoreError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* SqliteClient.make({ filename, isReadOnly: true, isImmutable })
      const rows = yield* sql.unsafe<{ integrity_check: string }>(`PRAGMA integrity_check(${Limits.storeProblems})`)
      return rows.map((row) => row.integrity_check).filter((text) => text !== "ok")
    })
  ).pipe(
    Effect.mapError(asStoreError(filename)),
    // A file that is damaged so much that SQLite does not read it.
    Effect.catch((error) =>
      error.reason === "corrupt" || error.reason === "not-a-database"
        ? Effect.succeed([error.message])
        : Effect.fail(error)
    )
  )
