/**
 * Publishes actors to a Stately inspector server, over its WebSocket protocol.
 *
 * `connect` returns an XState inspection observer. It notes events on the actor's call stack, in well under a
 * microsecond; a fiber in the background projects, encodes and sends them in short slices, and reconnects with backoff.
 * While no relay listens nothing is kept but which actors live, so that they can be shown as soon as one does.
 *
 * Invariants: the observer never throws and never waits; nothing here keeps the process alive, except the bounded flush
 * when the scope closes; all that is held is bounded (Limits.ts, G14); actors are registered before their events, and
 * again after a reconnect, with the snapshot that they have then.
 * Boundary: time is the Clock's, timers and the socket are those of unrefClock.ts and relaySocket.ts.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { InspectionEvent } from "xstate"
import { encode, isPublished, type Projection } from "./encoder.ts"
import { Limits } from "../Limits.ts"
import { Outbox } from "./outbox.ts"
import * as RelaySocket from "./relaySocket.ts"
import { unrefClock } from "../platform/unrefClock.ts"

/** Options of `connect`. */
export interface Options {
  /** Where the relay listens, such as `ws://localhost:8080`; `wss:` for one behind TLS. */
  readonly url: string
  /** What of an actor's context is shown. It runs in the background and may throw. Default: all of it. */
  readonly project?: Projection
  /** Messages that may wait for a slow relay; then the oldest is dropped for a new one. Default 1,024. */
  readonly queueCapacity?: number
  /** When to try again after a failed attempt. Default: after 100 ms, doubling up to every 5 s, for ever. */
  readonly reconnect?: Schedule.Schedule<unknown>
}

/** What has been published so far. */
export interface Stats {
  /** Whether a relay listens at the moment. */
  readonly isConnected: boolean
  /** Messages that have left the process. */
  readonly sent: number
  /** Messages that were dropped because the relay was slow or went away. */
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
 * Returns when the first attempt has succeeded or failed, at the latest after a second: actors started then are seen
 * from their start if a relay listens. That none does is no error; attempts go on in the background. Closing the scope
 * sends what waits and says goodbye, for at most 500 ms. Fails only with `InvalidInspectorUrl`.
 */
export const connect = Effect.fn("Stately.connect")(function* (
  options: Options
): Effect.fn.Return<Publisher, InvalidInspectorUrl, Scope.Scope> {
  const url = yield* parseUrl(options.url)
  const clock = yield* Clock.Clock
  const project = options.project ?? ((context) => context)
  const outbox = new Outbox(options.queueCapacity ?? Limits.inspectorQueueCapacity, Limits.inspectorRegisteredActors)
  const hasWork = Latch.makeUnsafe(false)
  const isIdle = Latch.makeUnsafe(true)
  const firstAttempt = yield* Deferred.make<void>()
  let link: RelaySocket.RelaySocket | undefined
  let sent = 0
  let isClosing = false

  const next = (event: InspectionEvent): void => {
    if (isClosing || !isPublished(event)) return
    const wasEmpty = outbox.isEmpty
    outbox.offer(event, clock.currentTimeMillisUnsafe())
    if (wasEmpty && outbox.isConnected) wake()
  }

  const wake = (): void => {
    isIdle.closeUnsafe()
    hasWork.openUnsafe()
  }

  /** Messages for about `sliceMs` of encoding. */
  const takeSlice = (): Array<string> => {
    const until = clock.monotonicTimeNanosUnsafe() + BigInt(Limits.inspectorSliceMs * 1_000_000)
    const slice: Array<string> = []
    while (slice.length < Limits.inspectorSliceMessages) {
      const entry = outbox.take()
      if (entry === undefined) break
      slice.push(encode(entry.event, entry.createdAt, project))
      if (clock.monotonicTimeNanosUnsafe() > until) break
    }
    return slice
  }

  const drain = (socket: RelaySocket.RelaySocket) =>
    Effect.gen(function* () {
      yield* hasWork.await
      // Off the actor's call stack, where the latch was opened; and others have their turn between two slices.
      yield* Effect.yieldNow
      const slice = takeSlice()
      if (slice.length > 0) yield* socket.send(slice)
      sent += slice.length
      if (outbox.isEmpty) {
        hasWork.closeUnsafe()
        isIdle.openUnsafe()
      }
    }).pipe(Effect.forever)

  const session = Effect.gen(function* () {
    const socket = yield* RelaySocket.open(url)
    outbox.connect()
    link = socket
    wake()
    yield* Deferred.succeed(firstAttempt, undefined)
    yield* Effect.logDebug(`Publishing to the inspector at ${url}`)
    // A connection that was there and is lost is not a failed attempt: the backoff starts anew.
    yield* Effect.ignore(Effect.raceFirst(drain(socket), socket.closed))
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        link = undefined
        outbox.disconnect()
        hasWork.closeUnsafe()
        isIdle.openUnsafe()
      })
    ),
    Effect.scoped,
    Effect.tapError(() => Deferred.succeed(firstAttempt, undefined))
  )

  const flush = Effect.suspend(() => {
    isClosing = true
    if (link === undefined) return Effect.void
    // The socket does not hold the process until this is done, but the timeout's timer does.
    return isIdle.await.pipe(Effect.andThen(link.close), Effect.timeoutOption(Limits.inspectorFlushMs))
  })

  yield* session.pipe(
    Effect.retry(options.reconnect ?? backoff),
    Effect.andThen(Effect.sleep(Limits.inspectorReconnectLeastMs)),
    Effect.forever,
    Effect.provideService(Clock.Clock, unrefClock(clock)),
    Effect.forkScoped
  )
  yield* Effect.addFinalizer(() => flush)
  yield* Effect.timeoutOption(Deferred.await(firstAttempt), Limits.inspectorFirstAttemptMs)

  return {
    next,
    stats: Effect.sync(() => ({ isConnected: outbox.isConnected, sent, dropped: outbox.dropped }))
  }
})

const backoff = Schedule.min([
  Schedule.exponential(Limits.inspectorReconnectLeastMs),
  Schedule.spaced(Limits.inspectorReconnectMostMs)
])

const parseUrl = (url: string): Effect.Effect<string, InvalidInspectorUrl> => {
  const parsed = URL.parse(url)
  if (parsed === null) return Effect.fail(new InvalidInspectorUrl({ url, message: `"${url}" is not a URL` }))
  if (parsed.protocol !== "ws:" && parsed.protocol !== "wss:") {
    return Effect.fail(new InvalidInspectorUrl({ url, message: `"${url}" is not a ws: or wss: address` }))
  }
  parsed.hash = ""
  return Effect.succeed(parsed.href)
}
