/**
 * The tasks of a job at this moment: which run, on which thread and since when, which wait and for what, and which of the cycle
 * under way have ended.
 *
 * It is counted when somebody asks, from the live objects. Nothing is kept for it but the times at which a fiber's task began and
 * ended, so a viewer who comes late sees the whole cycle. Boundary: reads a job and its pool.
 */
import * as Effect from "effect/Effect"
import { Limits } from "../Limits.ts"
import type { Ran, TaskOutcome } from "../outcome/CommittedCycle.ts"
import type { FactRef } from "../program/Fact.ts"
import { partOf } from "../program/keys.ts"
import { type BatchNow, failedBy, type WorkerPool } from "../workers/WorkerPool.ts"
import type { SpentMs, StateTimes } from "./stateTimes.ts"

/** The reason why a task waits. */
export type WaitsFor = "concurrency" | "budget"

/** A job whose tasks run. */
interface Working {
  readonly jobId: string
  readonly options: { readonly pool: WorkerPool["Service"] }
  readonly clockMs: number
  readonly shownMs: number
  readonly times: StateTimes
  readonly underWay:
    | {
        readonly cycle: number
        readonly selection: { readonly tasks: number }
        readonly seenAt: number
        readonly outcomes: ReadonlyArray<TaskOutcome>
        readonly fibers: { readonly present: (limit: number) => PresentFibers } | undefined
        readonly threads: ReadonlyArray<CpuTasks>
      }
    | undefined
}

interface Named {
  readonly agent: string
  readonly each: FactRef | undefined
  /** The number of the task among those of a join, from 1. Left out for the first, and for other agents. */
  readonly part?: number
}

/** The same, where a task without a part has one that is undefined. */
interface Known {
  readonly agent: string
  readonly each: FactRef | undefined
  readonly part?: number | undefined
}

/** The CPU tasks of a cycle, which run on threads, and the time at which they were handed over. */
export interface CpuTasks {
  readonly tasks: ReadonlyArray<Known>
  readonly now: BatchNow
  readonly startedAt: number
}

/** A task that runs. `worker`: 0 is the main thread, workers count from 1. */
export interface RunningTask extends Named {
  readonly worker: number
  /** Milliseconds that it has run. */
  readonly ms: number
  readonly attempt: number
}

/** A task that waits: for a permit of its agent, for room under a budget, for one of the places of fibers, or for a worker. */
export interface WaitingTask extends Named {
  readonly for: WaitsFor | "turn" | "worker"
  /** When it began to wait for that. */
  readonly since: number
}

/** A task of the cycle under way that has ended, and took a millisecond or more. */
export interface EndedTask extends Named, Ran {
  /** The `_tag` of the cause, if it has no effect. */
  readonly discarded: string | undefined
}

/** The tasks of fiber agents. Times are on the clock for durations. */
export interface PresentFibers {
  readonly running: ReadonlyArray<RunningTask>
  readonly waiting: ReadonlyArray<WaitingTask>
  /** The number of those that wait, also of those that are not named. */
  readonly waits: number
  /** The longest. */
  readonly ended: ReadonlyArray<EndedTask>
  /** The number of those that have not ended. */
  readonly left: number
}

/** The tasks of the cycle under way. */
export interface TasksNow {
  /** The cycle; 0 if none is under way. */
  readonly cycle: number
  /** The tasks of the cycle, whether they have ended, run or wait. */
  readonly tasks: number
  /** When these tasks began, in milliseconds since the epoch. Undefined if none is under way. */
  readonly began: number | undefined
  readonly running: ReadonlyArray<RunningTask>
  /** `since` is in milliseconds since the epoch. */
  readonly waiting: ReadonlyArray<WaitingTask>
  /** The number of tasks that wait, also of those that are not named. */
  readonly waits: number
  /** The tasks of the cycle that have ended and took a millisecond or more: the longest. */
  readonly ended: ReadonlyArray<EndedTask>
  /** The number of tasks of the cycle that have ended, also of those that are not named. */
  readonly ends: number
  /** CPU tasks of all jobs that wait for a worker, and the workers that are busy, of so many. */
  readonly pool: { readonly waiting: number; readonly busy: number; readonly size: number }
  /** When the job was queued, began to run or came to rest, in milliseconds since the epoch: the last of these. */
  readonly since: number
  /** Milliseconds in each state of the job's machine, since this engine has the job. */
  readonly spentMs: SpentMs
}

/** The tasks that took longest, of those that are added. */
export class Longest {
  readonly #limit: number
  #list: Array<EndedTask> = []
  /** A task that took no longer than this is not among them. */
  #leastMs = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add({ agent, each, part }: Known, ran: Ran | undefined, discarded: string | undefined): void {
    if (ran === undefined || ran.tookMs <= this.#leastMs) return
    this.#list.push({ agent, each, ...partOf(part), ...ran, discarded })
    if (this.#list.length >= this.#limit * 2) this.#cut()
  }

  /** The longest first. */
  get list(): ReadonlyArray<EndedTask> {
    this.#cut()
    return this.#list
  }

  #cut(): void {
    this.#list = this.#list.sort((a, b) => b.tookMs - a.tookMs).slice(0, this.#limit)
    if (this.#list.length === this.#limit) this.#leastMs = this.#list.at(-1)?.tookMs ?? 0
  }
}

const noFibers: PresentFibers = { running: [], waiting: [], waits: 0, ended: [], left: 0 }

/** The CPU tasks that wait for a thread or have ended. */
const onThreads = (threads: ReadonlyArray<CpuTasks>, seenAt: number, limit: number) => {
  const waiting: Array<WaitingTask> = []
  const ended = new Longest(limit)
  let [waits, left] = [0, 0]
  for (const { now, startedAt, tasks } of threads) {
    const outcomes = now.outcomes()
    tasks.forEach((task, index) => {
      const outcome = outcomes[index]
      if (outcome === undefined) return void left++
      const { ran, result } = outcome
      const from = ran === undefined ? undefined : { ...ran, startMs: ran.startMs + startedAt - seenAt }
      ended.add(task, from, failedBy(result).failed)
    })
    for (const index of now.waiting()) {
      const task = tasks[index]
      if (task === undefined || outcomes[index] !== undefined) continue
      const { agent, each, part } = task
      waits++
      if (waiting.length < limit) waiting.push({ agent, each, ...partOf(part), for: "worker", since: startedAt })
    }
  }
  return { waiting, waits, ended: ended.list, left }
}

/** The tasks of a cycle that is merged: all have ended. */
const allEnded = (outcomes: ReadonlyArray<TaskOutcome>, limit: number): ReadonlyArray<EndedTask> => {
  const ended = new Longest(limit)
  for (const { agent, each, part, ran, result } of outcomes) {
    ended.add({ agent: agent.name, each, part }, ran, failedBy(result).failed)
  }
  return ended.list
}

/** The tasks of a session's cycle. The longest that run come first. */
export const tasksNow = (session: Working): Effect.Effect<TasksNow> => {
  const { pool } = session.options
  return Effect.map(pool.stats, ({ running, waiting, workers }) => {
    const { clockMs, shownMs, times, underWay } = session
    const limit = Limits.presentTasks
    const { cycle, outcomes, seenAt, selection, threads } = underWay ?? none
    const fibers = underWay?.fibers?.present(limit) ?? noFibers
    const cpu = onThreads(threads, seenAt, limit)
    const onWorkers = workers.flatMap(({ task, worker }): ReadonlyArray<RunningTask> => {
      if (task === undefined || task.jobId !== session.jobId) return []
      const { agent, each, ms, part } = task
      return [{ agent, each, ...partOf(part), worker, ms, attempt: 1 }]
    })
    const timeOf = (ms: number): number => Math.round(clockMs - (shownMs - ms))
    return {
      cycle,
      tasks: selection.tasks,
      began: seenAt === 0 ? undefined : timeOf(seenAt),
      running: [...onWorkers, ...fibers.running].sort((a, b) => b.ms - a.ms),
      waiting: [...cpu.waiting, ...fibers.waiting]
        .slice(0, limit)
        .map((task) => ({ ...task, since: timeOf(task.since) })),
      waits: cpu.waits + fibers.waits,
      ended: [...cpu.ended, ...fibers.ended, ...allEnded(outcomes, limit)]
        .sort((a, b) => b.tookMs - a.tookMs)
        .slice(0, limit),
      ends: Math.max(0, selection.tasks - cpu.left - fibers.left),
      pool: { waiting, busy: running, size: pool.size },
      since: timeOf(times.sinceMs),
      spentMs: times.spentMs(shownMs)
    }
  })
}

/** No cycle is under way. */
const none = { cycle: 0, outcomes: [], seenAt: 0, selection: { tasks: 0 }, threads: [] }
