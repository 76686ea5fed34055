/**
 * The memory that clients hold while they receive something long: viewers of events, and readers of all facts of a job.
 *
 * A client that does not read holds the piece that is being sent to it. A viewer that reads a journal also holds the context
 * that its job has so far. While all of them hold more than `Limits.serverViewerBytes`, only the client that came first reads
 * on in its journal, and the server hangs up on clients that have not read for a while. In any case Node's server hangs up on
 * clients that read nothing for longer than `Limits.serverWriteTimeoutMs` (nodeServer.ts).
 *
 * Invariants: one page of a journal is read at a time, so memory exceeds the limit by one page at most; the client that came
 * first is never held up, so all of them end. Boundary: counts and order; `hangUp` closes sockets.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { Limits } from "../Limits.ts"
import { noteDropped } from "./metrics.ts"

/** A client that is receiving something long. */
export class Place {
  /** Bytes of the journal's context, and of the piece that is being sent. */
  contextBytes = 0
  pieceBytes = 0
  /** The time since which the client has not read, in milliseconds since the epoch; undefined while it waits for a piece. */
  waitingSince: number | undefined
  isDropped = false
  readonly #hangUp: () => void

  constructor(hangUp: () => void) {
    this.#hangUp = hangUp
  }

  get bytes(): number {
    return this.contextBytes + this.pieceBytes
  }

  drop(): void {
    if (this.isDropped) return
    this.isDropped = true
    noteDropped()
    this.#hangUp()
  }
}

export class ViewerRoom {
  /** The clients, in the order in which they came. */
  readonly #places = new Set<Place>()
  readonly #turn = Semaphore.makeUnsafe(1)

  /** Bytes that all clients hold. */
  get bytes(): number {
    let bytes = 0
    for (const place of this.#places) if (!place.isDropped) bytes += place.bytes
    return bytes
  }

  /** Sends a stream to a client, and counts the bytes that the client holds of it. `length`: the bytes of one piece. */
  sending<A, E, R>(place: Place, stream: Stream.Stream<A, E, R>, length: (sent: A) => number): Stream.Stream<A, E, R> {
    const told = Stream.transformPull(stream, (pull) =>
      Effect.sync(() => {
        this.#places.add(place)
        return Effect.suspend(() => {
          place.waitingSince = undefined
          place.pieceBytes = 0
          return Effect.flatMap(pull, (sent) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              place.waitingSince = now
              for (const piece of sent) place.pieceBytes += length(piece)
              return sent
            })
          )
        })
      })
    )
    return Stream.ensuring(
      told,
      Effect.sync(() => this.#places.delete(place))
    )
  }

  /** Reads a journal for a client, page by page. `bytesOf`: about how many more bytes the client holds after a page. */
  reading<A, E, R>(
    place: Place,
    journal: Stream.Stream<A, E, R>,
    bytesOf: (page: ReadonlyArray<A>) => number
  ): Stream.Stream<A, E, R> {
    const read = Stream.transformPull(journal, (pull) =>
      Effect.sync(() => {
        const page = Effect.map(pull, (read) => {
          place.contextBytes += bytesOf(read)
          return read
        })
        const next: typeof page = Effect.suspend(() =>
          Effect.flatMap(
            this.#turn.withPermit(Effect.suspend(() => (this.#hasRoom(place) ? page : Effect.succeed(undefined)))),
            (read) => (read === undefined ? Effect.andThen(this.#makeRoom, next) : Effect.succeed(read))
          )
        )
        return next
      })
    )
    return Stream.ensuring(
      read,
      Effect.sync(() => void (place.contextBytes = 0))
    )
  }

  #hasRoom(place: Place): boolean {
    if (this.bytes <= Limits.serverViewerBytes) return true
    for (const other of this.#places) if (!other.isDropped && other.contextBytes > 0) return other === place
    return true
  }

  /** Hangs up on clients that do not read, the longest stalled one first, and waits for a moment. */
  get #makeRoom(): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const waitedMs = ({ isDropped, waitingSince }: Place): number =>
        isDropped || waitingSince === undefined ? 0 : now - waitingSince
      const stalled = [...this.#places].filter((place) => waitedMs(place) >= Limits.serverViewerPatienceMs)
      for (const place of stalled.toSorted((a, b) => waitedMs(b) - waitedMs(a))) {
        if (this.bytes <= Limits.serverViewerBytes) break
        place.drop()
      }
      return Effect.sleep(Limits.serverViewerRetryMs)
    })
  }
}
