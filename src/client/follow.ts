/**
 * Streams of a server that survive their connections: the log of a job, and its telemetry.
 *
 * A connection that breaks, or that goes silent, is made again after the last item that came, so nothing of a log is lost or
 * twice. Boundary: over Effect's HttpApiClient; the caller decides how a value is used.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as Stream from "effect/Stream"
import { Limits } from "../Limits.ts"
import type * as Shapes from "../server/shapes.ts"
import type { Calls, SteerError } from "./calls.ts"
import type { Event, Telemetry } from "./programClient.ts"
import { answered, isSilence } from "./silence.ts"

/** A stream of server-sent events, over as many connections as it takes. */
interface Followed<Data> {
  /** Connects after the event with an id. Gives nothing if there is none after it, and none will come. */
  readonly connect: (
    last: string | undefined
  ) => Effect.Effect<Stream.Stream<Sent<Data>, ConnectionError> | void, SteerError>
  readonly isEnd: (data: Data) => boolean
}

/** The parts of a caller that tells of a connection that is away. Each may be run several times. */
export interface Connection {
  /** Runs when a connection was not made again. */
  readonly away: Effect.Effect<void>
  /** Runs when there is a connection. */
  readonly back: Effect.Effect<void>
}

const untold: Connection = { away: Effect.void, back: Effect.void }

/** Milliseconds before the connection after `tries` failures. */
const pauseMs = (tries: number): number => Limits.clientReconnectMs * 2 ** Math.min(tries, 6)

/** Milliseconds for which a stream tries to connect again to a server that does not answer. */
export const reconnectingMs: number = Array.from({ length: Limits.clientReconnects }, (_, index) =>
  pauseMs(index + 1)
).reduce((sum, ms) => sum + ms, 0)

interface Sent<Data> {
  readonly id?: string | undefined
  readonly data: Data
}

type ConnectionError = Stream.Error<Exclude<Effect.Success<ReturnType<Calls["events"]>>, void>>

/** Connections that failed in a row, and when it was clear that the server is away, in milliseconds. */
interface Failures {
  readonly count: number
  readonly since: number
}

/** Follows a stream. `failures`: undefined before the first connection. */
const follow = <Data>(
  followed: Followed<Data>,
  after: string | undefined,
  failures: Failures | undefined,
  connection: Connection = untold
): Stream.Stream<Data, SteerError> => {
  let last = after
  let isOpen = false
  let hasEnded = false
  let broken: HttpClientError | undefined
  const connecting = followed.connect(after)
  const connected = Effect.map(
    // The first answer is waited for, as that to any other request.
    Effect.tap(failures === undefined ? connecting : answered(connecting), connection.back),
    (stream): Stream.Stream<Sent<Data>, ConnectionError> => {
      isOpen = true
      if (stream === undefined) hasEnded = true
      return stream ?? Stream.empty
    }
  )
  const events = Stream.unwrap(connected).pipe(
    Stream.map(({ data, id }) => {
      last = id ?? last
      hasEnded = followed.isEnd(data)
      return data
    }),
    // A connection that was cut, or a server that asks for another one.
    Stream.catchTag(["HttpClientError", "Retry", "SseError"], (error) =>
      Stream.suspend(() => {
        if (error._tag === "HttpClientError") broken = error
        return Stream.empty
      })
    )
  )
  /** The failures in a row. A server that answered and then said nothing has failed once, whatever was before. */
  const counted = (): number => {
    if (isOpen && broken !== undefined && isSilence(broken)) return 1
    return last === after ? (failures?.count ?? 0) + 1 : 0
  }
  const again = (now: number): Stream.Stream<Data, SteerError> => {
    const count = counted()
    const since = count > 2 && failures !== undefined ? failures.since : now
    const isOver = count > Limits.clientReconnects || now - since >= reconnectingMs
    if (isOver && broken !== undefined) return Stream.fail(broken)
    const isAway = count > 1 && broken !== undefined
    const pause = Effect.andThen(isAway ? connection.away : Effect.void, Effect.sleep(pauseMs(count)))
    return Stream.concat(Stream.fromEffectDrain(pause), follow(followed, last, { count, since }, connection))
  }
  const more = Stream.suspend((): Stream.Stream<Data, SteerError> => {
    if (hasEnded) return Stream.empty
    // There was no connection at all: it is more likely that the address is wrong than that a server is away.
    if (!isOpen && failures === undefined && broken !== undefined) return Stream.fail(broken)
    return Stream.unwrap(Effect.map(Clock.currentTimeMillis, again))
  })
  return Stream.concat(events, more)
}

const lastEventId = (last: string | undefined) => (last === undefined ? {} : { "last-event-id": last })

/** The log of a job. `connection`: is told when the server is away, and when it is back. */
export const eventsOf = (
  calls: Calls,
  id: string,
  after: number,
  connection?: Connection
): Stream.Stream<Event, SteerError> => {
  const followed: Followed<typeof Shapes.Streamed.Type> = {
    connect: (last) => calls.events({ params: { id }, headers: lastEventId(last), query: {} }),
    isEnd: ({ _tag }) => _tag === "JobHalted"
  }
  return follow(followed, after > 0 ? String(after) : undefined, undefined, connection).pipe(
    Stream.filter((data) => "seq" in data),
    Stream.map((data) => data as Event)
  )
}

/** The telemetry of a job. If the server no longer has the end of it, the stream says so, and ends as the job did. */
export const telemetryOf = (calls: Calls, id: string): Stream.Stream<Telemetry, SteerError> => {
  const ended = (status: typeof Shapes.Status.Type): Stream.Stream<Sent<typeof Shapes.Telemetry.Type>> =>
    Stream.make(
      { data: { _tag: "Missed" as const, from: null, to: null } },
      { data: { _tag: "Ended" as const, status } }
    )
  const followed: Followed<typeof Shapes.Telemetry.Type> = {
    connect: (last) => {
      const connected = calls.telemetry({ params: { id }, headers: lastEventId(last), query: {} })
      return last === undefined
        ? connected
        : Effect.catchTag(connected, "JobHalted", ({ jobStatus }) => Effect.succeed(ended(jobStatus)))
    },
    isEnd: ({ _tag }) => _tag === "Ended"
  }
  return Stream.filter(follow(followed, undefined, undefined), (item): item is Telemetry => item._tag !== "Goodbye")
}
