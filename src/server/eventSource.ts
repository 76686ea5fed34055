/**
 * Where a viewer's events come from: the log of a job that is held here, its journal, or one after the other.
 *
 * All are the same list, number by number, whatever the server went through in between. Whoever asks for more than a log has
 * kept is given that from the journal, and then the log, so nothing is left out and nothing comes twice; one that falls behind
 * later, while it reads from the log, misses what the log has dropped meanwhile; but where the log of an ended job was let go
 * of under it, it goes on with the journal. A journal is read page by page, as the viewer takes it. Boundary: a job in, events out; how they reach the viewer is viewer.ts.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { JobSession } from "../job/session.ts"
import type { JournalCorrupt } from "../outcome/JobError.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import * as Journal from "../journal/Journal.ts"
import { JobStore } from "../store/JobStore.ts"
import type { StoreError } from "../outcome/StoreError.ts"
import { type Entry, isEntry, type Stored } from "./directory.ts"

/** An event, and the session whose kinds say how its facts are written; undefined where they are written so already. */
export interface Told {
  readonly event: JobEvent
  readonly session: JobSession | undefined
}

/** Events after a number, up to `JobHalted` if the job is held here or has ended. A journal alone may fail on the way. */
export const eventsAfter = (
  store: JobStore["Service"],
  found: Entry | Stored,
  after: number
): Stream.Stream<Told, StoreError | JournalCorrupt> => {
  if (!isEntry(found)) return fromJournal(store, found.journal.jobId, after)
  return store.isDurable ? filledUp(store, found.session, after) : fromLog(found.session, after)
}

const fromJournal = (
  store: JobStore["Service"],
  jobId: string,
  after: number
): Stream.Stream<Told, StoreError | JournalCorrupt> =>
  Stream.unwrap(Effect.provideService(Journal.events(jobId, { after }), JobStore, store)).pipe(
    Stream.map((event) => ({ event, session: undefined }))
  )

const fromLog = (session: JobSession, after: number): Stream.Stream<Told> =>
  Stream.map(session.log.after(after), (event) => ({
    event,
    session: session.log.isInJson(event.cycle) ? undefined : session
  }))

/** The journal up to where the log begins, and then the log. */
const filledUp = (store: JobStore["Service"], session: JobSession, after: number): Stream.Stream<Told> =>
  Stream.suspend(() => {
    const { jobId, log } = session
    let last = after
    if (after + 1 >= log.oldest) {
      let isGone = false
      const kept = Stream.takeWhile(fromLog(session, after), ({ event: { seq } }) => {
        // What it was to begin with has been dropped before it could.
        isGone = seq > last + 1 && (last === after || log.isReleased)
        if (!isGone) last = seq
        return !isGone
      })
      return Stream.concat(
        kept,
        Stream.suspend(() => (isGone ? filledUp(store, session, last) : Stream.empty))
      )
    }
    let isRead = true
    const stored = fromJournal(store, jobId, after).pipe(
      // Where the log begins moves on while the journal is read.
      Stream.takeWhile(({ event }) => event.seq < log.oldest),
      Stream.map((told) => {
        last = told.event.seq
        return told
      }),
      Stream.catch((error) => {
        isRead = false
        return Stream.fromEffectDrain(Effect.logWarning(`older events of job ${jobId} are left out: ${error.message}`))
      })
    )
    // A journal that was read to its end and gave nothing would give nothing once more.
    const rest = Stream.suspend(() =>
      isRead && last > after ? filledUp(store, session, last) : fromLog(session, last)
    )
    return Stream.concat(stored, rest)
  })

/**
 * The events of a stream that has begun. Where a row is not what was written, or the store fails, the list ends: whoever comes
 * back for the rest is told why.
 */
export const endingEarly = (
  events: Stream.Stream<Told, StoreError | JournalCorrupt>,
  jobId: string
): Stream.Stream<Told> =>
  events.pipe(
    Stream.catch((error) =>
      Stream.fromEffectDrain(Effect.logWarning(`the events of job ${jobId} end early: ${error.message}`))
    )
  )
