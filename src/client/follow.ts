/**
 * Streams of a server that survive their connections: the log of a job, and its telemetry.
 *
 * A connection that breaks is made again after the last item that came, so nothing of a log is lost or twice. Boundary: over
 * Effect's HttpApiClient; the caller decides how a value is used.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Limits } from "../Limits.ts"
import type * as Shapes from "../server/shapes.ts"
import type { Calls, SteerError } from "./calls.ts"
import type { Event, Telemetry } from "./programClient.ts"

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

/** Follows a stream. `failures`: connections that failed in a row; undefined before the first connection. */
const follow = <Data>(
  followed: Followed<Data>,
  after: string | undefined,
  failures: number | undefined,
  connection: Connection = untold
): Stream.Stream<Data, SteerError> => {
  let last = after
  let count = failures
  let hasEnded = false
  let broken: SteerError | undefined
  const connected = Effect.map(
    Effect.tap(followed.connect(after), connection.back),
    (stream): Stream.Stream<Sent<Data>, ConnectionError> => {
      count ??= 0
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
  const more = Stream.suspend((): Stream.Stream<Data, SteerError> => {
    if (hasEnded) return Stream.empty
    // There was no connection at all: it is more likely that the address is wrong than that a server is away.
    if (count === undefined && broken !== undefined) return Stream.fail(broken)
    const tries = last === after ? (count ?? 0) + 1 : 0
    if (tries > Limits.clientReconnects && broken !== undefined) return Stream.fail(broken)
    const isAway = tries > 1 && broken !== undefined
    const pause = Effect.andThen(isAway ? connection.away : Effect.void, Effect.sleep(pauseMs(tries)))
    return Stream.concat(Stream.fromEffectDrain(pause), follow(followed, last, tries, connection))
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
