/**
 * Where a viewer's events come from: the log of a job that is held here, or the journal of one that is not.
 *
 * Both are the same list, number by number, whatever the server went through in between. A journal is read page by page, as
 * the viewer takes it. Boundary: a job in, events out; how they reach the viewer is viewer.ts.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { JournalCorrupt } from "../JobError.ts"
import type { JobEvent } from "../JobEvent.ts"
import * as Journal from "../Journal.ts"
import { JobStore } from "../store/JobStore.ts"
import type { StoreError } from "../StoreError.ts"
import { type Entry, isEntry, type Stored } from "./directory.ts"

/** Events after a number, up to `JobHalted` if the job is held here or has ended. A journal may fail on the way. */
export const eventsAfter = (
  store: JobStore["Service"],
  found: Entry | Stored,
  after: number
): Stream.Stream<JobEvent, StoreError | JournalCorrupt> => {
  if (isEntry(found)) return found.session.log.after(after)
  const read = Journal.events(found.journal.jobId, { after })
  return Stream.unwrap(Effect.provideService(read, JobStore, store))
}

/**
 * The events of a stream that has begun. Where a row is not what was written, or the store fails, the list ends: whoever comes
 * back for the rest is told why.
 */
export const endingEarly = (
  events: Stream.Stream<JobEvent, StoreError | JournalCorrupt>,
  jobId: string
): Stream.Stream<JobEvent> =>
  events.pipe(
    Stream.catch((error) =>
      Stream.fromEffectDrain(Effect.logWarning(`the events of job ${jobId} end early: ${error.message}`))
    )
  )
