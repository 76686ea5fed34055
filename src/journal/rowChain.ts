/**
 * The chain of the hashes of a journal's rows, for readers that replay nothing.
 *
 * Invariant: a row that is not what was written, or that does not follow the one before, is found where it is read. Boundary:
 * rows as the store has them in, the same rows out.
 */
import * as Effect from "effect/Effect"
import { JournalCorrupt } from "../outcome/JobError.ts"
import { inSlices } from "../platform/slices.ts"
import type { StoredJournal, StoredRow } from "../store/JobStore.ts"
import { sha256Pieces } from "../values/sha256.ts"
import { endIn } from "./edges.ts"

export class RowChain {
  readonly #journal: StoredJournal
  readonly #after: number
  /** The last row that was read, and its hash: undefined until the row `after` has been read. */
  #cycle: number
  #hash: string | undefined

  /** Rows are read from the row of cycle `after` on, whose hash the next one stands on; 0: the beginning. */
  constructor(journal: StoredJournal, after: number) {
    this.#journal = journal
    this.#after = after
    this.#cycle = Math.max(0, after - 1)
    this.#hash = after === 0 ? journal.genesisHash : undefined
  }

  #corrupt(cycle: number, part: string, expected: string, found: string): Effect.Effect<never, JournalCorrupt> {
    return Effect.fail(new JournalCorrupt({ jobId: this.#journal.jobId, cycle, part, expected, found }))
  }

  /** Checks the next row. */
  check(row: StoredRow): Effect.Effect<StoredRow, JournalCorrupt> {
    return Effect.gen({ self: this }, function* () {
      const { cycle, hash, isIntact, text } = row
      const next = this.#cycle + 1
      if (cycle !== next) return yield* this.#corrupt(next, "cycle", String(next), String(cycle))
      if (this.#hash !== undefined) {
        const found = yield* inSlices(sha256Pieces(`${this.#hash}\n`, [text]))
        if (found !== hash) return yield* this.#corrupt(cycle, "hash", found, hash)
        if (!isIntact) {
          return yield* this.#corrupt(cycle, "extra", "what was written with the row", "something else")
        }
      }
      this.#cycle = cycle
      this.#hash = hash
      return row
    })
  }

  /** Checks that no row up to cycle `until` is missing, if the job has ended: its end has their number. */
  checkEnd(until: number): Effect.Effect<void, JournalCorrupt> {
    return Effect.flatMap(endIn(this.#journal), (end) => {
      const last = Math.min(until, end?.usage.cycles ?? 0)
      return this.#after >= last || this.#cycle >= last
        ? Effect.void
        : this.#corrupt(this.#cycle + 1, "cycle", `rows up to cycle ${last}`, `rows up to cycle ${this.#cycle}`)
    })
  }
}
