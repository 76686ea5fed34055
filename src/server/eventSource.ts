/**
 * Where a viewer's events come from: the log of a job that is held here, or the journal of one that is not.
 *
 * Both are the same list, number by number, whatever the server went through in between. Boundary: a job in, events out; how
 * they reach the viewer is viewer.ts.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { replayJournal } from "../internal/readJournal.ts"
import { eventsOf, type JobEvent, type LogRecord } from "../JobEvent.ts"
import type { JobStore, StoredJournal } from "../store/JobStore.ts"
import { type Entry, isEntry, type Stored } from "./directory.ts"

/** Events after a number, up to `JobHalted` if the job is held here or has ended. */
export const eventsAfter = (
  store: JobStore["Service"],
  found: Entry | Stored,
  after: number
): Stream.Stream<JobEvent> => {
  const all = isEntry(found) ? found.job.events : storedEvents(store, found.journal)
  return after === 0 ? all : Stream.filter(all, ({ seq }) => seq > after)
}

/** What a journal holds by now. A row that is not what was written ends the list before it. */
const storedEvents = (store: JobStore["Service"], journal: StoredJournal): Stream.Stream<JobEvent> =>
  Stream.unwrap(
    Effect.suspend(() => {
      const records: Array<LogRecord> = []
      return replayJournal(store, journal, { log: (record) => void records.push(record) }).pipe(
        Effect.catch((error) => Effect.logWarning(`the journal of job ${journal.jobId} ends early: ${error.message}`)),
        Effect.map(() => Stream.fromIterable(numbered(records)))
      )
    })
  )

function* numbered(records: Iterable<LogRecord>): Generator<JobEvent, void> {
  let seq = 1
  for (const record of records) {
    const events = eventsOf(record, seq)
    seq += events.length
    yield* events
  }
}
