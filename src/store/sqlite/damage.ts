/**
 * The damage of a file that an open store has met.
 *
 * A damaged page is met by the operations that need it, and by no other, so a write that succeeds says nothing of it. Once met,
 * the damage stays until the store is opened anew. Boundary: remembers a refusal.
 */
import type { Refusal } from "../refusals.ts"

export class Damage {
  #met: Refusal | undefined

  /** The first refusal that told of damage; undefined if none did. */
  get met(): Refusal | undefined {
    return this.#met
  }

  /** Takes note of what SQLite refused. */
  note(refusal: Refusal): void {
    if (refusal.reason === "corrupt" || refusal.reason === "not-a-database") this.#met ??= refusal
  }
}
