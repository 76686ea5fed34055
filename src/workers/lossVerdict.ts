/**
 * The verdict on the loss of a thread: the task that caused it, and the tasks that are handed out again (G8).
 *
 * An agent of this pool is a synchronous function whose throws are caught where it is called. So a thread that ends while
 * no task runs was ended by a leftover of an earlier one, and so was one that ends during a task with an error other than
 * out-of-memory: the task that ran there is innocent, and runs again on another thread. If the thread ends during a task by
 * `process.exit` or out of memory, that task caused it. (A heap that earlier tasks had filled counts against the running one,
 * because nothing tells them apart.)
 *
 * Boundary: decides; the pool acts.
 */
import { Limits } from "../Limits.ts"
import type { BatchRun, CauseFor, Share, Work } from "./batchRun.ts"
import type { Thread, ThreadEnd } from "./thread.ts"

export const crashOf =
  ({ exitCode }: Pick<ThreadEnd, "exitCode">): CauseFor =>
  (agent, cycle) => ({
    _tag: "WorkerCrashed",
    agent,
    cycle,
    exitCode
  })

const lossOf = (thread: Thread<Work>, end: ThreadEnd): CauseFor => {
  const { limitMb } = thread
  return end.isOutOfMemory ? (agent, cycle) => ({ _tag: "AgentOutOfMemory", agent, cycle, limitMb }) : crashOf(end)
}

/** The verdict on a share whose thread was lost. Tasks are places in the batch. */
export interface ShareVerdict {
  /** The task that caused the loss, and the cause of its failure. */
  readonly guilty: { readonly task: number; readonly cause: CauseFor; readonly isCrash: boolean } | undefined
  /** Claimed tasks without an outcome, which are handed out again. */
  readonly innocent: ReadonlyArray<number>
}

/** Judges a share whose thread was lost. All its messages have been read. */
export const judgeShare = (share: Share, thread: Thread<Work>, end: ThreadEnd): ShareVerdict => {
  const { round, run, sequence } = share
  const place = thread.running(sequence)
  const running = place < 0 ? undefined : round.tasks[place]
  const cause = running === undefined ? undefined : causeOf(share, running, thread, end)
  const innocent = [...round.claimedBy(sequence), ...round.recover()]
    .map((at) => round.tasks[at]!)
    .filter((task) => !run.isSettled(task) && (cause === undefined || task !== running))
  return {
    guilty:
      running === undefined || cause === undefined
        ? undefined
        : { task: running, cause, isCrash: thread.reason === undefined },
    innocent
  }
}

const causeOf = (share: Share, task: number, thread: Thread<Work>, end: ThreadEnd): CauseFor | undefined => {
  if (thread.reason === "timeout") {
    const { timeoutMs } = share.run.task(task).agent
    // The overdue task may have ended while its thread was being ended.
    const isOverdue = timeoutMs !== undefined && thread.look(share.sequence).ordinal === share.ordinal
    return isOverdue ? (agent, cycle) => ({ _tag: "AgentTimedOut", agent, cycle, timeoutMs }) : undefined
  }
  if (thread.reason !== undefined) return undefined
  return end.error === undefined || end.isOutOfMemory ? lossOf(thread, end) : undefined
}

/** Judges the waiting tasks of a batch when a thread was lost while it loaded the program or the context. */
export const judgeLoad = (run: BatchRun, thread: Thread<Work>, end: ThreadEnd): CauseFor | undefined => {
  if (thread.reason === "slow-start") {
    // Clients read this text, so the path of the module goes to the log only.
    const message = `its module did not load on a worker within ${Limits.workerStartTimeoutMs} ms`
    return (agent, cycle) => ({ _tag: "AgentPanicked", agent, cycle, message, stack: "" })
  }
  // The crew counts shortages, since it starts the threads.
  if (thread.reason === "shortage") return undefined
  return ++run.losses >= Limits.taskReissues ? lossOf(thread, end) : undefined
}
