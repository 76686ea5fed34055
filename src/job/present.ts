/**
 * The tasks of a job at this moment: which run, on which thread and since when, and which wait and for what.
 *
 * It is counted when somebody asks, from the live objects. Nothing is kept for it but the time at which a fiber's task began, so
 * a viewer who comes late sees a task that has run for long. Boundary: reads a job and its pool.
 */
import * as Effect from "effect/Effect"
import { Limits } from "../Limits.ts"
import type { FactRef } from "../program/Fact.ts"
import { partOf } from "../program/keys.ts"
import type { WorkerPool } from "../workers/WorkerPool.ts"
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
        readonly fibers: { readonly present: (limit: number) => PresentTasks } | undefined
      }
    | undefined
}

interface Named {
  readonly agent: string
  readonly each: FactRef | undefined
  /** Which of a join's tasks, from 1. Left out for the first, and for other agents. */
  readonly part?: number
}

/** A task that runs. `worker`: 0 is the main thread, workers count from 1. */
export interface RunningTask extends Named {
  readonly worker: number
  /** Milliseconds that it has run; for a task on a worker, as the watchdog saw them. */
  readonly ms: number
  readonly attempt: number
}

/** A task that waits: for a permit of its agent, for room under a budget, or for one of the places of fibers. */
export interface WaitingTask extends Named {
  readonly for: WaitsFor | "turn"
}

/** The tasks of fiber agents that have not ended. */
export interface PresentTasks {
  readonly running: ReadonlyArray<RunningTask>
  readonly waiting: ReadonlyArray<WaitingTask>
  /** The number of those that wait, also of those that are not named. */
  readonly waits: number
}

/** The tasks of the cycle under way. */
export interface TasksNow extends PresentTasks {
  /** The cycle; 0 if none is under way. */
  readonly cycle: number
  /** The tasks of the cycle, whether they have ended, run or wait. */
  readonly tasks: number
  /** CPU tasks of all jobs that wait for a worker, and the workers that are busy, of so many. */
  readonly pool: { readonly waiting: number; readonly busy: number; readonly size: number }
  /** When the job was queued, began to run or came to rest, in milliseconds since the epoch: the last of these. */
  readonly since: number
  /** Milliseconds in each state of the job's machine, since this engine has the job. */
  readonly spentMs: SpentMs
}

const none: PresentTasks = { running: [], waiting: [], waits: 0 }

/** The tasks of a session's cycle. The longest that run come first. */
export const tasksNow = (session: Working): Effect.Effect<TasksNow> => {
  const { pool } = session.options
  return Effect.map(pool.stats, ({ running, waiting, workers }) => {
    const { clockMs, shownMs, times, underWay } = session
    const fibers = underWay?.fibers?.present(Limits.presentTasks) ?? none
    const onWorkers = workers.flatMap(({ task, worker }): ReadonlyArray<RunningTask> => {
      if (task === undefined || task.jobId !== session.jobId) return []
      const { agent, each, ms, part } = task
      return [{ agent, each, ...partOf(part), worker, ms, attempt: 1 }]
    })
    return {
      cycle: underWay?.cycle ?? 0,
      tasks: underWay?.selection.tasks ?? 0,
      running: [...onWorkers, ...fibers.running].sort((a, b) => b.ms - a.ms),
      waiting: fibers.waiting,
      waits: fibers.waits,
      pool: { waiting, busy: running, size: pool.size },
      since: Math.round(clockMs - (shownMs - times.sinceMs)),
      spentMs: times.spentMs(shownMs)
    }
  })
}
