/**
 * The queue of jobs that wait for a place on their engine, in the order of their coming.
 *
 * Boundary: order and size; which jobs come in, and when one gets its place, is admission.ts.
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

  /** Takes a job out. Returns whether it was waiting. */
  remove(session: JobSession): boolean {
    const place = this.#sessions.indexOf(session)
    if (place < 0) return false
    this.#sessions.splice(place, 1)
    this.#textLength -= session.log.written
    return true
  }
}
