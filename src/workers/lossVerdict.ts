/**
 * What becomes of the work of a thread that was lost: whose doing it was, and what is handed out again (G8).
 *
 * An agent of this pool is a synchronous function whose throws are caught where it is called. So a thread that ends while
 * no task runs was ended by what an earlier one left behind, and so was one that ends during a task with an error other than
 * out-of-memory: the task that ran there is innocent, and runs again on another thread. What did end during a task, by
 * `process.exit` or out of memory, is that task's doing. (A heap that earlier tasks had filled counts against the one that
 * runs: nobody can tell.)
 *
 * Boundary: decides; the pool acts.
 */
import { Limits } from "../Limits.ts"
import type { BatchRun, CauseFor, Share, Work } from "./batchRun.ts"
import type { Thread, ThreadEnd } from "./thread.ts"

export const crashOf =
  ({ exitCode }: ThreadEnd): CauseFor =>
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

/** What a share leaves when its thread is lost. All are places in the batch. */
export interface Legacy {
  /** The task whose doing it was, and what that makes of it. */
  readonly guilty: { readonly task: number; readonly cause: CauseFor; readonly isCrash: boolean } | undefined
  /** Tasks that it had claimed, of which no outcome has come: to be handed out again. */
  readonly innocent: ReadonlyArray<number>
}

/** The verdict on a share whose thread was lost. Everything that it had sent has been read. */
export const judgeShare = (share: Share, thread: Thread<Work>, end: ThreadEnd): Legacy => {
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
    // The task that was out of time may have ended while its thread was being ended.
    const isOverdue = timeoutMs !== undefined && thread.look(share.sequence).ordinal === share.ordinal
    return isOverdue ? (agent, cycle) => ({ _tag: "AgentTimedOut", agent, cycle, timeoutMs }) : undefined
  }
  if (thread.reason !== undefined) return undefined
  return end.error === undefined || end.isOutOfMemory ? lossOf(thread, end) : undefined
}

/** The verdict on the waiting tasks of a batch, when a thread was lost that loaded its program or its context. */
export const judgeLoad = (run: BatchRun, thread: Thread<Work>, end: ThreadEnd): CauseFor | undefined => {
  if (thread.reason === "slow-start") {
    const message = `${run.program.module} did not load on a worker within ${Limits.workerStartTimeoutMs} ms`
    return (agent, cycle) => ({ _tag: "AgentPanicked", agent, cycle, message, stack: "" })
  }
  return ++run.losses >= Limits.taskReissues ? lossOf(thread, end) : undefined
}
