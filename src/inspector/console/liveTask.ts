/** A task while telemetry tells of it. Boundary: a type; telemetry.ts keeps such tasks, timelineModel.ts makes bars of them. */
import type { FactRef } from "./shapes.ts"

/** A task as telemetry tells of it. Times are in milliseconds since the epoch. */
export interface LiveTask {
  readonly key: string
  readonly cycle: number
  readonly agent: string
  readonly each: FactRef | undefined
  /** The last attempt that was heard of. */
  attempt: number
  queuedAt: number
  waitsFor: "concurrency" | "budget" | undefined
  claimedAt: number | undefined
  endedAt: number | undefined
  worker: number
  /** The `_tag` of the cause, if it ended without an effect. */
  failed: string | undefined
}
