/**
 * One batch under way: what has come of its tasks so far, and what its workers need to be told.
 *
 * Invariants: a task is settled once; the batch ends once, when all tasks are settled or when it is given up. Boundary:
 * data; the pool moves it on.
 */
import type { Cause } from "../JobError.ts"
import { HandOver, type Mark, markOf } from "./handOver.ts"
import { type Packet, programKey, type ProgramRef } from "./protocol.ts"
import type { Watched } from "./watchdog.ts"
import type { CpuBatch, CpuOutcome, CpuProgress, CpuTask } from "./WorkerPool.ts"

/** What a thread does for the pool: it loads a batch's program or context, or runs one of its tasks. */
export type Work = { readonly type: "load"; readonly run: BatchRun } | TaskWork

export interface TaskWork extends Watched {
  readonly type: "task"
  readonly run: BatchRun
  readonly index: number
  /** The task's name between the pool and the worker. */
  readonly sequence: number
  /** What has come of its effect so far. */
  readonly packets: Array<Packet>
}

/** Makes the cause of a task that came to nothing, for its agent and cycle. */
export type CauseFor = (agent: string, cycle: number) => Cause

export class BatchRun {
  readonly batch: CpuBatch
  readonly program: ProgramRef
  readonly key: string
  /** What a replica is when it is up to date. */
  readonly mark: Mark
  /** Workers that load its program or its context. */
  preparing = 0
  /** Workers that were lost while they did. */
  losses = 0
  /** CPU milliseconds of the tasks that have ended. */
  usedMs = 0
  /** Nobody waits for what is still under way. */
  isOver = false
  /** Why no further task of it can be run. */
  failure: CauseFor | undefined
  readonly #outcomes: Array<CpuOutcome | undefined>
  readonly #reissues = new Map<number, number>()
  readonly #updates = new Map<string, HandOver>()
  #left: number

  constructor(batch: CpuBatch, module: string) {
    this.batch = batch
    this.program = { module, name: batch.program.name }
    this.key = programKey(this.program)
    this.mark = markOf(batch.ledger)
    this.#left = batch.tasks.length
    this.#outcomes = new Array<CpuOutcome | undefined>(batch.tasks.length).fill(undefined)
  }

  /** The outcomes in the order of the tasks, when there are all of them. */
  get outcomes(): ReadonlyArray<CpuOutcome> | undefined {
    return this.#left === 0 ? this.#outcomes.filter((outcome) => outcome !== undefined) : undefined
  }

  task(index: number): CpuTask {
    return this.batch.tasks[index]!
  }

  settle(index: number, outcome: CpuOutcome): void {
    if (this.#outcomes[index] !== undefined) return
    this.#outcomes[index] = outcome
    this.#left--
    this.usedMs += outcome.cpuMs
  }

  /** Counts how often a task was handed to another worker. */
  reissue(index: number): number {
    const times = (this.#reissues.get(index) ?? 0) + 1
    this.#reissues.set(index, times)
    return times
  }

  /** What a replica at `from` lacks. One for all workers that are there. */
  handOver(from: Mark): HandOver {
    const key = `${from.version}/${from.evaluations}`
    let update = this.#updates.get(key)
    if (update === undefined)
      this.#updates.set(key, (update = new HandOver(this.batch.ledger, this.batch.program, from)))
    return update
  }

  report(progress: CpuProgress): void {
    if (!this.isOver) this.batch.onProgress?.(progress)
  }
}
