/**
 * The newest events of a job, as many as the page may hold.
 *
 * Invariant: the buffer holds at most so many events, and about so many characters of them, and says how many it has dropped. The
 * last event stays, however long it is. Boundary: pure; the log itself is on the server.
 */

/** The limits of a buffer. It is cut down when it has a fifth more, so that cutting costs almost nothing. */
export interface Room {
  readonly events: number
  readonly characters: number
}

const slack = 1.2

export class EventBuffer<Event> {
  readonly #room: Room
  #events: Array<Event> = []
  #lengths: Array<number> = []
  #length = 0
  #dropped = 0

  constructor(room: Room) {
    this.#room = room
  }

  /** Oldest first. Do not keep the array. */
  get events(): ReadonlyArray<Event> {
    return this.#events
  }

  /** Characters of the events that are here, as the server sent them. */
  get length(): number {
    return this.#length
  }

  /** The number of older events that are no longer here. */
  get dropped(): number {
    return this.#dropped
  }

  clear(): void {
    this.#events = []
    this.#lengths = []
    this.#length = 0
    this.#dropped = 0
  }

  /** Adds events that came together. `length`: the characters of all of them. */
  add(events: ReadonlyArray<Event>, length: number): void {
    for (const event of events) {
      this.#events.push(event)
      this.#lengths.push(length / events.length)
    }
    this.#length += events.length === 0 ? 0 : length
    const { characters, events: most } = this.#room
    if (this.#events.length > most * slack || this.#length > characters * slack) this.#cut()
  }

  #cut(): void {
    let first = 0
    const last = this.#events.length - 1
    while (first < last && (this.#events.length - first > this.#room.events || this.#length > this.#room.characters)) {
      this.#length -= this.#lengths[first] ?? 0
      first++
    }
    this.#dropped += first
    this.#events = this.#events.slice(first)
    this.#lengths = this.#lengths.slice(first)
  }
}
