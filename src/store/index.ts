/**
 * Where jobs are journaled: the `JobStore` service, and its layers.
 *
 * Boundary: the public names, which the root exports as `JobStore`. What touches a file is loaded when its layer is built.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { loadOnce } from "../platform/loadOnce.ts"
import type { JobStore, StoreError } from "./JobStore.ts"
import type { SqliteOptions } from "./sqlite/options.ts"
import type { StoreFile } from "./StoreFile.ts"

export { JobStore, StoreError } from "./JobStore.ts"
export type {
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
export { StoreFile } from "./StoreFile.ts"

const loadMemory = loadOnce(() => import("./memory.ts"))

/**
 * A store that keeps no rows: it holds each live job's last cycle, to refuse what is out of order, and forgets a job when it
 * halts.
 */
export const layerMemory: Layer.Layer<JobStore> = Layer.unwrap(Effect.map(loadMemory, ({ layerMemory }) => layerMemory))

/** Journals in memory, for as long as the layer's scope is open: for tests, and for revisiting cycles without a file. */
export const layerMemoryJournal: Layer.Layer<JobStore> = Layer.unwrap(
  Effect.map(loadMemory, ({ layerMemoryJournal }) => layerMemoryJournal)
)

const loadSqlite = loadOnce(() => import("./sqlite/layer.ts"))

/**
 * Journals in a SQLite file, which is made if it is not there.
 *
 * Several stores, of one or of several processes on one machine, may have the same file open; a job is held by one of them at
 * a time. Writes are made on a thread of the store's own, all that arrive together in one transaction, and what an
 * acknowledged one survives is a question of `durability`. Reads see all that was acknowledged. The main thread is held by
 * neither.
 *
 * Building it fails if an option cannot work, or the file cannot be used: it is something else (`not-a-database`), cannot be
 * written to (`read-only`), is held by another connection for longer than `busyTimeout` (`busy`), is damaged (`corrupt`),
 * or was made by a newer version (`failed`). A write that fails, for want of space for one, leaves nothing behind, and the
 * store goes on.
 *
 * When the layer's scope closes, what was handed over is written, and all jobs that the store holds are let go. An idle store
 * does not keep the process alive. `StoreFile` is for backups.
 */
export const layerSqlite = (options: SqliteOptions): Layer.Layer<JobStore | StoreFile, StoreError> =>
  Layer.unwrap(Effect.map(loadSqlite, ({ layer }) => layer(options)))
