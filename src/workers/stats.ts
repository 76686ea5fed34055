/**
 * A snapshot of a pool, for operators, tests and metrics.
 *
 * Every number is counted from the live objects and not stored beside them, so no code path can forget to update it.
 * Boundary: types.
 */
import type { FactRef } from "../program/Fact.ts"

/** The task that a thread runs. */
export interface RunningCpuTask {
  readonly jobId: string
  readonly cycle: number
  readonly agent: string
  readonly each: FactRef | undefined
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
  /** Milliseconds that it has run. */
  readonly ms: number
}

/** One thread of a pool. */
export interface WorkerStats {
  readonly worker: number
  /** The state of its machine (`machines/worker.machine.ts`). */
  readonly state: string
  /** Milliseconds that it has spent on tasks, and CPU milliseconds of the tasks that have ended. */
  readonly busyMs: number
  readonly cpuMs: number
  /** The number of its replicas of jobs' contexts, and characters of the texts that it received for them. */
  readonly replicas: number
  readonly replicaBytes: number
  /** Its task. Undefined between two tasks, and while it has none. */
  readonly task: RunningCpuTask | undefined
}

/** A snapshot of a pool. */
export interface PoolStats {
  readonly workers: ReadonlyArray<WorkerStats>
  /** Batches under way: cycles of jobs that wait for CPU tasks. */
  readonly batches: number
  /** Tasks that wait for a worker, and workers that run tasks. */
  readonly waiting: number
  readonly running: number
  /** Agents in quarantine, whose tasks do not run at present. */
  readonly quarantined: number
  /**
   * Threads that were ended and do not end, because a native call of an agent holds them. Each takes a place of the pool's size
   * until it has ended. They are not among `workers`.
   */
  readonly abandoned: number
}

export const noThreads: PoolStats = Object.freeze({
  workers: Object.freeze([]),
  batches: 0,
  waiting: 0,
  running: 0,
  quarantined: 0,
  abandoned: 0
})
