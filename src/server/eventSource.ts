/**
 * Where a viewer's events come from: the log of a job that is held here, its journal, or first the journal and then the log.
 *
 * Each source numbers the same events alike, even across restarts. A viewer that asks for events that a log has dropped gets
 * them from the journal, and the log follows: nothing is left out, and nothing comes twice. A viewer that falls behind while
 * it reads the log misses what the log drops meanwhile. If the server lets go of the log of an ended job under a viewer, the
 * viewer goes on with the journal. A journal is read page by page, at the viewer's pace.
 *
 * Boundary: a job in, events out; viewer.ts sends them.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { JobView } from "../job/view.ts"
import type { JournalCorrupt } from "../outcome/JobError.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import * as Journal from "../journal/Journal.ts"
import { JobStore } from "../store/JobStore.ts"
import type { StoreError } from "../outcome/StoreError.ts"
import { isKnown, type KnownJob, type Stored } from "./directory.ts"

/** An event, and the job that holds its facts; undefined if the values of the facts are JSON already. */
export interface SourceEvent {
  readonly event: JobEvent
  readonly view: JobView | undefined
}

/** Events after a number, up to `JobHalted` if the job is held here or has ended. A journal alone may fail on the way. */
export const eventsAfter = (
  store: JobStore["Service"],
  found: KnownJob | Stored,
  after: number
): Stream.Stream<SourceEvent, StoreError | JournalCorrupt> => {
  if (!isKnown(found)) return fromJournal(store, found.journal.jobId, after)
  return store.isDurable ? filledUp(store, found.view, after) : fromLog(found.view, after)
}

const fromJournal = (
  store: JobStore["Service"],
  jobId: string,
  after: number
): Stream.Stream<SourceEvent, StoreError | JournalCorrupt> =>
  Stream.unwrap(Effect.provideService(Journal.events(jobId, { after }), JobStore, store)).pipe(
    Stream.map((event) => ({ event, view: undefined }))
  )

const fromLog = (view: JobView, after: number): Stream.Stream<SourceEvent> =>
  Stream.map(view.log.after(after), (event) => ({
    event,
    view: view.log.isInJson(event.cycle) ? undefined : view
  }))

/** The journal up to where the log begins, and then the log. */
const filledUp = (store: JobStore["Service"], view: JobView, after: number): Stream.Stream<SourceEvent> =>
  Stream.suspend(() => {
    const { jobId, log } = view
    let last = after
    if (after + 1 >= log.oldest) {
      let isGone = false
      const kept = Stream.takeWhile(fromLog(view, after), ({ event: { seq } }) => {
        // The log dropped the event that was to come first, before it could be read.
        isGone = seq > last + 1 && (last === after || log.isReleased)
        if (!isGone) last = seq
        return !isGone
      })
      return Stream.concat(
        kept,
        Stream.suspend(() => (isGone ? filledUp(store, view, last) : Stream.empty))
      )
    }
    let isRead = true
    const stored = fromJournal(store, jobId, after).pipe(
      // The beginning of the log moves on while the journal is read.
      Stream.takeWhile(({ event }) => event.seq < log.oldest),
      Stream.map((found) => {
        last = found.event.seq
        return found
      }),
      Stream.catch((error) => {
        isRead = false
        return Stream.fromEffectDrain(Effect.logWarning(`older events of job ${jobId} are left out: ${error.message}`))
      })
    )
    // A journal that was read to its end and gave nothing would give nothing once more.
    const rest = Stream.suspend(() => (isRead && last > after ? filledUp(store, view, last) : fromLog(view, last)))
    return Stream.concat(stored, rest)
  })

/**
 * The events of a stream that has begun. If the store fails or a row is corrupt, the stream just ends: a viewer that asks for
 * the rest is told why.
 */
export const endingEarly = (
  events: Stream.Stream<SourceEvent, StoreError | JournalCorrupt>,
  jobId: string
): Stream.Stream<SourceEvent> =>
  events.pipe(
    Stream.catch((error) =>
      Stream.fromEffectDrain(Effect.logWarning(`the events of job ${jobId} end early: ${error.message}`))
    )
  )
