/**
 * One batch under way: what has come of its tasks so far, and what its workers need to be told.
 *
 * Invariants: a task is settled once; the batch ends once, when all tasks are settled or when it is given up. Boundary:
 * data; the pool moves it on.
 */
import { Limits } from "../Limits.ts"
import type { CostModel } from "./costModel.ts"
import { expectedMs, longestFirst } from "./expectation.ts"
import { ReplicaUpdate, type Mark, markOf } from "./replicaUpdate.ts"
import { programKey, type ProgramRef } from "./protocol.ts"
import type { Inbox } from "./results.ts"
import { Round } from "./round.ts"
import type { Watched } from "./watchdog.ts"
import type { CpuBatch, CpuOutcome, CpuProgress, CpuTask } from "./WorkerPool.ts"
import type { Cause } from "../outcome/Cause.ts"

/** Milliseconds of work that are worth waking one more worker for. */
const shareWorthMs = 0.2

/**
 * Milliseconds that the main thread works for a task while others run: it reads the outcome. Tasks that take less keep it
 * busy with one worker, and a second one would only take its processor away.
 */
const mainThreadMs = 0.001

/** What a thread does for the pool: it loads a batch's program or context, or works through its share of a round. */
export type Work = { readonly type: "load"; readonly run: BatchRun } | Share

export interface Share extends Watched {
  readonly type: "share"
  readonly run: BatchRun
  readonly round: Round
  /** The share's name between the pool and the worker. */
  readonly sequence: number
  /** What has come of its tasks' effects so far, and the milliseconds that those took of which all has come. */
  readonly inbox: Inbox
  spentMs: number
}

/** Makes the cause of a task that came to nothing, for its agent and cycle. */
export type CauseFor = (agent: string, cycle: number) => Cause

export class BatchRun {
  readonly batch: CpuBatch
  readonly program: ProgramRef
  /** The program's `programKey`. */
  readonly key: string
  /** What a replica is when it is up to date. */
  readonly mark: Mark
  /** When it arrived, on the pool's clock. */
  readonly arrivedAt: number
  /** Milliseconds that one of its tasks is expected to take, as far as that is known. */
  readonly expectedMs: number | undefined
  /** Whether one of its agents has a deadline, or all of them share one budget: then it is looked at often. */
  readonly isTimed: boolean
  /** Workers that load its program or its context. */
  preparing = 0
  /** Workers that have a share of it. */
  working = 0
  /** Workers that were lost while they loaded. */
  losses = 0
  /** CPU milliseconds of the tasks that have ended. */
  usedMs = 0
  /** Nobody waits for what is still under way. */
  isOver = false
  /** Why no further task of it can be run. */
  failure: CauseFor | undefined
  readonly #costs: CostModel
  readonly #outcomes: Array<CpuOutcome | undefined>
  /** How often tasks were handed out again, by task. */
  #reissues: Map<number, number> | undefined
  readonly #updates: Array<{ readonly from: Mark; readonly update: ReplicaUpdate }> = []
  /** The rounds that are not over. */
  #rounds: Array<Round> = []
  /** The first task that was in no round yet; and those that are to be in one again. */
  #next = 0
  #again: Array<number> = []
  #left: number

  constructor(batch: CpuBatch, module: string, arrivedAt: number, costs: CostModel) {
    this.batch = batch
    this.#costs = costs
    this.program = { module, name: batch.program.name }
    this.key = programKey(this.program)
    this.mark = markOf(batch.ledger)
    this.arrivedAt = arrivedAt
    this.expectedMs = expectedMs(batch.tasks, costs)
    this.isTimed = batch.cpuBudgetMs !== Infinity || batch.tasks.some(({ agent }) => agent.timeoutMs !== undefined)
    this.#left = batch.tasks.length
    this.#outcomes = new Array<CpuOutcome | undefined>(batch.tasks.length).fill(undefined)
  }

  /** The outcomes in the order of the tasks, when there are all of them. */
  get outcomes(): ReadonlyArray<CpuOutcome> | undefined {
    return this.#left === 0 ? (this.#outcomes as ReadonlyArray<CpuOutcome>) : undefined
  }

  task(index: number): CpuTask {
    return this.batch.tasks[index]!
  }

  isSettled(index: number): boolean {
    return this.#outcomes[index] !== undefined
  }

  settle(index: number, outcome: CpuOutcome): void {
    if (this.#outcomes[index] !== undefined) return
    this.#outcomes[index] = outcome
    this.#left--
    this.usedMs += outcome.cpuMs
  }

  /** At most how many tasks wait for a worker. */
  get waiting(): number {
    let count = this.#again.length + this.batch.tasks.length - this.#next
    for (const round of this.#rounds) count += round.unclaimed
    return count
  }

  /** Whether all of it is expected to take one worker but a moment. */
  get isBrief(): boolean {
    return this.expectedMs !== undefined && this.expectedMs * this.batch.tasks.length <= Limits.vigilUs / 1_000
  }

  /** How many more workers are worth having. */
  get wanted(): number {
    const { waiting } = this
    if (waiting === 0) return 0
    const worth =
      this.expectedMs === undefined
        ? waiting
        : Math.min(Math.ceil((waiting * this.expectedMs) / shareWorthMs), Math.ceil(this.expectedMs / mainThreadMs))
    return Math.min(waiting, Math.max(1, worth)) - this.working - this.preparing
  }

  /** A round in which there is something to claim. */
  open(): Round | undefined {
    const present = this.#rounds.find((round) => round.unclaimed > 0)
    if (present !== undefined) return present
    this.#rounds = this.#rounds.filter((round) => !round.isOver)
    const tasks = this.#again.splice(0, Limits.roundTasks)
    if (tasks.length === 0) {
      const end = Math.min(this.batch.tasks.length, this.#next + Limits.roundTasks)
      while (this.#next < end) tasks.push(this.#next++)
    }
    if (tasks.length === 0) return undefined
    const round = new Round(this.batch, longestFirst(this.batch, tasks, this.expectedMs, this.#costs))
    this.#rounds.push(round)
    return round
  }

  /** Tasks that were lost wait again. */
  putBack(tasks: ReadonlyArray<number>): void {
    for (const task of tasks) if (!this.isSettled(task)) this.#again.push(task)
    this.#again.sort((a, b) => a - b)
  }

  /** Takes tasks that nobody has claimed away from the workers, for good. Returns them. */
  withdraw(isWanted: (task: number) => boolean): ReadonlyArray<number> {
    const waiting = [...this.#again]
    while (this.#next < this.batch.tasks.length) waiting.push(this.#next++)
    this.#again = waiting.filter((task) => !isWanted(task))
    return [...this.#rounds.flatMap((round) => round.withdraw(isWanted)), ...waiting.filter(isWanted)]
  }

  /** From here on no worker claims any of it. */
  close(): void {
    this.#again = []
    this.#next = this.batch.tasks.length
    for (const round of this.#rounds) round.close()
  }

  /** Counts how often a task was handed to another worker. */
  reissue(index: number): number {
    this.#reissues ??= new Map()
    const times = (this.#reissues.get(index) ?? 0) + 1
    this.#reissues.set(index, times)
    return times
  }

  /** What a replica at `from` lacks. One for all workers that are there. */
  updateFrom(from: Mark): ReplicaUpdate {
    for (const { from: known, update } of this.#updates)
      if (known.version === from.version && known.evaluations === from.evaluations) return update
    const update = new ReplicaUpdate(this.batch.ledger, this.batch.program, from)
    this.#updates.push({ from, update })
    return update
  }

  report(progress: CpuProgress): void {
    if (!this.isOver) this.batch.onProgress?.(progress)
  }
}
