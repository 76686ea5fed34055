/**
 * What a pool says of itself at a moment: for operators, tests and metrics.
 *
 * Every number is counted from what is there, not kept beside it, so none can go wrong on a path that was forgotten.
 * Boundary: types.
 */

/** One thread of a pool. */
export interface WorkerStats {
  readonly worker: number
  /** The state of its machine, see `machines/worker.machine.ts`. */
  readonly state: string
  /** Milliseconds that it has spent on tasks, and the CPU time of those that have ended. */
  readonly busyMs: number
  readonly cpuMs: number
  /** Jobs of whose context it holds a replica, and the length of the texts that it was sent for them. */
  readonly replicas: number
  readonly replicaBytes: number
}

/** A pool at a moment. */
export interface PoolStats {
  readonly workers: ReadonlyArray<WorkerStats>
  /** Batches under way: cycles of jobs that wait for CPU tasks. */
  readonly batches: number
  /** Tasks that wait for a worker, and workers that run tasks. */
  readonly waiting: number
  readonly running: number
  /** Agents that are not let onto a thread for the time being. */
  readonly quarantined: number
}

export const noThreads: PoolStats = Object.freeze({
  workers: Object.freeze([]),
  batches: 0,
  waiting: 0,
  running: 0,
  quarantined: 0
})
