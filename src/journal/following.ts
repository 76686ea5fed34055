/**
 * Follows the journal of a job that another process writes: each look reads the rows since the last one.
 *
 * Notes after the last row are in the row that follows, too. Their events have the same numbers there, so each event is given
 * once. If the header has changed, because another version of the program goes on, the journal is read anew.
 *
 * Invariant: the events are those of `Journal.events`. Boundary: the store in, events out; the caller decides when to look.
 */
import * as Effect from "effect/Effect"
import type { JournalCorrupt } from "../outcome/JobError.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { eventsOf, type LogRecord } from "../outcome/logRecords.ts"
import type { JobStore, StoredJournal, StoreError } from "../store/JobStore.ts"
import { lastOf } from "./parts.ts"
import { JournalReader } from "./reader.ts"
import { lastRecords } from "./views.ts"

export class JournalFollower {
  readonly #store: JobStore["Service"]
  #reader: JournalReader | undefined
  /** Records of rows that were read, and whose events were not given yet. */
  #records: Array<LogRecord> = []
  /** The number of the last event of the rows that were read, and of the last event that was given. */
  #read = 0
  #given = 0

  constructor(store: JobStore["Service"]) {
    this.#store = store
  }

  /** The events of a journal that were not given yet. Each look has the same job, at the same place or later. */
  look(journal: StoredJournal): Effect.Effect<ReadonlyArray<JobEvent>, StoreError | JournalCorrupt> {
    return Effect.gen({ self: this }, function* () {
      const reader = yield* this.#readerOf(journal)
      yield* reader.readTo(lastOf(journal), reader.parts.length - 1)
      const events = this.#numbered(this.#records.splice(0), this.#read)
      this.#read = events.at(-1)?.seq ?? this.#read
      events.push(...this.#numbered(yield* lastRecords(journal, reader), this.#read))
      const fresh = events.filter(({ seq }) => seq > this.#given)
      this.#given = fresh.at(-1)?.seq ?? this.#given
      return fresh
    })
  }

  #readerOf(journal: StoredJournal): Effect.Effect<JournalReader, StoreError | JournalCorrupt> {
    return Effect.gen({ self: this }, function* () {
      const present = this.#reader
      if (present !== undefined && isSame(present.journal, journal)) {
        present.goOnWith(journal)
        return present
      }
      const records: Array<LogRecord> = []
      this.#records = records
      this.#read = 0
      this.#reader = undefined
      const listen = (record: LogRecord): void => void records.push(record)
      return (this.#reader = yield* JournalReader.begun(this.#store, journal, undefined, listen))
    })
  }

  #numbered(records: ReadonlyArray<LogRecord>, after: number): Array<JobEvent> {
    const events: Array<JobEvent> = []
    let seq = after
    for (const record of records) {
      for (const event of eventsOf(record, seq + 1)) {
        ;({ seq } = event)
        events.push(event)
      }
    }
    return events
  }
}

/** Whether a journal is a continuation of another, which the same version of the program writes. */
const isSame = (one: StoredJournal, other: StoredJournal): boolean =>
  one.header === other.header &&
  one.genesisHash === other.genesisHash &&
  one.createdAt === other.createdAt &&
  one.cycle <= other.cycle
