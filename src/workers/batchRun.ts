/**
 * One batch under way: the outcomes of its tasks so far, and the updates that its workers need.
 *
 * Invariants: a task is settled once; the batch ends once, when all tasks are settled or when it is given up. Boundary: data;
 * the pool changes it.
 */
import { Limits } from "../Limits.ts"
import type { CostModel } from "./costModel.ts"
import { expectedMs, longestFirst } from "./expectation.ts"
import { ReplicaUpdate, type Mark, markOf } from "./replicaUpdate.ts"
import { programKey, type ProgramRef } from "./protocol.ts"
import type { Inbox } from "./results.ts"
import { Round } from "./round.ts"
import type { RunningCpuTask } from "./stats.ts"
import type { Watched } from "./watchdog.ts"
import type { CpuBatch, CpuOutcome, CpuProgress, CpuTask } from "./WorkerPool.ts"
import { partOf } from "../program/keys.ts"
import type { Cause } from "../outcome/Cause.ts"

/** Tuning: milliseconds of work that justify a further worker. */
const shareWorthMs = 0.2

/**
 * Tuning: milliseconds that the main thread needs to read the outcome of a task while others run. One worker with shorter tasks
 * keeps it busy, and a second worker would only take its processor away.
 */
const mainThreadMs = 0.001

/** The work of a thread: it loads a batch's program or context, or works through its share of a round. */
export type Work = { readonly type: "load"; readonly run: BatchRun } | Share

export interface Share extends Watched {
  readonly type: "share"
  readonly run: BatchRun
  readonly round: Round
  /** The share's name between the pool and the worker. */
  readonly sequence: number
  /** The effects of its tasks that have arrived so far. */
  readonly inbox: Inbox
  /** Milliseconds of the tasks whose effects have arrived completely. */
  spentMs: number
  /** Whether a message of it could not be read. */
  isUnreadable: boolean
}

/** Makes the cause of a failed task, for its agent and cycle. */
export type CauseFor = (agent: string, cycle: number) => Cause

export class BatchRun {
  readonly batch: CpuBatch
  readonly program: ProgramRef
  /** The program's `programKey`. */
  readonly key: string
  /** The mark of a replica that is up to date. */
  readonly mark: Mark
  /** The time of its arrival, on the pool's clock. */
  readonly arrivedAt: number
  /** The expected milliseconds of one task. Undefined if an agent was never measured. */
  readonly expectedMs: number | undefined
  /** Whether an agent has a deadline or the tasks share a CPU budget. The watchdog then looks often. */
  readonly isTimed: boolean
  /** Workers that load its program or its context. */
  preparing = 0
  /** Workers that have a share of it. */
  working = 0
  /** Workers with a share that the watchdog saw in the same task twice. They may not come back for another task soon. */
  held = 0
  /** Workers that were lost while they loaded. */
  losses = 0
  /** CPU milliseconds of the tasks that have ended. */
  usedMs = 0
  /** Whether it has ended or was given up, so that nobody waits for tasks that still run. */
  isOver = false
  /** The cause if no further task of it can run. */
  failure: CauseFor | undefined
  /** Ends its wait for the close of the batch's gate. */
  unlisten: (() => void) | undefined
  readonly #costs: CostModel
  readonly #outcomes: Array<CpuOutcome | undefined>
  /** The number of times that a task was handed out again; task → times. */
  #reissues: Map<number, number> | undefined
  readonly #updates: Array<{ readonly from: Mark; readonly update: ReplicaUpdate }> = []
  /** The rounds that are not over. */
  #rounds: Array<Round> = []
  /** The first task that has not been in a round. */
  #next = 0
  /** Lost tasks that wait for another round. */
  #again: Array<number> = []
  /** Tasks without an outcome. */
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

  /** The outcomes in the order of the tasks. Undefined until all tasks are settled. */
  get outcomes(): ReadonlyArray<CpuOutcome> | undefined {
    // The cast is safe: without an unsettled task, no place is undefined.
    return this.#left === 0 ? (this.#outcomes as ReadonlyArray<CpuOutcome>) : undefined
  }

  /** The outcomes of the tasks that have ended. */
  get soFar(): ReadonlyArray<CpuOutcome | undefined> {
    return this.#outcomes
  }

  /** The tasks that no worker has claimed. */
  get unclaimed(): ReadonlyArray<number> {
    const later: Array<number> = []
    for (let index = this.#next; index < this.batch.tasks.length; index++) later.push(index)
    return [...this.#again, ...this.#rounds.flatMap(({ free }) => free), ...later]
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

  /** An upper bound of the tasks that wait for a worker. */
  get waiting(): number {
    let count = this.#again.length + this.batch.tasks.length - this.#next
    for (const round of this.#rounds) count += round.unclaimed
    return count
  }

  /** Whether one worker is expected to finish all of it before a vigil ends. */
  get isBrief(): boolean {
    return this.expectedMs !== undefined && this.expectedMs * this.batch.tasks.length <= Limits.vigilUs / 1_000
  }

  /** The number of further workers that the remaining work justifies. */
  get wanted(): number {
    const { waiting } = this
    if (waiting === 0) return 0
    const worth =
      this.expectedMs === undefined
        ? waiting
        : Math.min(Math.ceil((waiting * this.expectedMs) / shareWorthMs), Math.ceil(this.expectedMs / mainThreadMs))
    const free = Math.max(0, this.working - this.held)
    return Math.min(waiting, Math.max(1, worth)) - free - this.preparing
  }

  /** A round with tasks to claim. Undefined if no task waits. */
  open(): Round | undefined {
    const present = this.#rounds.find((round) => round.unclaimed > 0)
    if (present !== undefined) return present
    this.#rounds = this.#rounds.filter((round) => !round.isOver)
    // A task that may be at fault goes alone, so that no other one is lost with it again.
    const first = this.#again[0]
    const isSuspect = first !== undefined && this.#reissues?.has(first) === true
    const tasks = this.#again.splice(0, isSuspect ? 1 : Limits.roundTasks)
    if (tasks.length === 0) {
      const end = Math.min(this.batch.tasks.length, this.#next + Limits.roundTasks)
      while (this.#next < end) tasks.push(this.#next++)
    }
    if (tasks.length === 0) return undefined
    const round = new Round(this.batch, longestFirst(this.batch, tasks, this.expectedMs, this.#costs))
    this.#rounds.push(round)
    return round
  }

  /** Lets lost tasks wait again. */
  putBack(tasks: ReadonlyArray<number>): void {
    for (const task of tasks) if (!this.isSettled(task)) this.#again.push(task)
    this.#again.sort((a, b) => a - b)
  }

  /** Takes unclaimed tasks away from the workers for good. Returns them. */
  withdraw(isWanted: (task: number) => boolean): ReadonlyArray<number> {
    const waiting = [...this.#again]
    while (this.#next < this.batch.tasks.length) waiting.push(this.#next++)
    this.#again = waiting.filter((task) => !isWanted(task))
    return [...this.#rounds.flatMap((round) => round.withdraw(isWanted)), ...waiting.filter(isWanted)]
  }

  /** Closes all rounds, so that no worker claims a further task of the batch. */
  close(): void {
    this.#again = []
    this.#next = this.batch.tasks.length
    for (const round of this.#rounds) round.close()
  }

  /** Counts that a task goes to another worker. Returns the count. */
  reissue(index: number): number {
    this.#reissues ??= new Map()
    const times = (this.#reissues.get(index) ?? 0) + 1
    this.#reissues.set(index, times)
    return times
  }

  /** The update for a replica at `from`. All workers at that mark share it. */
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

/** When the task that a share runs began, on the pool's clock: a worker runs one task after the other. */
export const beganMs = ({ spentMs, startedAt }: Share): number => startedAt + spentMs

/** The task at a place of a share's round. */
export const taskOf = (share: Share, place: number, nowMs: number): RunningCpuTask | undefined => {
  const { round, run } = share
  const index = round.tasks[place]
  if (index === undefined) return undefined
  const { batch } = run
  const { agent, each, part } = run.task(index)
  const ms = Math.max(0, nowMs - beganMs(share))
  return { jobId: batch.jobId, cycle: batch.cycle, agent: agent.name, each, ...partOf(part), ms }
}
