/**
 * The care of a store's file: what an operator does with it while the store is open.
 *
 * Boundary: the service. Layers of stores that have a file provide it beside `JobStore`.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { StoreError } from "./JobStore.ts"

/** The file of a store: to be backed up, and to be made smaller. */
export class StoreFile extends Context.Service<
  StoreFile,
  {
    /** The absolute path. */
    readonly filename: string
    /**
     * Copies all journals, as they are at this moment, to a new file, which is complete and on the disk when this is done.
     * Writes go on meanwhile. Fails with `failed` if there is a file of that name.
     */
    readonly backup: (filename: string) => Effect.Effect<void, StoreError>
    /**
     * Gives the space of pruned journals back to the file system. Writes wait meanwhile, for about as long as it takes to
     * copy the file.
     */
    readonly vacuum: Effect.Effect<void, StoreError>
  }
>()("effect-converge/store/StoreFile") {}
