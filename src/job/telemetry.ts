/**
 * The telemetry hub of a job: live progress, for readers that listen.
 *
 * Invariants: no item is made while nobody listens; items are numbered from 1 without gaps, so a slow reader, which loses the
 * oldest items and delays no other reader, sees how many it missed (G14).
 * Boundary: streams out. The driver and its tasks decide what is reported.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { JobTelemetry } from "../outcome/JobEvent.ts"
import { Limits } from "../Limits.ts"

/** An item before the hub numbers it. */
export type Unnumbered = JobTelemetry extends infer Item
  ? Item extends unknown
    ? Omit<Item, "sequence">
    : never
  : never

/** It is called within the job's own steps: it must be short, and must not throw. */
export interface Listener {
  readonly report: (item: JobTelemetry) => void
  readonly end: () => void
}

export class TelemetryHub {
  /** Made for the first reader. */
  #listeners: Set<Listener> | undefined
  #isEnded = false
  /** The number of the last item. */
  #sequence = 0

  /** Live progress, from the first pull until the job has ended. A slow reader loses the oldest items. */
  get stream(): Stream.Stream<JobTelemetry> {
    return Stream.callback<JobTelemetry>(
      (queue) => {
        const listener: Listener = {
          report: (item) => void Queue.offerUnsafe(queue, item),
          end: () => void Queue.endUnsafe(queue)
        }
        return Effect.acquireRelease(
          Effect.sync(() => this.listen(listener)),
          (stop) => Effect.sync(stop)
        )
      },
      { bufferSize: Limits.telemetryBuffer, strategy: "sliding" }
    )
  }

  /** Tells a listener of every item from now on, until the job has ended, or the function that this returns is called. */
  listen(listener: Listener): () => void {
    if (this.#isEnded) listener.end()
    else (this.#listeners ??= new Set()).add(listener)
    return () => void this.#listeners?.delete(listener)
  }

  /** A function that reports progress, and takes the item over; undefined while there is no listener. */
  get report(): ((item: Unnumbered) => void) | undefined {
    const listeners = this.#listeners
    if (listeners === undefined || listeners.size === 0) return undefined
    return (item) => {
      const numbered: JobTelemetry = Object.assign(item, { sequence: ++this.#sequence })
      for (const listener of listeners) listener.report(numbered)
    }
  }

  /** The job ends. A later reader gets an ended stream. */
  close(): void {
    this.#isEnded = true
  }

  /** Ends the streams of all readers. */
  end(): void {
    this.#isEnded = true
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener.end()
  }
}
