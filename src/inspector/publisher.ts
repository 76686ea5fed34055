/**
 * The publisher behind `Stately.connect`: takes inspection events from actors, and sends them to a relay.
 *
 * `offer` runs on the actor's call stack and only queues. `sessions` runs in a fiber: it connects, encodes and sends in short
 * slices, and connects again with backoff when the relay is gone.
 *
 * Invariants: `offer` never throws and never waits; at most `Limits.inspectorSliceMs` of the main thread is taken in one go.
 * Boundary: the caller owns the fiber, the scope and the clock.
 */
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import type { InspectionEvent } from "xstate"
import { Limits } from "../Limits.ts"
import { encode, isPublished, type Projection } from "./encoder.ts"
import { RelayQueue } from "./relayQueue.ts"
import * as RelaySocket from "./relaySocket.ts"

export interface PublisherOptions {
  readonly url: string
  readonly clock: Clock.Clock
  readonly project: Projection
  /** Messages that may wait for a slow relay. */
  readonly queueCapacity: number
  readonly reconnect: Schedule.Schedule<unknown> | undefined
}

const backoff = Schedule.min([
  Schedule.exponential(Limits.inspectorReconnectLeastMs),
  Schedule.spaced(Limits.inspectorReconnectMostMs)
])

export class RelayPublisher {
  /** Succeeds when the first attempt to connect has succeeded or failed. */
  readonly firstAttempt = Deferred.makeUnsafe<void>()
  readonly #options: PublisherOptions
  readonly #queue: RelayQueue
  readonly #hasWork = Latch.makeUnsafe(false)
  readonly #isIdle = Latch.makeUnsafe(true)
  /** The connection; undefined while there is none. */
  #socket: RelaySocket.RelaySocket | undefined
  #sent = 0
  #isClosing = false

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#queue = new RelayQueue(options.queueCapacity, Limits.inspectorRegisteredActors)
  }

  get isConnected(): boolean {
    return this.#queue.isConnected
  }

  /** Messages that have left the process. */
  get sent(): number {
    return this.#sent
  }

  /** Messages that were dropped because the relay was slow or went away. */
  get dropped(): number {
    return this.#queue.dropped
  }

  offer(event: InspectionEvent): void {
    if (this.#isClosing || !isPublished(event)) return
    const wasEmpty = this.#queue.isEmpty
    this.#queue.offer(event, this.#options.clock.currentTimeMillisUnsafe())
    if (wasEmpty && this.#queue.isConnected) this.#wake()
  }

  /** Connects, publishes until the connection is lost, and connects again. Fails where the schedule of attempts ends. */
  get sessions(): Effect.Effect<never, RelaySocket.RelayGone> {
    return this.#session.pipe(
      Effect.retry(this.#options.reconnect ?? backoff),
      Effect.andThen(Effect.sleep(Limits.inspectorReconnectLeastMs)),
      Effect.forever
    )
  }

  /** Takes no more events; sends what waits and says goodbye, for at most `Limits.inspectorFlushMs`. */
  get flush(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#isClosing = true
      if (this.#socket === undefined) return Effect.void
      // The socket does not hold the process until this is done, but the timeout's timer does.
      return this.#isIdle.await.pipe(
        Effect.andThen(this.#socket.close),
        Effect.timeoutOption(Limits.inspectorFlushMs),
        Effect.asVoid
      )
    })
  }

  /** One connection, from the attempt to its end. */
  get #session(): Effect.Effect<void, RelaySocket.RelayGone> {
    return Effect.gen({ self: this }, function* () {
      const { url } = this.#options
      const socket = yield* RelaySocket.open(url)
      this.#queue.connect()
      this.#socket = socket
      this.#wake()
      yield* Deferred.succeed(this.firstAttempt, undefined)
      yield* Effect.logDebug(`Publishing to the inspector at ${url}`)
      // A connection that was there and is lost is not a failed attempt: the backoff starts anew.
      yield* Effect.ignore(Effect.raceFirst(this.#drain(socket), socket.closed))
    }).pipe(
      Effect.ensuring(Effect.sync(() => this.#disconnected())),
      Effect.scoped,
      Effect.tapError(() => Deferred.succeed(this.firstAttempt, undefined))
    )
  }

  /** Sends what waits, and what comes, until the relay is gone. */
  #drain(socket: RelaySocket.RelaySocket): Effect.Effect<never, RelaySocket.RelayGone> {
    return Effect.gen({ self: this }, function* () {
      yield* this.#hasWork.await
      // The latch was opened on an actor's call stack: from here on the work is off it. Others run between two slices.
      yield* Effect.yieldNow
      const slice = this.#takeSlice()
      if (slice.length > 0) yield* socket.send(slice)
      this.#sent += slice.length
      if (this.#queue.isEmpty) this.#rest()
    }).pipe(Effect.forever)
  }

  /** Messages for about `Limits.inspectorSliceMs` of encoding. */
  #takeSlice(): Array<string> {
    const { clock, project } = this.#options
    const until = clock.monotonicTimeNanosUnsafe() + BigInt(Limits.inspectorSliceMs * 1_000_000)
    const slice: Array<string> = []
    while (slice.length < Limits.inspectorSliceMessages) {
      const message = this.#queue.take()
      if (message === undefined) break
      slice.push(encode(message.event, message.createdAt, project))
      if (clock.monotonicTimeNanosUnsafe() > until) break
    }
    return slice
  }

  #wake(): void {
    this.#isIdle.closeUnsafe()
    this.#hasWork.openUnsafe()
  }

  #rest(): void {
    this.#hasWork.closeUnsafe()
    this.#isIdle.openUnsafe()
  }

  #disconnected(): void {
    this.#socket = undefined
    this.#queue.disconnect()
    this.#rest()
  }
}
