/**
 * The `JobStore` service, which journals jobs, and its layers.
 *
 * Boundary: the public names, which the root exports as `JobStore`. Code that touches a file loads when its layer is built.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { loadOnce } from "../platform/loadOnce.ts"
import type { JobStore, StoreError } from "./JobStore.ts"
import type { SqliteOptions } from "./sqlite/options.ts"
import type { RestoreOptions } from "./sqlite/restore.ts"
import type { StoreFile } from "./StoreFile.ts"

export { JobStore, StoreError } from "./JobStore.ts"
export type {
  Attempts,
  JobPage,
  JournalEnd,
  JournalRow,
  Kept,
  ListOptions,
  NewJob,
  PruneOptions,
  StoredJob,
  StoredJournal,
  StoredRow,
  StoreErrorReason
} from "./JobStore.ts"
export type { Durability, Retention, SqliteOptions } from "./sqlite/options.ts"
export type { RestoreOptions } from "./sqlite/restore.ts"
export { StoreFile } from "./StoreFile.ts"

const loadMemory = loadOnce(() => import("./memory.ts"))

/**
 * A store that keeps no rows. It keeps only the last cycle of each live job, to refuse rows out of order, and forgets a job
 * when it halts.
 */
export const layerMemory: Layer.Layer<JobStore> = Layer.unwrap(Effect.map(loadMemory, ({ layerMemory }) => layerMemory))

/** Journals in memory while the layer's scope is open, for tests and for revisiting cycles without a file. */
export const layerMemoryJournal: Layer.Layer<JobStore> = Layer.unwrap(
  Effect.map(loadMemory, ({ layerMemoryJournal }) => layerMemoryJournal)
)

const loadSqlite = loadOnce(() => import("./sqlite/layer.ts"))

/**
 * Journals in a SQLite file, which is created if it does not exist.
 *
 * Several stores may have the same file open, in one process or in several on one machine. One of them at a time holds a job.
 * A thread of the store commits all writes that arrive together in one transaction. `durability` decides what an acknowledged
 * write survives. Reads see every acknowledged write. Neither blocks the main thread.
 *
 * Building the layer fails if an option is invalid, or if the file cannot be used. Its reasons are `not-a-database` (another
 * kind of file), `read-only` (no right to write), `busy` (another connection holds the file for longer than `busyTimeout`),
 * `corrupt` (damage) and `failed` (a file of a newer version). A failed write, as on a full disk, leaves nothing behind, and
 * the store goes on.
 *
 * When the layer's scope closes, the store makes all queued writes and releases all jobs that it holds. An idle store does not
 * keep the process alive. `StoreFile` makes backups.
 */
export const layerSqlite = (options: SqliteOptions): Layer.Layer<JobStore | StoreFile, StoreError> =>
  Layer.unwrap(Effect.map(loadSqlite, ({ layer }) => layer(options)))

const loadRestore = loadOnce(() => import("./sqlite/restore.ts"))

/**
 * Replaces a store's file with a copy of a backup. No process may have the store's file open. The backup is checked first, and
 * is not changed.
 *
 * Fails with `corrupt` or `not-a-database` if the backup is not a sound store, with `exists` if the file exists and `replace` is
 * not set, and with `busy` while a process has the file open. A failure does not change the store's file. The write-ahead log of
 * a replaced file is removed, because it belongs to that file only.
 */
export const restoreSqlite = (options: RestoreOptions): Effect.Effect<void, StoreError> =>
  Effect.flatMap(loadRestore, ({ restore }) => restore(options))
