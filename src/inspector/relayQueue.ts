/**
 * What the publisher holds: live actors, and the inspection events that wait for the relay.
 *
 * The observer offers events on the actor's own call stack, so this is as little work as possible: an event is kept as
 * it is, nothing is projected or encoded, and while no relay is connected only the coming and going of actors is noted.
 *
 * Invariants (G14): at most `capacity` events wait, and the oldest is dropped for a new one; the registration of an
 * actor is never dropped before other messages: it is set aside, and goes out first. At most `actorCapacity` actors are
 * remembered, the oldest forgotten first; an actor that has ended is forgotten at once. Events keep their order.
 * Boundary: no Effect, no clock, no I/O; single-threaded mutable state.
 */
import type { Published } from "./encoder.ts"

/** An inspection event and when it happened, in milliseconds since the epoch. */
export interface QueuedMessage {
  readonly event: Published
  readonly createdAt: number
}

export class RelayQueue {
  readonly #capacity: number
  readonly #actorCapacity: number
  /** Live actors by session id, in order of creation: what a relay that connects later has to be told. */
  readonly #actors = new Map<string, QueuedMessage>()
  /** A ring: `#size` messages from `#first` on. */
  readonly #ring: Array<QueuedMessage | undefined>
  #first = 0
  #size = 0
  /** Registrations that go out before the ring. */
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

  /** Events that were dropped because the relay was slow, or had not been sent when it went away. */
  get dropped(): number {
    return this.#dropped
  }

  /** From now on events wait for the relay; first of all the registrations of the actors that live now. */
  connect(): void {
    this.#aside = [...this.#actors.values()].filter(({ event }) => event.actorRef.getSnapshot()?.status === "active")
    this.#isConnected = true
  }

  /** The relay is gone: what waited is dropped. */
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

  /** The message that goes out next; undefined when none waits. */
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
