/**
 * The event log of a job: committed records, and readers that turn them into events.
 *
 * Events are made when they are read, so a job without readers costs only a reference and a number for each cycle. A reader
 * starts after the number that it names, at any time, and sees no event twice. `Limits.retainedCycles` and
 * `Limits.retainedLength` bound the records that are kept. A reader that starts, or falls, behind them goes on with the oldest
 * record that is kept, and sees by `seq` which events it missed. A log whose records are in a journal may be released.
 *
 * Invariants: readers see records in order and end after the last (G3); a finished log holds no reader (G13).
 * Boundary: no machine, no merge.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type JobEvent } from "../outcome/JobEvent.ts"
import { at } from "./at.ts"
import { Limits } from "../Limits.ts"
import { countOf, eventsOf, lengthOf, type LogRecord, type CycleRange } from "../outcome/logRecords.ts"

/** Tuning: events, and characters of canonical text behind them, from which on a page goes no further than the record. */
const pageEvents = 256
const pageLength = 16_384

/** How a reader reads a log. */
export interface ReadingOptions {
  /**
   * The pause before a reader that has had everything reads on, so that records that come meanwhile are read together. `read`:
   * the events that it has read since the pause before. Default: none.
   */
  readonly pace?: (read: number) => Effect.Effect<void>
  /** Characters of canonical text behind the events of a page, about. Default: a few thousand. */
  readonly pageLength?: number
}

/**
 * The place of the record that a reader reads next, whether the reader has had all records before it that were there, and the
 * events that it has read since it last waited.
 */
interface Next {
  readonly from: number
  readonly hasAll: boolean
  readonly read: number
}

export class EventLog {
  readonly #records: Array<LogRecord> = []
  /** The number of the newest event up to each record. */
  readonly #numbers: Array<number> = []
  /** The number of records, and of events, that were dropped from the front. */
  #droppedRecords = 0
  #droppedEvents = 0
  /** Readers that wait for the next record. Made for the first reader. */
  #waiting: Set<() => void> | undefined
  #ended = false
  /** Characters of canonical text behind the records that are kept. */
  #length = 0
  /** Characters of canonical text behind all records, also those that were dropped. */
  #written = 0
  #isReleased = false
  readonly #inJson: ReadonlyArray<CycleRange>

  /** `inJson`: the cycles of an earlier version of the program. Their facts do not have the kinds of the present version. */
  constructor(inJson: ReadonlyArray<CycleRange> = []) {
    this.#inJson = inJson
  }

  append(record: LogRecord): void {
    this.#numbers.push(this.newest + countOf(record))
    this.#records.push(record)
    const length = lengthOf(record)
    this.#length += length
    this.#written += length
    if (record._tag === "Halted") this.#ended = true
    const { retainedCycles, retainedLength } = Limits
    if (this.#records.length >= retainedCycles * 2 || this.#length >= retainedLength * 2) this.#trim()
    // A reader that wakes runs at once, until it waits again. So the list is replaced before any reader wakes.
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) for (const wake of waiting) wake()
  }

  /**
   * Keeps the newest records, and always the last one, however long it is. It runs so rarely that moving records costs almost
   * nothing.
   */
  #trim(): void {
    const { length } = this.#records
    let kept = length - 1
    let sum = lengthOf(at(this.#records, kept))
    while (kept > 0 && length - kept < Limits.retainedCycles) {
      sum += lengthOf(at(this.#records, kept - 1))
      if (sum > Limits.retainedLength) break
      kept--
    }
    this.#drop(kept)
  }

  #drop(count: number): void {
    for (const record of this.#records.splice(0, count)) this.#length -= lengthOf(record)
    this.#droppedEvents = this.#numbers.splice(0, count).at(-1) ?? this.#droppedEvents
    this.#droppedRecords += count
  }

  /** Releases all records but the last, if the log has ended, because a journal has them. */
  release(): void {
    if (!this.#ended || this.#isReleased) return
    this.#isReleased = true
    this.#drop(this.#records.length - 1)
  }

  /** Whether the records were released. The journal has them, up to the end. */
  get isReleased(): boolean {
    return this.#isReleased
  }

  /** The number of records that are kept. */
  get records(): number {
    return this.#records.length
  }

  /** Characters of canonical text behind all records, also those that are not kept. */
  get written(): number {
    return this.#written
  }

  /** The number of the oldest event that is kept, or of the first to come. */
  get oldest(): number {
    return this.#droppedEvents + 1
  }

  /** The number of the newest event; 0 before there is one. */
  get newest(): number {
    return this.#numbers.at(-1) ?? this.#droppedEvents
  }

  /** Whether the facts of a cycle are JSON, as the kinds of an earlier version of the program encoded them. */
  isInJson(cycle: number): boolean {
    return this.#inJson.some(({ from, to }) => from <= cycle && cycle <= to)
  }

  /** All events, from the first that is kept to `JobHalted`. */
  get stream(): Stream.Stream<JobEvent> {
    return this.after(0)
  }

  /** Like `stream`, but only events with a number above `seq`. If there is none yet, it waits. */
  after(seq: number, options: ReadingOptions = {}): Stream.Stream<JobEvent> {
    return Stream.suspend(() => {
      const first: Next = { from: this.#recordAfter(seq), hasAll: false, read: 0 }
      return Stream.paginate(first, (next) => this.#page(next, seq, options))
    })
  }

  /** The place of the record with the first event above `seq`, or of the next record. Places count dropped records, too. */
  #recordAfter(seq: number): number {
    let [low, high] = [0, this.#numbers.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (at(this.#numbers, middle) > seq) high = middle
      else low = middle + 1
    }
    return this.#droppedRecords + low
  }

  #page(next: Next, after: number, options: ReadingOptions) {
    return Effect.suspend(() => {
      const from = Math.max(next.from, this.#droppedRecords)
      const isThere = from - this.#droppedRecords < this.#records.length
      const isDue = !next.hasAll || this.#ended
      if (isThere && isDue)
        return Effect.succeed(this.#pageFrom({ ...next, from }, after, options.pageLength ?? pageLength))
      if (!isThere && this.#ended) return Effect.succeed([[], Option.none()] as const)
      // A job that is faster than its reader is never waited for: the pause comes although there is a record.
      const grown = this.#grownBeyond(from)
      const { pace } = options
      const waited = pace === undefined ? grown : Effect.flatMap(grown, () => pace(next.read))
      return Effect.as(waited, [[], Option.some({ from, hasAll: false, read: 0 })] as const)
    })
  }

  /** The events of some records that are there, from a place on. */
  #pageFrom(
    { from, read }: Next,
    after: number,
    most: number
  ): readonly [ReadonlyArray<JobEvent>, Option.Option<Next>] {
    const page: Array<JobEvent> = []
    let place = from - this.#droppedRecords
    for (let length = 0; page.length < pageEvents && length < most; place++) {
      const record = this.#records[place]
      if (record === undefined) break
      // A reader that waits for the end alone costs the job nothing.
      if (at(this.#numbers, place) <= after && record._tag !== "Halted") continue
      length += lengthOf(record)
      for (const event of eventsOf(record, (this.#numbers[place - 1] ?? this.#droppedEvents) + 1)) {
        // A reader that asked for a number beyond the end still gets the last event.
        if (event.seq > after || event._tag === "JobHalted") page.push(event)
      }
      if (record._tag === "Halted") return [page, Option.none()]
    }
    const hasAll = place >= this.#records.length
    return [page, Option.some({ from: place + this.#droppedRecords, hasAll, read: read + page.length })]
  }

  /** Waits for the record at a place. It may have come since the reader looked: a fiber can be suspended in between. */
  #grownBeyond(place: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.#ended || place < this.#droppedRecords + this.#records.length) return resume(Effect.void)
      const wake = (): void => resume(Effect.void)
      this.#waiting ??= new Set()
      this.#waiting.add(wake)
      return Effect.sync(() => this.#waiting?.delete(wake))
    })
  }
}
