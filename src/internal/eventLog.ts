/**
 * A job's event log: what was committed, and readers that turn it into events.
 *
 * Events are made when somebody reads them, so a job that nobody watches pays for nothing but a reference. Readers start
 * at the beginning, however late they come. At most `Limits.retainedCycles` records are kept; a reader that starts, or
 * falls, behind them goes on with the oldest that is kept, and sees by `seq` what it missed.
 *
 * Invariants: readers see records in order and end after the last (G3); a finished log holds no reader (G13).
 * Boundary: no machine, no merge.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { eventsOf, type JobEvent, type LogRecord } from "../JobEvent.ts"
import { Limits } from "../Limits.ts"

interface Cursor {
  /** The number of the next record, counted from the first ever. */
  readonly record: number
  readonly seq: number
}

export class EventLog {
  readonly #records: Array<LogRecord> = []
  /** Readers that wait for the next record; made when the first does. */
  #waiting: Set<() => void> | undefined
  /** How many records, and events, were dropped from the front. */
  #dropped: Cursor = { record: 0, seq: 0 }
  #ended = false

  append(record: LogRecord): void {
    this.#records.push(record)
    if (record._tag === "Halted") this.#ended = true
    if (this.#records.length >= Limits.retainedCycles * 2) this.#trim()
    // A reader that wakes runs at once, up to where it waits again: it must not meet itself here.
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) for (const wake of waiting) wake()
  }

  #trim(): void {
    const gone = this.#records.splice(0, this.#records.length - Limits.retainedCycles)
    const seq = gone.reduce((count, record) => count + eventsOf(record, 0).length, this.#dropped.seq)
    this.#dropped = { record: this.#dropped.record + gone.length, seq }
  }

  /** All events, from the first that is kept to `JobHalted`. */
  get stream(): Stream.Stream<JobEvent> {
    return Stream.paginate<Cursor, JobEvent>({ record: 0, seq: 0 }, (asked) => this.#page(asked))
  }

  #page(asked: Cursor) {
    return Effect.suspend(() => {
      const at = asked.record < this.#dropped.record ? this.#dropped : asked
      const record = this.#records[at.record - this.#dropped.record]
      if (record === undefined) {
        return this.#ended
          ? Effect.succeed([[], Option.none()] as const)
          : Effect.as(this.#grown, [[], Option.some(at)] as const)
      }
      const events = eventsOf(record, at.seq + 1)
      const next = { record: at.record + 1, seq: at.seq + events.length }
      return Effect.succeed([events, record._tag === "Halted" ? Option.none() : Option.some(next)] as const)
    })
  }

  get #grown(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const wake = (): void => resume(Effect.void)
      this.#waiting ??= new Set()
      this.#waiting.add(wake)
      return Effect.sync(() => this.#waiting?.delete(wake))
    })
  }
}
