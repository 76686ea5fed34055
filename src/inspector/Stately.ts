/**
 * Publishes actors to a Stately inspector server, over its WebSocket protocol.
 *
 * `connect` returns an XState inspection observer. The observer queues events on the actor's call stack, in well under a
 * microsecond. A fiber in the background projects, encodes and sends them in short slices, and reconnects with backoff.
 * While no relay listens, the publisher remembers only the live actors, so that it can show them to the next relay.
 *
 * Invariants:
 * - the observer never throws and never waits
 * - nothing here keeps the process alive, except the bounded flush when the scope closes
 * - all state is bounded (Limits.ts, G14)
 * - actors are registered before their events, and again after a reconnect, with their snapshot at that time
 *
 * Boundary: options in, an observer out; publisher.ts does the work. The Clock gives the time, and unrefClock.ts the timers.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { InspectionEvent } from "xstate"
import type { Projection } from "./encoder.ts"
import { Limits } from "../Limits.ts"
import { RelayPublisher } from "./publisher.ts"
import { unrefClock } from "../platform/unrefClock.ts"
import { anything, callable, checkOptions, must, type Rules, whole } from "../values/options.ts"

export type { Projection } from "./encoder.ts"

/** Options of `connect`. */
export interface Options {
  /** The address of the relay, such as `ws://localhost:8080`; `wss:` for a relay behind TLS. */
  readonly url: string
  /** Chooses the shown part of an actor's context. It runs in the background and may throw. Default: the whole context. */
  readonly project?: Projection
  /** The number of messages that may wait for a slow relay. A further message replaces the oldest. Default: 1,024. */
  readonly queueCapacity?: number
  /** The schedule of attempts after a failed one. Default: after 100 ms, doubling up to every 5 s, for ever. */
  readonly reconnect?: Schedule.Schedule<unknown>
}

/** The state of the connection, and counts of messages so far. */
export interface Stats {
  /** Whether a relay is connected at the moment. */
  readonly isConnected: boolean
  /** The number of messages that have left the process. */
  readonly sent: number
  /** The number of messages that were dropped because the relay was slow or went away. */
  readonly dropped: number
}

/** An inspection observer: the `inspect` option of `createActor`. One may serve any number of actors. */
export interface Publisher {
  readonly next: (event: InspectionEvent) => void
  readonly stats: Effect.Effect<Stats>
}

/** The address is not one of a WebSocket server. */
export class InvalidInspectorUrl extends Schema.TaggedError<InvalidInspectorUrl>()("InvalidInspectorUrl", {
  url: Schema.String,
  message: Schema.String
}) {}

/**
 * Connects to the relay at `url` and publishes until the scope closes.
 *
 * Returns when the first attempt has succeeded or failed, at the latest after a second. If a relay listens, it sees actors that
 * start afterwards from their start. A missing relay is no error, and attempts go on in the background. Closing the scope sends
 * the queued messages and closes the connection, in at most 500 ms.
 *
 * Fails only with `InvalidInspectorUrl`. Any other invalid option is a defect, `InvalidOptions`.
 */
export const connect = Effect.fn("Stately.connect")(function* (
  options: Options
): Effect.fn.Return<Publisher, InvalidInspectorUrl, Scope.Scope> {
  yield* Effect.sync(() => checkOptions("Stately.connect", options, rules))
  const url = yield* parseUrl(options.url)
  const clock = yield* Clock.Clock
  const publisher = new RelayPublisher({
    url,
    clock,
    project: options.project ?? ((context) => context),
    queueCapacity: options.queueCapacity ?? Limits.inspectorQueueCapacity,
    reconnect: options.reconnect
  })
  yield* publisher.sessions.pipe(Effect.provideService(Clock.Clock, unrefClock(clock)), Effect.forkScoped)
  yield* Effect.addFinalizer(() => publisher.flush)
  yield* Effect.timeoutOption(Deferred.await(publisher.firstAttempt), Limits.inspectorFirstAttemptMs)
  return {
    next: (event) => publisher.offer(event),
    stats: Effect.sync(() => {
      const { dropped, isConnected, sent } = publisher
      return { isConnected, sent, dropped }
    })
  }
})

const rules: Rules<Options> = {
  // An invalid address is a typed failure, so this table accepts any value.
  url: anything,
  project: callable(),
  queueCapacity: whole(1),
  reconnect: must("a Schedule", Schedule.isSchedule)
}

const parseUrl = (url: string): Effect.Effect<string, InvalidInspectorUrl> => {
  const parsed = URL.parse(url)
  if (parsed === null) return Effect.fail(new InvalidInspectorUrl({ url, message: `"${url}" is not a URL` }))
  if (parsed.protocol !== "ws:" && parsed.protocol !== "wss:") {
    return Effect.fail(new InvalidInspectorUrl({ url, message: `"${url}" is not a ws: or wss: address` }))
  }
  parsed.hash = ""
  return Effect.succeed(parsed.href)
}
