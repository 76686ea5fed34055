/**
 * Maintenance of a store's file by an operator, while the store is open.
 *
 * Boundary: the service. A layer whose store has a file provides it beside `JobStore`.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { StoreError } from "./JobStore.ts"

/** The file of a store, with backup and vacuum. */
export class StoreFile extends Context.Service<
  StoreFile,
  {
    /** The absolute path. */
    readonly filename: string
    /**
     * Copies all journals, in their present state, to a new file. When the effect is done, the file is complete and on the disk.
     * Writes go on meanwhile. Fails with `failed` if a file of that name exists.
     */
    readonly backup: (filename: string) => Effect.Effect<void, StoreError>
    /**
     * Makes a copy as `backup` does, and gives its bytes. The copy is complete before the first byte. It stands beside the file
     * until the scope closes.
     */
    readonly copy: Effect.Effect<Stream.Stream<Uint8Array, StoreError>, StoreError, Scope.Scope>
    /**
     * Lets SQLite check the structure of the file. Gives at most 100 problems, in SQLite's words, and none for a sound file.
     * `Journal.verify` checks journals. The check blocks the thread while SQLite reads the whole file, so use it in a process
     * that does nothing else.
     */
    readonly check: Effect.Effect<ReadonlyArray<string>, StoreError>
    /**
     * Gives the space of pruned journals back to the file system. Writes wait meanwhile, about as long as a copy of the file
     * takes.
     */
    readonly vacuum: Effect.Effect<void, StoreError>
  }
>()("effect-converge/store/StoreFile") {}
