/**
 * The queue of the publisher. It holds the live actors, and the inspection events that wait for the relay.
 *
 * The observer offers events on the actor's own call stack, so the queue does as little work as possible. It keeps an event
 * unchanged, and projects and encodes nothing. While no relay is connected, it only notes the start and the end of actors.
 *
 * Invariants (G14):
 * - at most `capacity` events wait; a new event then replaces the oldest
 * - an actor's registration that is replaced is set aside and sent first; up to `actorCapacity` of them are kept so
 * - at most `actorCapacity` actors are remembered, and the oldest is forgotten first; an ended actor is forgotten at once
 * - events keep their order
 *
 * Boundary: no Effect, no clock, no I/O; single-threaded mutable state.
 */
import type { Published } from "./encoder.ts"

/** An inspection event and its time, in milliseconds since the epoch. */
export interface QueuedMessage {
  readonly event: Published
  readonly createdAt: number
}

export class RelayQueue {
  readonly #capacity: number
  readonly #actorCapacity: number
  /** The registrations of live actors by session id, in order of creation. A relay that connects later gets them. */
  readonly #actors = new Map<string, QueuedMessage>()
  /** A ring of messages: `#size` of them from `#first` on. */
  readonly #ring: Array<QueuedMessage | undefined>
  #first = 0
  #size = 0
  /** Registrations that are sent before the ring. */
  #aside: Array<QueuedMessage> = []
  #isConnected = false
  #dropped = 0

  constructor(capacity: number, actorCapacity: number) {
    this.#capacity = Math.max(1, Math.floor(capacity))
    this.#actorCapacity = Math.max(1, Math.floor(actorCapacity))
    this.#ring = Array.from({ length: this.#capacity })
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  get isEmpty(): boolean {
    return this.#size === 0 && this.#aside.length === 0
  }

  /** The number of events that were dropped because the relay was slow, or that were unsent when it went away. */
  get dropped(): number {
    return this.#dropped
  }

  /** Begins to queue events for the relay. The registrations of the live actors come first. */
  connect(): void {
    this.#aside = [...this.#actors.values()].filter(({ event }) => event.actorRef.getSnapshot()?.status === "active")
    this.#isConnected = true
  }

  /** Drops all queued events, because the relay is gone. */
  disconnect(): void {
    this.#dropped += this.#size
    this.#ring.fill(undefined)
    this.#first = this.#size = 0
    this.#aside = []
    this.#isConnected = false
  }

  offer(event: Published, createdAt: number): void {
    if (event.type === "@xstate.actor") this.#remember({ event, createdAt })
    else if (event.type === "@xstate.snapshot" && event.snapshot.status !== "active") {
      this.#actors.delete(event.actorRef.sessionId)
    }
    if (this.#isConnected) this.#push({ event, createdAt })
  }

  /** Takes the next message to send, or gives undefined if none waits. */
  take(): QueuedMessage | undefined {
    if (this.#aside.length > 0) return this.#aside.shift()
    return this.#size === 0 ? undefined : this.#shift()
  }

  #remember(message: QueuedMessage): void {
    if (this.#actors.size === this.#actorCapacity) {
      for (const oldest of this.#actors.keys()) {
        this.#actors.delete(oldest)
        break
      }
    }
    this.#actors.set(message.event.actorRef.sessionId, message)
  }

  #push(message: QueuedMessage): void {
    if (this.#size === this.#capacity) this.#evict()
    this.#ring[(this.#first + this.#size) % this.#capacity] = message
    this.#size++
  }

  #shift(): QueuedMessage | undefined {
    const message = this.#ring[this.#first]
    this.#ring[this.#first] = undefined
    this.#first = (this.#first + 1) % this.#capacity
    this.#size--
    return message
  }

  #evict(): void {
    const oldest = this.#shift()
    if (oldest?.event.type !== "@xstate.actor") this.#dropped++
    else if (this.#aside.length < this.#actorCapacity) this.#aside.push(oldest)
    else this.#dropped++
  }
}
