/** A task as telemetry tells of it, and its key. Boundary: telemetry.ts keeps such tasks, timelineModel.ts makes bars of them. */
import type { FactRef } from "./shapes.ts"

/** A task as telemetry tells of it. Times are in milliseconds since the epoch. */
export interface LiveTask {
  readonly key: string
  readonly cycle: number
  readonly agent: string
  readonly each: FactRef | undefined
  /** The last attempt that was heard of. */
  attempt: number
  /** When further attempts were first heard of. */
  begins: Array<number>
  queuedAt: number
  waitsFor: "concurrency" | "budget" | "worker" | undefined
  claimedAt: number | undefined
  endedAt: number | undefined
  worker: number
  /** The `_tag` of the cause, if it ended without an effect. */
  failed: string | undefined
}

/** The name of a task. */
export interface Named {
  readonly cycle: number
  readonly agent: string
  readonly each?: FactRef | null | undefined
  readonly part?: number | undefined
}

/** A name that no other task of the job has. */
export const taskKeyOf = ({ agent, cycle, each, part }: Named): string =>
  JSON.stringify([cycle, agent, each?.kind, each?.id, part])
