/**
 * The byte stream that a viewer of a job's events receives: server-sent events, or lines of JSON.
 *
 * A viewer reads the job's log at its own pace. Only its own connection holds it up, and nothing waits for it except the page
 * that is being sent to it. A viewer that falls behind the log learns which numbers it missed, and may come back for
 * them. A stream ends after `JobHalted`. It ends with a `Goodbye` when the server shuts down, or when the store failed and
 * the job goes on from its journal; a viewer that comes back with its last number then goes on where it was.
 *
 * Boundary: events in, bytes out.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Limits } from "../Limits.ts"
import { breathe } from "../platform/slices.ts"
import type { JobView } from "../job/view.ts"
import type { SourceEvent } from "./eventSource.ts"
import type { WrittenEvents } from "./writtenEvents.ts"

/**
 * Tuning: milliseconds between two writes to a viewer that has everything: to a program, to somebody who looks on, and to
 * somebody who looks on where so much comes that nobody can read it.
 */
export const writingMs = 10
export const lookingMs = 50
export const busyMs = 100
/** Tuning: so many events between two pauses are more than somebody can read. */
const busyEvents = 50

/**
 * The pause before a write to a viewer that has everything: none if the last write was long ago. Events that come meanwhile go
 * with it, since a write costs more than the events in it, and the job pays for it. `busy`: the milliseconds where much was read
 * since the last pause; default `ms`.
 */
export const paceOf = (ms: number, busy = ms): ((read: number) => Effect.Effect<void>) => {
  let last = -Infinity
  return (read) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const most = read > busyEvents ? busy : ms
      const wait = Math.min(last + most - now, most)
      last = now + Math.max(wait, 0)
      return wait > 0 ? Effect.sleep(wait) : Effect.void
    })
}

/** Tuning: characters of canonical text behind the events that a viewer of brief events is sent at once. */
export const briefPageLength = 524_288
export type Format = "sse" | "ndjson"

/** Options of every stream of a server. */
export interface SendingOptions {
  readonly format: Format
  readonly heartbeatMs: number
  /** Succeeds when the server shuts down. */
  readonly goodbye: Effect.Effect<void>
}

export interface ViewerOptions extends SendingOptions {
  /** The number after which the events begin. */
  readonly after: number
  /** The texts that the server's viewers share. */
  readonly written: WrittenEvents
  /** Whether long events are cut. Default: no. */
  readonly isBrief?: boolean
}

/** A piece of a stream's text. Nothing follows the last one. */
export interface Item {
  readonly text: string
  readonly isLast: boolean
}

/** The texts before and after the data of an event. */
const frame = (format: Format, name: string, id: string): readonly [before: string, after: string] =>
  format === "ndjson" ? ["", "\n"] : [`${id}event: ${name}\ndata: `, "\n\n"]

/** An event as text. `id`: its line, or "" for an event without an id. */
export const framed = (format: Format, name: string, data: string, id: string): string => {
  const [before, after] = frame(format, name, id)
  return before + data + after
}

/** Joins the items of some events to pieces of about `Limits.serverPieceLength` characters. */
function* inPieces(items: Iterable<Item>): Generator<Item, void> {
  let joined = ""
  for (const { isLast, text } of items) {
    joined += text
    if (!isLast && joined.length < Limits.serverPieceLength) continue
    yield { text: joined, isLast }
    joined = ""
  }
  if (joined !== "") yield { text: joined, isLast: false }
}

/** Pieces of the events of a stream. Between two pieces the event loop gets a turn if the slice is over. */
export const piecesOf = <A, E>(
  events: Stream.Stream<A, E>,
  itemsOf: (event: A) => Iterable<Item>
): Stream.Stream<Item, E> =>
  Stream.transformPull(events, (pull) =>
    Effect.sync(() => {
      let pieces: Iterator<Item, void> | undefined
      const next: typeof piece = Effect.suspend(() => {
        const step = pieces?.next()
        return step === undefined || step.done === true ? more : Effect.as(breathe, [step.value] as const)
      })
      const more = Effect.flatMap(pull, (chunk) => {
        pieces = inPieces(chunk.values().flatMap((event) => itemsOf(event)))
        return next
      })
      type Piece = Effect.Effect<readonly [Item], Effect.Error<typeof pull>>
      const piece: Piece = Effect.suspend(() => next)
      return piece
    })
  )

/** The last event of a stream that ends although its job goes on. */
export const goodbyeItem = (format: Format, reason: "shutting-down" | "store"): Item => ({
  text: framed(format, "Goodbye", JSON.stringify({ _tag: "Goodbye", reason }), ""),
  isLast: true
})

/** The signs of life of a stream, and its `Goodbye`: what may come between events, and never into one. */
interface Signs {
  readonly beat: Item
  /** The first beat of a stream that has sent nothing yet. */
  readonly early: Item
  readonly bye: Item
}

/**
 * Leaves out what would come into the middle of an event, which is sent in pieces if it is long. A stream that has to end there
 * ends without a word: its client then knows that the connection broke.
 */
const betweenEvents = (format: Format, { beat, bye, early }: Signs): ((item: Item) => Item) => {
  let sent = ""
  const isWhole = (): boolean => sent === "" || sent.endsWith(format === "ndjson" ? "\n" : "\n\n")
  return (item) => {
    if (item === early && sent !== "") return { ...item, text: "" }
    if ((item === beat || item === bye) && !isWhole()) return { ...item, text: "" }
    if (item.text !== "") sent = item.text.slice(-2)
    return item
  }
}

/** The bytes of a stream: its items up to the last one, with signs of life between them, and a `Goodbye` at a shutdown. */
export const bytesOf = (
  shown: Stream.Stream<Item>,
  { format, goodbye, heartbeatMs }: SendingOptions
): Stream.Stream<Uint8Array> =>
  Stream.suspend(() => {
    // An empty line of NDJSON carries no event; writing it shows whether the client is still there.
    const beat: Item = { text: format === "ndjson" ? "\n" : ": still here\n\n", isLast: false }
    const signs: Signs = { beat, early: { ...beat }, bye: goodbyeItem(format, "shutting-down") }
    const bye = Stream.map(Stream.fromEffect(goodbye), () => signs.bye)
    // The headers of an answer go with its first bytes, and a job that waits may have no event for long.
    const early =
      format === "ndjson"
        ? Stream.fromEffect(Effect.delay(Effect.succeed(signs.early), Math.min(heartbeatMs, Limits.serverFirstBeatMs)))
        : Stream.empty
    const beats = Stream.concat(
      early,
      Stream.map(Stream.fromSchedule(Schedule.spaced(heartbeatMs)), () => beat)
    )
    const head: Stream.Stream<Item> =
      format === "ndjson" ? Stream.empty : Stream.succeed({ text: ": the events follow\n\n", isLast: false })
    const all = Stream.merge(shown, Stream.merge(bye, beats), { haltStrategy: "left" })
    return Stream.concat(head, Stream.map(all, betweenEvents(format, signs))).pipe(
      Stream.takeUntil(({ isLast }) => isLast),
      Stream.map(({ text }) => text),
      Stream.filter((text) => text !== ""),
      Stream.encodeText
    )
  })

/** The bytes of a viewer's stream. */
export const viewer = (events: Stream.Stream<SourceEvent>, options: ViewerOptions): Stream.Stream<Uint8Array> => {
  const { after, format, isBrief = false, written } = options
  let next = after + 1
  let followed: JobView | undefined
  const itemsOf = function* ({ event, view }: SourceEvent): Generator<Item, void> {
    const { _tag, seq } = event
    if (view !== undefined && followed === undefined) written.follow((followed = view))
    // A viewer that asked for a future event has missed nothing.
    const missed =
      seq > next
        ? framed(format, "Missed", JSON.stringify({ _tag: "Missed", from: next, to: seq - 1 }), `id: ${seq - 1}\n`)
        : ""
    next = seq + 1
    // The journal does not have this `JobHalted`: its next event will have this number.
    const leftFor = _tag === "JobHalted" ? view?.leftFor : undefined
    if (leftFor !== undefined) {
      yield { text: missed, isLast: false }
      return yield goodbyeItem(format, leftFor)
    }
    const [before, behind] = frame(format, _tag, `id: ${seq}\n`)
    const pieces = written.piecesOf(event, view, isBrief)
    const isLast = _tag === "JobHalted"
    if (typeof pieces === "string") return yield { text: missed + before + pieces + behind, isLast }
    yield { text: missed + before, isLast: false }
    for (const text of pieces) yield { text, isLast: false }
    yield { text: behind, isLast }
  }
  return Stream.ensuring(
    bytesOf(piecesOf(events, itemsOf), options),
    Effect.sync(() => followed !== undefined && written.unfollow(followed))
  )
}
