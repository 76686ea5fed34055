/**
 * Maintenance of a store's file by an operator, while the store is open.
 *
 * Boundary: the service. A layer whose store has a file provides it beside `JobStore`.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { StoreError } from "./JobStore.ts"

/** The file of a store, with backup and vacuum. */
export class StoreFile extends Context.Service<
  StoreFile,
  {
    /** The absolute path. */
    readonly filename: string
    /**
     * Copies all journals, as they are at this moment, to a new file. The file is complete and on the disk when this is done;
     * writes go on meanwhile. Fails with `failed` if a file of that name exists.
     */
    readonly backup: (filename: string) => Effect.Effect<void, StoreError>
    /**
     * Has SQLite check the file's own structure. Gives the problems that it finds, in its words, at most 100; none for a file
     * that is whole. Journals are checked by `Journal.verify`. Holds the thread while the whole file is read: for a process that
     * does nothing else.
     */
    readonly check: Effect.Effect<ReadonlyArray<string>, StoreError>
    /**
     * Gives the space of pruned journals back to the file system. Writes wait meanwhile, about as long as a copy of the file
     * takes.
     */
    readonly vacuum: Effect.Effect<void, StoreError>
  }
>()("effect-converge/store/StoreFile") {}
