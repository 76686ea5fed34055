/**
 * Jobs that wait for a place on their engine, those that have waited longest first.
 *
 * Boundary: order and size; who is let in, and when one gets its place, is makeEngine.ts.
 */
import type { JobSession } from "../job/session.ts"

export class JobQueue {
  readonly #sessions: Array<JobSession> = []
  #textLength = 0

  get length(): number {
    return this.#sessions.length
  }

  /** Characters of what those that wait have said so far, inputs included: that does not change before they have their places. */
  get textLength(): number {
    return this.#textLength
  }

  push(session: JobSession): void {
    this.#sessions.push(session)
    this.#textLength += session.log.written
  }

  shift(): JobSession | undefined {
    const next = this.#sessions.shift()
    if (next !== undefined) this.#textLength -= next.log.written
    return next
  }

  /** Whether the job was waiting. */
  remove(session: JobSession): boolean {
    const place = this.#sessions.indexOf(session)
    if (place < 0) return false
    this.#sessions.splice(place, 1)
    this.#textLength -= session.log.written
    return true
  }
}
