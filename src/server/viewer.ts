/**
 * What a viewer of a job's events is sent: server-sent events, or lines of JSON.
 *
 * A viewer reads from the job's log at its own pace and is held up by its own connection alone: nothing waits for it but the
 * page that it is being sent. One that falls behind what the log keeps is told which numbers it has missed, and may come
 * back for them. A stream ends after `JobHalted`; or with a `Goodbye` when the server shuts down, or when the store failed and
 * the job goes on from its journal: whoever comes back with the last number goes on where it was. Boundary: events in, bytes
 * out.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Fact } from "../program/Fact.ts"
import { parseJson } from "../values/parseJson.ts"
import type { JobSession } from "../job/session.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { Limits } from "../Limits.ts"
import type { Told } from "./eventSource.ts"
import { plain } from "./json.ts"

export type Format = "sse" | "ndjson"

export interface ViewerOptions {
  readonly format: Format
  /** The number after which the events begin. */
  readonly after: number
  readonly heartbeatMs: number
  /** Succeeds when the server shuts down. */
  readonly goodbye: Effect.Effect<void>
}

interface Item {
  readonly text: string
  readonly isLast: boolean
}

/** Texts of the newest events of a job, for all who follow it: each is written once. They go with the last who follows. */
interface Written {
  readonly texts: Map<number, string>
  length: number
  viewers: number
}
const written = new WeakMap<JobSession, Written>()

const follow = (session: JobSession): void => {
  const present = written.get(session)
  if (present === undefined) written.set(session, { texts: new Map(), length: 0, viewers: 1 })
  else present.viewers++
}

const unfollow = (session: JobSession): void => {
  const present = written.get(session)
  if (present !== undefined && --present.viewers === 0) written.delete(session)
}

const encodedFacts = (facts: ReadonlyArray<Fact>, session: JobSession | undefined): ReadonlyArray<object> =>
  facts.map((fact) => {
    const kind = session?.program.kinds.get(fact.kind)
    return kind === undefined ? fact : { ...fact, value: parseJson(kind.codec.encode(fact.value).text) }
  })

const asJson = (event: JobEvent, session: JobSession | undefined): string => {
  if (event._tag === "FactsCommitted") return jsonText({ ...event, facts: encodedFacts(event.facts, session) })
  if (event._tag === "JobStarted") return jsonText({ ...event, seeds: encodedFacts(event.seeds, session) })
  return jsonText(event)
}

const jsonText = (event: object): string => JSON.stringify(plain(event))

/** An event as JSON. */
const textOf = (event: JobEvent, session: JobSession | undefined): string => {
  const kept = session === undefined ? undefined : written.get(session)
  const present = kept?.texts.get(event.seq)
  if (present !== undefined) return present
  const text = asJson(event, session)
  if (kept !== undefined && text.length <= Limits.serverWrittenEventLength) {
    kept.texts.set(event.seq, text)
    kept.length += text.length
    for (const [seq, oldest] of kept.texts) {
      if (kept.texts.size <= Limits.serverWrittenEvents && kept.length <= Limits.serverWrittenLength) break
      kept.texts.delete(seq)
      kept.length -= oldest.length
    }
  }
  return text
}

const framed = (format: Format, name: string, data: string, id: string): string =>
  format === "ndjson" ? `${data}\n` : `${id}event: ${name}\ndata: ${data}\n\n`

/** The texts of a viewer's stream. */
export const viewer = (events: Stream.Stream<Told>, options: ViewerOptions): Stream.Stream<Uint8Array> => {
  const { after, format, goodbye, heartbeatMs } = options
  let next = after + 1
  let followed: JobSession | undefined
  const goodbyeFor = (reason: "shutting-down" | "store"): Item => ({
    text: framed(format, "Goodbye", JSON.stringify({ _tag: "Goodbye", reason }), ""),
    isLast: true
  })
  const told = Stream.map(events, ({ event, session }): Item => {
    const { _tag, seq } = event
    if (session !== undefined && followed === undefined) follow((followed = session))
    // A viewer that asked for what is not there yet has missed nothing.
    const missed =
      seq > next
        ? framed(format, "Missed", JSON.stringify({ _tag: "Missed", from: next, to: seq - 1 }), `id: ${seq - 1}\n`)
        : ""
    next = seq + 1
    // Its journal does not have this end: there, what comes next has this number.
    const leftFor = _tag === "JobHalted" ? session?.leftFor : undefined
    if (leftFor !== undefined) {
      const { isLast, text } = goodbyeFor(leftFor)
      return { text: missed + text, isLast }
    }
    const text = framed(format, _tag, textOf(event, session), `id: ${seq}\n`)
    return { text: missed + text, isLast: _tag === "JobHalted" }
  })
  const bye = Stream.map(Stream.fromEffect(goodbye), () => goodbyeFor("shutting-down"))
  // In lines of JSON an empty one says nothing, and finds out whether somebody is there.
  const beat: Item = { text: format === "ndjson" ? "\n" : ": still here\n\n", isLast: false }
  const beats = Stream.map(Stream.fromSchedule(Schedule.spaced(heartbeatMs)), () => beat)
  const head: Stream.Stream<Item> =
    format === "ndjson" ? Stream.empty : Stream.succeed({ text: ": the events follow\n\n", isLast: false })
  const all = Stream.merge(told, Stream.merge(bye, beats), { haltStrategy: "left" })
  return Stream.concat(head, all).pipe(
    Stream.takeUntil(({ isLast }) => isLast),
    Stream.map(({ text }) => text),
    Stream.encodeText,
    Stream.ensuring(Effect.sync(() => followed !== undefined && unfollow(followed)))
  )
}
