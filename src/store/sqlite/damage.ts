/**
 * The first damage that an open store has met in its file.
 *
 * Only operations that need a damaged page meet the damage, so a successful write does not exclude it. The store remembers the
 * damage until it is opened again. Boundary: remembers a refusal.
 */
import type { Refusal } from "../refusals.ts"

export class Damage {
  #met: Refusal | undefined

  /** The first refusal because of damage. Undefined if there was none. */
  get met(): Refusal | undefined {
    return this.#met
  }

  /** Remembers a refusal if it is the first because of damage. */
  note(refusal: Refusal): void {
    if (refusal.reason === "corrupt" || refusal.reason === "not-a-database") this.#met ??= refusal
  }
}
