/**
 * The newest telemetry of the jobs that have viewers, so that a viewer can come back after its connection broke.
 *
 * A job makes telemetry only for listeners. Its first viewer begins a recording, which listens until the job has ended; so
 * nothing is lost while a viewer is away, as long as the window holds it. A recording keeps its newest items as texts, which all
 * viewers share. An item's id names the recording, too: another process, or a job that was taken up again, counts from 1 anew.
 *
 * Invariants: `Limits` bounds the items and characters of a recording, the characters of all, and the ended recordings that are
 * kept (G14); a viewer that is too slow, or comes back too late, learns which numbers it missed. Boundary: no HTTP.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { JobView } from "../job/view.ts"
import { Limits } from "../Limits.ts"
import type { JobTelemetry } from "../outcome/JobEvent.ts"
import type { KnownJob } from "./directory.ts"
import { plainText } from "./json.ts"
import { Status } from "./shapes.ts"

/** An item as a viewer is sent it. */
export interface Recorded {
  readonly tag: string
  readonly sequence: number
  /** The item as JSON. */
  readonly text: string
}

/** The last item of a recording. `Ended`: the job has ended. `Goodbye`: it goes on from its journal. */
export type RecordingEnd =
  | { readonly _tag: "Ended"; readonly status: typeof Status.Type }
  | { readonly _tag: "Goodbye"; readonly reason: "shutting-down" | "store" }

/** Tuning: so many items that a viewer has not been sent end the pause between two writes to it. */
const burst = 256

/** The number of the last item that a viewer was sent, whether that was all there was, and the items since its last pause. */
interface ViewerPlace {
  readonly last: number
  readonly hasAll: boolean
  readonly sent: number
}

/** The pause before a viewer is sent more. `sent`: the items since the pause before. */
export type Pace = (sent: number) => Effect.Effect<void>

/** In place of an item that was dropped. */
const gone: Recorded = { tag: "", sequence: 0, text: "" }

const isStatus = Schema.is(Status)

/** An item as JSON. A value that is too long is given as the name of its type, as those of worker threads are. */
export const telemetryText = (item: JobTelemetry): string => {
  // Only the values of a program need care.
  if (item._tag !== "TaskProgress") return JSON.stringify(item)
  const text = plainText(item)
  if (text.length <= Limits.progressTextLength + Limits.serverTelemetryNameLength) {
    return text
  }
  return plainText({ ...item, value: typeof item.value })
}

export class Recording {
  /** Names this recording among those of other processes and of other times. */
  readonly name: string
  /** By number, oldest first, after those that were dropped. */
  #items: Array<Recorded> = []
  #dropped = 0
  #length = 0
  #newest = 0
  #end: RecordingEnd | undefined
  /** Viewers that wait, each for the item of a number. */
  readonly #waiting = new Map<() => void, number>()

  constructor(name: string) {
    this.name = name
  }

  /** Characters of the items that are kept. */
  get length(): number {
    return this.#length
  }

  /** The number of the newest item; 0 before the first. */
  get newest(): number {
    return this.#newest
  }

  /** The last item; undefined while the job lives. */
  get end(): RecordingEnd | undefined {
    return this.#end
  }

  /** Adds an item, and returns by how many characters the recording has grown: fewer than 0 if it lost more than it got. */
  add(item: Recorded, mostLength: number): number {
    const before = this.#length
    this.#newest = item.sequence
    this.#items.push(item)
    this.#length += item.text.length
    for (;;) {
      const kept = this.#items.length - this.#dropped
      if (kept === 1 || (kept <= Limits.telemetryBuffer && this.#length <= mostLength)) break
      this.#length -= this.#items[this.#dropped]?.text.length ?? 0
      this.#items[this.#dropped++] = gone
    }
    if (this.#dropped > Limits.telemetryBuffer) {
      this.#items = this.#items.slice(this.#dropped)
      this.#dropped = 0
    }
    this.#wake()
    return this.#length - before
  }

  /** Ends the recording: viewers get its last items, and then the end. */
  close(end: RecordingEnd): void {
    this.#end = end
    this.#wake()
  }

  #wake(): void {
    for (const [wake, sequence] of this.#waiting) {
      if (sequence > this.#newest && this.#end === undefined) continue
      this.#waiting.delete(wake)
      wake()
    }
  }

  /**
   * The items with a number above `sequence`, page by page, until the recording has ended. `pace`: the pause before a viewer that
   * has had everything is sent more, so that items that come meanwhile are sent together; default none. `sent`: the items that it
   * was sent since the pause before.
   */
  after(sequence: number, pace?: Pace): Stream.Stream<Recorded> {
    return Stream.paginate({ last: sequence, hasAll: false, sent: 0 }, (place) => this.#page(place, pace))
  }

  #page(
    { hasAll, last, sent }: ViewerPlace,
    pace: Pace | undefined
  ): Effect.Effect<readonly [ReadonlyArray<Recorded>, Option.Option<ViewerPlace>]> {
    return Effect.suspend(() => {
      const page = hasAll && this.#end === undefined ? [] : this.#next(last)
      const newest = page.at(-1)?.sequence
      if (newest !== undefined) {
        const next = { last: newest, hasAll: newest === this.#newest, sent: sent + page.length }
        return Effect.succeed([page, Option.some(next)] as const)
      }
      if (this.#end !== undefined) return Effect.succeed([[], Option.none()] as const)
      // A burst does not wait for the end of the pause: the window might lose its first items meanwhile.
      const rest = pace === undefined ? Effect.void : Effect.raceFirst(pace(sent), this.#reached(last + burst))
      // An item comes within a step of the job, which must not write it.
      const come = Effect.andThen(this.#reached(last + 1), Effect.andThen(rest, Effect.yieldNow))
      return Effect.as(come, [[], Option.some({ last, hasAll: false, sent: 0 })] as const)
    })
  }

  /** Items that can be sent at once. The numbers may have gaps. */
  #next(last: number): ReadonlyArray<Recorded> {
    if (last >= this.#newest) return []
    const from = this.#firstAfter(last)
    let to = from
    for (let length = 0; to < this.#items.length && length < Limits.serverPieceLength; to++) {
      length += this.#items[to]?.text.length ?? 0
    }
    return this.#items.slice(from, to)
  }

  /** The place of the first item with a number above `last`. */
  #firstAfter(last: number): number {
    let [low, high] = [this.#dropped, this.#items.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#items[middle]?.sequence ?? Infinity) > last) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Succeeds when the item of a number is there, or the recording has ended. */
  #reached(sequence: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const wake = (): void => resume(Effect.void)
      this.#waiting.set(wake, sequence)
      this.#wake()
      return Effect.sync(() => this.#waiting.delete(wake))
    })
  }
}

export class TelemetryRoom {
  /** By their jobs. A recording must not keep the facts of an ended job, which the server lets go of. */
  readonly #recordings = new WeakMap<JobView, Recording>()
  /** The recordings of jobs that have ended, oldest first, each with its job while that is held. */
  readonly #ended = new Map<Recording, WeakRef<JobView>>()
  #length = 0
  readonly #scope: Scope.Scope
  readonly #services: Context.Context<never>

  /** `scope`: that of the fibers that listen. `services`: those that they run with, so that they keep no request. */
  constructor(scope: Scope.Scope, services: Context.Context<never>) {
    this.#scope = scope
    this.#services = services
  }

  /** Characters of all items that are kept. */
  get length(): number {
    return this.#length
  }

  /** Whether there is a recording of a job. */
  has(view: JobView): boolean {
    return this.#recordings.has(view)
  }

  /** The recording of a job, which begins with its first viewer; undefined if the job ended before it had any. */
  recordingOf({ end, job, view }: KnownJob): Effect.Effect<Recording | undefined> {
    return Effect.gen({ self: this }, function* () {
      const present = this.#recordings.get(view)
      if (present !== undefined || end !== undefined) return present
      const recording = new Recording(String(yield* Clock.currentTimeMillis))
      this.#recordings.set(view, recording)
      const listening = Effect.callback<void>((resume) => {
        const report = (item: JobTelemetry): void => this.#add(recording, item)
        const stop = view.telemetry.listen({ report, end: () => resume(Effect.void) })
        return Effect.sync(stop)
      })
      const listened = listening.pipe(
        Effect.andThen(Effect.exit(job.result)),
        Effect.andThen(job.status),
        Effect.map(({ state }) => this.#close(view, recording, isStatus(state) ? state : "failed"))
      )
      const forked = Effect.forkIn(listened, this.#scope, { startImmediately: true })
      const begun: Effect.Effect<unknown> = Effect.updateContext(forked, () => this.#services)
      yield* begun
      return recording
    })
  }

  #add(recording: Recording, item: JobTelemetry): void {
    const text = telemetryText(item)
    const recorded = { tag: item._tag, sequence: item.sequence, text }
    this.#dropEnded(text.length)
    // If all recordings together are too long, each new item costs its own recording the oldest ones.
    const others = this.#length - recording.length
    const most = Math.min(Limits.serverTelemetryJobLength, Limits.serverTelemetryLength - others)
    this.#length += recording.add(recorded, most)
  }

  /** Drops the recording of a job that was deleted. */
  drop(view: JobView): void {
    const recording = this.#recordings.get(view)
    if (recording !== undefined && this.#ended.has(recording)) this.#drop(recording)
  }

  #close(view: JobView, recording: Recording, status: typeof Status.Type): void {
    const reason = view.leftFor
    recording.close(reason === undefined ? { _tag: "Ended", status } : { _tag: "Goodbye", reason })
    this.#ended.set(recording, new WeakRef(view))
    this.#dropEnded(0)
  }

  /** Drops the oldest recordings of ended jobs, if there are too many, or there is no room for a text. */
  #dropEnded(length: number): void {
    for (const recording of this.#ended.keys()) {
      const isRoom = this.#length + length <= Limits.serverTelemetryLength
      if (isRoom && this.#ended.size <= Limits.serverTelemetryEnded) break
      this.#drop(recording)
    }
  }

  #drop(recording: Recording): void {
    const view = this.#ended.get(recording)?.deref()
    if (view !== undefined) this.#recordings.delete(view)
    this.#ended.delete(recording)
    this.#length -= recording.length
  }
}
