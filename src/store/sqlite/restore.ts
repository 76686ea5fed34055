/**
 * Replaces a store's file with a copy of a backup.
 *
 * A file of SQLite and the log beside it belong together. If a copy lies beside the log of another file, the next reader damages
 * the copy. So the backup is checked, copied to a temporary name and synced. Then the old log is removed, and the copy gets the
 * name of the store.
 *
 * Invariants: the replaced file is not open in any process; a damaged backup replaces nothing. Boundary: files; failures have
 * the reasons of the port.
 */
import * as Effect from "effect/Effect"
import { existsSync, rmSync } from "node:fs"
import { resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { StoreError } from "../JobStore.ts"
import { copyTo } from "./backup.ts"
import { checkFile } from "./checkFile.ts"
import { view } from "./migrations.ts"
import { asStoreError } from "./reader.ts"
import { refusalOf } from "./refusal.ts"
import * as SqliteClient from "./SqliteClient.ts"

/** Options of `JobStore.restoreSqlite`. */
export interface RestoreOptions {
  /** The backup, which is a store's file. It is not changed. */
  readonly from: string
  /** The file of the store. */
  readonly filename: string
  /** Replaces an existing file. Default: false. */
  readonly replace?: boolean | undefined
}

const fail = (reason: StoreError["reason"], message: string) => Effect.fail(new StoreError({ reason, message }))

/** Fails unless the backup is a sound store of a known version. */
const checkBackup = (from: string, isImmutable: boolean) =>
  Effect.gen(function* () {
    if (!existsSync(from)) return yield* fail("failed", `${from}: there is no such file`)
    const [problem] = yield* checkFile(from, isImmutable)
    if (problem !== undefined) return yield* fail("corrupt", `${from}: the backup is damaged: ${problem}`)
    yield* SqliteClient.make({ filename: from, isReadOnly: true, isImmutable }).pipe(
      Effect.flatMap((sql) => view(sql, from)),
      Effect.scoped,
      Effect.mapError(asStoreError(from))
    )
  })

/** Fails if a process has the file open. A file that SQLite cannot read is not open anywhere. */
const checkUnused = (filename: string) =>
  Effect.suspend(() => {
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(filename, { timeout: 0 })
      database.exec("PRAGMA locking_mode = EXCLUSIVE")
      database.exec("BEGIN EXCLUSIVE")
      database.exec("ROLLBACK")
      return Effect.void
    } catch (error) {
      return refusalOf(error, filename).reason === "busy"
        ? fail("busy", `${filename}: a process has it open: stop that first`)
        : Effect.void
    } finally {
      database?.close()
    }
  })

export const restore = (options: RestoreOptions): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    const [from, filename] = [resolve(options.from), resolve(options.filename)]
    if (from === filename) return yield* fail("failed", `${from}: a backup cannot replace itself`)
    const isImmutable = !existsSync(`${from}-wal`)
    yield* checkBackup(from, isImmutable)
    if (existsSync(filename)) {
      if (options.replace !== true) return yield* fail("exists", `${filename}: the file exists already`)
      yield* checkUnused(filename)
    }
    const removeLog = Effect.try({
      try: () => {
        for (const suffix of ["-wal", "-shm", "-journal"]) rmSync(`${filename}${suffix}`, { force: true })
      },
      catch: (error) => new StoreError(refusalOf(error, filename))
    })
    yield* copyTo(from, filename, isImmutable, removeLog)
  })
