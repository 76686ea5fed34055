/**
 * Where jobs are journaled: the `JobStore` service, and its layers.
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
 * A store that keeps no rows. It knows the last cycle of each live job, to refuse rows out of order, and forgets a job when
 * it halts.
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
 * Several stores may have the same file open, in one process or in several on one machine; one of them at a time holds a job.
 * A thread of the store writes, and commits all writes that arrive together in one transaction. `durability` says what an
 * acknowledged write survives. Reads see every acknowledged write. Neither holds the main thread.
 *
 * Building it fails if an option cannot work, or if the file cannot be used: it is something else (`not-a-database`), cannot be
 * written to (`read-only`), is held by another connection for longer than `busyTimeout` (`busy`), is damaged (`corrupt`),
 * or was made by a newer version (`failed`). A write that fails, such as for want of space, leaves nothing behind, and the
 * store goes on.
 *
 * When the layer's scope closes, the store makes all queued writes and releases all jobs that it holds. An idle store does not
 * keep the process alive. `StoreFile` is for backups.
 */
export const layerSqlite = (options: SqliteOptions): Layer.Layer<JobStore | StoreFile, StoreError> =>
  Layer.unwrap(Effect.map(loadSqlite, ({ layer }) => layer(options)))

const loadRestore = loadOnce(() => import("./sqlite/restore.ts"))

/**
 * Puts a backup in the place of a store's file, which must not be open anywhere. The backup is checked first, and stays.
 *
 * Fails with `corrupt` or `not-a-database` for a backup that is no whole store, with `exists` if there is a file and `replace`
 * is not set, and with `busy` while a process has that file open. A failure leaves the store's file as it was. The write-ahead
 * log of a replaced file is removed: it belongs to that file alone.
 */
export const restoreSqlite = (options: RestoreOptions): Effect.Effect<void, StoreError> =>
  Effect.flatMap(loadRestore, ({ restore }) => restore(options))
