/**
 * The publisher behind `Stately.connect`. It takes inspection events from actors, and sends them to a relay.
 *
 * `offer` runs on the actor's call stack and only queues an event. `sessions` runs in a fiber. It connects, encodes and sends in
 * short slices, and reconnects with backoff when the relay is gone.
 *
 * Invariants: `offer` never throws and never waits; a slice takes about `Limits.inspectorSliceMs` of the main thread.
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
  /** The number of messages that may wait for a slow relay. */
  readonly queueCapacity: number
  readonly reconnect: Schedule.Schedule<unknown> | undefined
}

const backoff = Schedule.min([
  Schedule.exponential(Limits.inspectorReconnectLeastMs),
  Schedule.spaced(Limits.inspectorReconnectMostMs)
])

export class RelayPublisher {
  /** Is done when the first attempt to connect has succeeded or failed. */
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

  /** The number of messages that have left the process. */
  get sent(): number {
    return this.#sent
  }

  /** The number of messages that were dropped because the relay was slow or went away. */
  get dropped(): number {
    return this.#queue.dropped
  }

  offer(event: InspectionEvent): void {
    if (this.#isClosing || !isPublished(event)) return
    const wasEmpty = this.#queue.isEmpty
    this.#queue.offer(event, this.#options.clock.currentTimeMillisUnsafe())
    if (wasEmpty && this.#queue.isConnected) this.#wake()
  }

  /** Connects, publishes until the connection is lost, and reconnects. Fails when the schedule of attempts ends. */
  get sessions(): Effect.Effect<never, RelaySocket.RelayGone> {
    return this.#session.pipe(
      Effect.retry(this.#options.reconnect ?? backoff),
      Effect.andThen(Effect.sleep(Limits.inspectorReconnectLeastMs)),
      Effect.forever
    )
  }

  /** Refuses further events, sends the queued ones and closes the connection, in at most `Limits.inspectorFlushMs`. */
  get flush(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#isClosing = true
      if (this.#socket === undefined) return Effect.void
      // The socket does not keep the process alive until then, but the timeout's timer does.
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
      // The loss of a connection is not a failed attempt, so the backoff starts anew.
      yield* Effect.ignore(Effect.raceFirst(this.#drain(socket), socket.closed))
    }).pipe(
      Effect.ensuring(Effect.sync(() => this.#disconnected())),
      Effect.scoped,
      Effect.tapError(() => Deferred.succeed(this.firstAttempt, undefined))
    )
  }

  /** Sends queued and new messages until the relay is gone. */
  #drain(socket: RelaySocket.RelaySocket): Effect.Effect<never, RelaySocket.RelayGone> {
    return Effect.gen({ self: this }, function* () {
      yield* this.#hasWork.await
      // An actor's call stack opened the latch. The yield leaves that stack, and lets other fibers run between two slices.
      yield* Effect.yieldNow
      const slice = this.#takeSlice()
      if (slice.length > 0) yield* socket.send(slice)
      this.#sent += slice.length
      if (this.#queue.isEmpty) this.#rest()
    }).pipe(Effect.forever)
  }

  /** Takes and encodes messages for about `Limits.inspectorSliceMs`. */
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
