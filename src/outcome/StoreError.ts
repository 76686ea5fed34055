/**
 * Why a store did not do what it was asked for. Boundary: data.
 */
import * as Data from "effect/Data"

/**
 * Why the store did not do what it was asked for.
 *
 * - `exists`: there is a journal of that id
 * - `missing`: there is none
 * - `held`: another store, maybe of another process, holds the job
 * - `fenced`: another took the job over: this engine must not go on with it
 * - `out-of-order`: the row does not follow the last one
 * - `full`: no space, or a quota
 * - `read-only`: the file, or its directory, cannot be written to
 * - `busy`: another connection holds the file longer than the store waits
 * - `not-a-database`: the file is something else
 * - `corrupt`: the file's own structure is damaged
 * - `closed`: the store has been closed
 * - `failed`: anything else; `message` has it
 */
export type StoreErrorReason =
  | "exists"
  | "missing"
  | "held"
  | "fenced"
  | "out-of-order"
  | "full"
  | "read-only"
  | "busy"
  | "not-a-database"
  | "corrupt"
  | "closed"
  | "failed"

/** The store did not do what it was asked for. `message` says what, and names the job or the file. */
export class StoreError extends Data.TaggedError("StoreError")<{
  readonly reason: StoreErrorReason
  readonly message: string
}> {}
