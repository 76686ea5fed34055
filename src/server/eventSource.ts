/**
 * The source of a viewer's events: the log of a job that is held here, its journal, or first the journal and then the log.
 *
 * Each source numbers the same events alike, even across restarts. A viewer that asks for events that a log has dropped gets
 * them from the journal, and then the log follows: nothing is left out, and nothing comes twice. A viewer that falls behind
 * while it reads the log misses the events that the log drops meanwhile. If the server releases the log of an ended job while
 * a viewer reads it, the viewer goes on with the journal. A journal is read page by page, at the viewer's pace.
 *
 * Boundary: a job in, events out; viewer.ts sends them.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ReadingOptions } from "../job/eventLog.ts"
import type { JobView } from "../job/view.ts"
import type { JournalCorrupt } from "../outcome/JobError.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import * as Journal from "../journal/Journal.ts"
import { JobStore } from "../store/JobStore.ts"
import type { StoreError } from "../outcome/StoreError.ts"
import { isKnown, type KnownJob, type Stored } from "./directory.ts"
import { factsOf } from "./eventText.ts"
import { Limits } from "../Limits.ts"

/** An event, and the job that holds its facts; undefined if the values of the facts are JSON already. */
export interface SourceEvent {
  readonly event: JobEvent
  readonly view: JobView | undefined
}

/** Events after a number, up to `JobHalted` if the job is held here or has ended. Only a journal without a log may fail. */
export const eventsAfter = (
  store: JobStore["Service"],
  found: KnownJob | Stored,
  after: number,
  reading: Reading = (journal) => journal,
  options: ReadingOptions = {}
): Stream.Stream<SourceEvent, StoreError | JournalCorrupt> => {
  const journals: JournalEvents = (jobId, from) =>
    reading(
      Stream.unwrap(Effect.provideService(Journal.events(jobId, { after: from }), JobStore, store)).pipe(
        Stream.map((event) => ({ event, view: undefined }))
      )
    )
  if (!isKnown(found)) return journals(found.journal.jobId, after)
  const logOf: LogEvents = (from) => fromLog(found.view, from, options)
  return store.isDurable ? filledUp(journals, logOf, found.view, after) : logOf(after)
}

/** Wraps a journal's stream of events for a viewer, such as to limit its memory. */
export type Reading = (
  journal: Stream.Stream<SourceEvent, StoreError | JournalCorrupt>
) => Stream.Stream<SourceEvent, StoreError | JournalCorrupt>

type LogEvents = (after: number) => Stream.Stream<SourceEvent>

type JournalEvents = (jobId: string, after: number) => Stream.Stream<SourceEvent, StoreError | JournalCorrupt>

/** Tuning: about how many facts of an event have their texts measured. */
const measuredFacts = 16

/** About the length of a value's JSON text, without a text of many megabytes that only tells its own length. */
const lengthAbout = (value: unknown): number => {
  let length = 0
  const open: Array<unknown> = [value]
  while (open.length > 0) {
    const part = open.pop()
    if (typeof part === "string") length += part.length
    else if (typeof part === "object" && part !== null) {
      for (const [key, inner] of Object.entries(part)) {
        length += key.length
        open.push(inner)
      }
    }
    length += 4
  }
  return length
}

/** About how many more bytes a reader of a journal holds after some events: values, texts, and entries in tables. */
export const contextBytesOf = (events: ReadonlyArray<SourceEvent>): number => {
  let bytes = 0
  for (const { event } of events) {
    const facts = factsOf(event)
    const every = Math.max(1, Math.floor(facts.length / measuredFacts))
    let [length, measured] = [0, 0]
    for (let at = 0; at < facts.length; at += every) {
      length += lengthAbout(facts[at]?.value)
      measured++
    }
    const textLength = measured === 0 ? 0 : length / measured
    bytes += Limits.serverThingBytes + facts.length * (Limits.serverThingBytes + 2 * textLength)
  }
  return bytes
}

const fromLog = (view: JobView, after: number, options: ReadingOptions): Stream.Stream<SourceEvent> =>
  Stream.map(view.log.after(after, options), (event) => ({
    event,
    view: view.log.isInJson(event.cycle) ? undefined : view
  }))

/** The journal up to the beginning of the log, and then the log. */
const filledUp = (
  journals: JournalEvents,
  logOf: LogEvents,
  view: JobView,
  after: number
): Stream.Stream<SourceEvent> =>
  Stream.suspend(() => {
    const { jobId, log } = view
    let last = after
    if (after + 1 >= log.oldest) {
      let isGone = false
      const kept = Stream.takeWhile(logOf(after), ({ event: { seq } }) => {
        // The log dropped the next event before it could be read.
        isGone = seq > last + 1 && (last === after || log.isReleased)
        if (!isGone) last = seq
        return !isGone
      })
      return Stream.concat(
        kept,
        Stream.suspend(() => (isGone ? filledUp(journals, logOf, view, last) : Stream.empty))
      )
    }
    let isRead = true
    const stored = journals(jobId, after).pipe(
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
    // A journal that gave no event would give none again, so the log goes on.
    const rest = Stream.suspend(() => (isRead && last > after ? filledUp(journals, logOf, view, last) : logOf(last)))
    return Stream.concat(stored, rest)
  })

/**
 * The events of a stream that has begun. If the store fails or a row is corrupt, the stream just ends. A viewer that asks for
 * the rest learns why.
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
