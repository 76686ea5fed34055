/**
 * The error of a store. Boundary: data.
 */
import * as Data from "effect/Data"

/**
 * The reason why a store refused or failed.
 *
 * - `exists`: the store has a journal with that id already
 * - `missing`: the store has no journal with that id
 * - `held`: another store, maybe of another process, holds the job
 * - `needed`: the parent of the job is unfinished, and has to read how the job ended
 * - `fenced`: another engine took the job over, so this one must not go on with it
 * - `out-of-order`: the row does not follow the last one
 * - `full`: no space, or a quota
 * - `too-large`: a text is longer than the store, or a string, can hold; it never will be taken
 * - `quarantined`: the job was taken up again and again and got no further, so that only a resume by hand takes it up
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
  | "needed"
  | "fenced"
  | "out-of-order"
  | "full"
  | "too-large"
  | "quarantined"
  | "read-only"
  | "busy"
  | "not-a-database"
  | "corrupt"
  | "closed"
  | "failed"

/** A store refused or failed. `message` says what went wrong, and names the job or the file. */
export class StoreError extends Data.TaggedError("StoreError")<{
  readonly reason: StoreErrorReason
  readonly message: string
}> {
  /** There is no result: the job never began, or was not taken up. */
  declare readonly partial?: undefined
}

/** The part of a job's journal that a store found to be damaged; cycle 0 is the beginning. */
export interface DamagedPart {
  readonly cycle: number
  readonly part: string
}

/** The stored journal of one job differs from what was written. The rest of the store may be sound. */
export class JobDamaged extends StoreError {
  readonly #damaged: DamagedPart
  constructor(message: string, damaged: DamagedPart) {
    super({ reason: "corrupt", message })
    this.#damaged = damaged
  }
  /** It is no field of its own: as JSON, the error is that of any store. */
  get damaged(): DamagedPart {
    return this.#damaged
  }
}
