/**
 * Admission: decides whether the engine takes a job, and when an admitted job gets its place.
 *
 * At most `maxRunning` jobs have places, at most `maxQueued` wait in the queue, and all others are refused. A child job takes
 * no place, because its waiting parent has one. childJobs.ts bounds the number of children.
 *
 * Invariants: `running` is the number of jobs with places, children included, so the queue moves only when there is room; a job
 * whose seeds are being planted counts already, because it will take a place. Boundary: counts and order; starting.ts and
 * resuming.ts ask here before they make a job, and again after every step that lets other fibers run.
 */
import type * as Context from "effect/Context"
import { AdmissionRejected } from "../outcome/JobError.ts"
import * as Telemetry from "../job/observability.ts"
import type { JobSession } from "../job/session.ts"
import { Limits } from "../Limits.ts"
import { AdmissionQueue } from "./admissionQueue.ts"
import type { LiveJobs } from "./liveJobs.ts"
import { isAdmitted, markAdmitted } from "./sessionMarks.ts"

export interface AdmissionOptions {
  readonly live: LiveJobs
  /** The services with the registry of the metrics. */
  readonly services: Context.Context<never>
  readonly maxRunning: number
  readonly maxQueued: number
  /** The bytes of canonical text in all live contexts at which no further job is admitted. Undefined: unlimited. */
  readonly maxLiveContextBytes: number | undefined
}

export class Admission {
  readonly #options: AdmissionOptions
  readonly #queue = new AdmissionQueue()
  #running = 0
  /** The number of admitted jobs whose seeds are being planted. */
  #planting = 0
  #isClosed = false

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Whether the engine is shutting down. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Stops admission. No further job is admitted, and no queued job gets a place. */
  close(): void {
    this.#isClosed = true
  }

  /** Returns the refusal of a job, or undefined if it is admitted. liveJobs.ts refuses the id of a live job. */
  refuse(jobId: string, isChild: boolean): AdmissionRejected | undefined {
    if (this.#isClosed) return new AdmissionRejected({ reason: "shutting-down" })
    const { live, maxQueued, maxRunning } = this.#options
    if (isChild || live.has(jobId)) return undefined
    const free = Math.max(0, maxRunning - this.#running)
    const isFull =
      this.#planting >= free + maxQueued - this.#queue.length ||
      (free === 0 && this.#queue.textLength >= Limits.queuedLength)
    if (isFull) return new AdmissionRejected({ reason: "queue-full" })
    return this.#isUnderPressure() ? new AdmissionRejected({ reason: "memory-pressure" }) : undefined
  }

  /** Counts an admitted job whose seeds are being planted, until `endPlanting`. */
  beginPlanting(isChild: boolean): void {
    if (!isChild) this.#planting++
  }

  endPlanting(isChild: boolean): void {
    if (!isChild) this.#planting--
  }

  /** Gives a place to a job with an actor, or queues it. */
  place(session: JobSession, isChild: boolean): void {
    if (session.isClosed) return
    if (isChild || this.#running < this.#options.maxRunning) this.#begin(session)
    else this.#queue.push(session)
  }

  /** Begins a queued job at once, because an intent made it the child of a job with a place. */
  placeChild(session: JobSession): void {
    if (this.#queue.remove(session)) this.#begin(session)
  }

  /** Removes an ended job. Its place goes to the job that has waited longest. */
  release(session: JobSession): void {
    if (!isAdmitted(session)) {
      this.#queue.remove(session)
      return
    }
    this.#running--
    Telemetry.noteRunning(this.#options.services, this.#running)
    this.#beginNext()
  }

  #begin(session: JobSession): void {
    this.#running++
    Telemetry.noteRunning(this.#options.services, this.#running)
    markAdmitted(session)
    session.actor.send({ type: "START" })
  }

  /** Gives free places to the jobs that have waited longest. It skips jobs that were cancelled meanwhile. */
  #beginNext(): void {
    while (!this.#isClosed && this.#running < this.#options.maxRunning) {
      const next = this.#queue.shift()
      if (next === undefined) return
      if (!next.isClosed) this.#begin(next)
    }
  }

  #isUnderPressure(): boolean {
    const { live, maxLiveContextBytes } = this.#options
    return maxLiveContextBytes !== undefined && live.contextBytes >= maxLiveContextBytes
  }
}
