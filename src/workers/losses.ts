/**
 * What becomes of the work of a thread that was lost: its task fails, or is handed out again (G8).
 *
 * An agent of this pool is a synchronous function whose throws are caught where it is called. So a thread that ends while
 * no task is claimed was ended by what an earlier one left behind, and so was one that ends during a task with an error
 * other than out-of-memory: the task that waited or ran there is innocent, and runs again on another thread. What did end
 * during a task, by `process.exit` or out of memory, is that task's doing. (A heap that earlier tasks had filled counts
 * against the one that runs: nobody can tell.)
 *
 * Boundary: decides; the pool acts.
 */
import { Limits } from "../Limits.ts"
import type { BatchRun, CauseFor, TaskWork, Work } from "./batchRun.ts"
import type { Thread, ThreadEnd } from "./thread.ts"

/** The cause of a failure, or undefined: hand it out again. */
export type Verdict = CauseFor | undefined

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

/** The verdict on a task whose thread was lost. */
export const judgeTask = (
  { index, run, sequence, timeoutMs }: TaskWork,
  thread: Thread<Work>,
  end: ThreadEnd
): Verdict => {
  if (thread.reason === "timeout" && timeoutMs !== undefined) {
    return (agent, cycle) => ({ _tag: "AgentTimedOut", agent, cycle, timeoutMs })
  }
  const isRunning = thread.hasClaimed(sequence) && !thread.hasEnded(sequence)
  if (isRunning && (end.error === undefined || end.isOutOfMemory)) return lossOf(thread, end)
  if (run.failure !== undefined) return run.failure
  return run.reissue(index) > Limits.taskReissues ? crashOf(end) : undefined
}

/** The verdict on the waiting tasks of a batch, when a thread was lost that loaded its program or its context. */
export const judgeLoad = (run: BatchRun, thread: Thread<Work>, end: ThreadEnd): Verdict => {
  if (thread.reason === "slow-start") {
    const message = `${run.program.module} did not load on a worker within ${Limits.workerStartTimeoutMs} ms`
    return (agent, cycle) => ({ _tag: "AgentPanicked", agent, cycle, message, stack: "" })
  }
  return ++run.losses >= Limits.taskReissues ? lossOf(thread, end) : undefined
}
