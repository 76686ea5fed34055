/**
 * The queue of jobs that wait for a place on their engine, in the order of their arrival.
 *
 * Boundary: order and size; admission.ts decides which jobs enter, and when a job gets its place.
 */
import type { JobSession } from "../job/session.ts"

export class AdmissionQueue {
  readonly #sessions: Array<JobSession> = []
  #textLength = 0

  get length(): number {
    return this.#sessions.length
  }

  /** Characters in the logs of the waiting jobs, inputs included. A log does not grow before its job has a place. */
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

  /** Removes a job. Returns whether it was waiting. */
  remove(session: JobSession): boolean {
    const place = this.#sessions.indexOf(session)
    if (place < 0) return false
    this.#sessions.splice(place, 1)
    this.#textLength -= session.log.written
    return true
  }
}
