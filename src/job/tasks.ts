/**
 * The tasks of one cycle: fiber agents as fibers, CPU agents through the pool, all in parallel.
 *
 * Whatever order they end in, outcomes come out in merge order: the order of the program's agents, and of the facts of an
 * agent with `each` (G3). A task that fails leaves a cause, never a half effect (G2). Interrupting the whole is
 * acknowledged when every fiber has run its finalizers and every thread has let go (G10).
 *
 * Boundary: runs agents; decides nothing about the job.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { TaskOutcome } from "../outcome/CommittedCycle.ts"
import { inline as inlinePool } from "../workers/inline.ts"
import { StartGate } from "../workers/startGate.ts"
import type { BatchFailure, CpuBatch, CpuOutcome, CpuProgress } from "../workers/WorkerPool.ts"
import { exhaustedCause } from "./accountOf.ts"
import { at } from "./at.ts"
import { runFibers, type Settle } from "./fiberTasks.ts"
import type { JobSession } from "./session.ts"
import { type Task, tasksOf } from "./task.ts"
import { panicOf } from "./taskFailure.ts"
import type { UnderWay } from "./underWay.ts"

/**
 * Runs all tasks of the selected agents. Fails only when the CPU budget is used up.
 *
 * A cycle of nothing but fiber agents begins at once, and its effect is an exit if all of them have ended already: most
 * cycles need not wait. So the caller must run the effect, or stop `underWay.group`.
 */
export const runTasks = (
  session: JobSession,
  underWay: UnderWay
): Effect.Effect<ReadonlyArray<TaskOutcome>, BatchFailure> => {
  const { cycle, selection, staged } = underWay
  const tasks = tasksOf(session, cycle, selection.agents)
  const outcomes: Array<TaskOutcome> = new Array(tasks.length)
  if (session.options.store.isDurable) underWay.beganAt = session.monotonicMs
  const settle: Settle = ({ each, part, place, selected }, result, cpuMs, ran) => {
    const outcome = { agent: selected.agent, each, since: selected.since, cpuMs, ran, result }
    outcomes[place] = part === undefined ? outcome : { ...outcome, part }
  }
  const fibers: Array<Task> = []
  const threads: Array<Task> = []
  const inline: Array<Task> = []
  for (const task of tasks) {
    const { agent, panic } = task.selected
    // The effects that were kept come from views without signals.
    const kept = session.kept === undefined || staged.length > 0 ? undefined : session.kept.get(task.key)
    if (panic !== undefined) settle(task, panicOf(agent.name, cycle, panic), 0, undefined)
    else if (kept !== undefined && agent.memoize) settle(task, kept, 0, undefined)
    else if (agent.type === "fiber") fibers.push(task)
    else if (agent.placement === "inline") inline.push(task)
    else threads.push(task)
  }
  if (threads.length + inline.length === 0) {
    const ran = runFibers(session, underWay, fibers, settle)
    return Exit.isExit(ran) ? Effect.succeed(outcomes) : Effect.as(ran, outcomes)
  }
  // Agents pay for calls of fibers alone, so without one of them nothing can be used up meanwhile.
  if (fibers.length > 0) underWay.starts = new StartGate()
  const withdrawn: Array<Task> = []
  const parts: Array<Effect.Effect<void, BatchFailure>> = []
  if (threads.length > 0)
    parts.push(runCpu(session, session.options.pool.execute, threads, underWay, settle, withdrawn))
  // Fibers start when the threads have their tasks.
  if (fibers.length > 0) parts.push(Effect.suspend(() => runFibers(session, underWay, fibers, settle)))
  if (inline.length > 0) parts.push(runCpu(session, inlinePool.execute, inline, underWay, settle, withdrawn))
  const [part] = parts
  const isOne = parts.length === 1 && part !== undefined
  const all = isOne ? part : Effect.all(parts, { concurrency: "unbounded", discard: true })
  return Effect.map(all, () => {
    // The tasks that ran on may have paid more since, so their cause is made now.
    for (const task of withdrawn) settle(task, exhaustedCause(session, cycle), 0, undefined)
    return outcomes
  })
}

const runCpu = (
  session: JobSession,
  execute: (batch: CpuBatch) => Effect.Effect<ReadonlyArray<CpuOutcome>, BatchFailure>,
  tasks: ReadonlyArray<Task>,
  underWay: UnderWay,
  settle: Settle,
  withdrawn: Array<Task>
): Effect.Effect<void, BatchFailure> =>
  Effect.suspend(() => {
    const { beganAt, cycle, merge, starts } = underWay
    const startedAt = session.shownMs
    underWay.seenAt ||= beganAt || startedAt
    const report = session.telemetry.report
    const onProgress = (progress: CpuProgress): void => {
      if (report === undefined) return
      const task = at(tasks, progress.task)
      const { worker } = progress
      if (progress._tag === "Claimed") task.tell(report, { _tag: "TaskClaimed", worker })
      else if (progress._tag === "Ended") {
        const { failed } = progress
        task.tell(report, { _tag: "TaskEnded", worker, ...(failed === undefined ? {} : { failed }) })
      } else task.tell(report, { _tag: "TaskProgress", worker, value: progress.value })
    }
    if (report !== undefined) for (const task of tasks) task.tell(report, { _tag: "TaskQueued" })
    const batch: CpuBatch = {
      jobId: session.jobId,
      program: session.program,
      ledger: session.ledger,
      cycle,
      tasks: tasks.map(({ each, part, selected }) => ({
        agent: selected.agent,
        agentIndex: selected.index,
        each,
        since: selected.since,
        part,
        news: selected.news,
        progress: selected.progress
      })),
      cpuBudgetMs: Math.max(merge.limits.budget.cpuTime - session.cpuMs, 0),
      starts,
      onProgress: report === undefined ? undefined : onProgress,
      onBegin: (now) => {
        underWay.threads = [...underWay.threads, { tasks, now, startedAt }]
      }
    }
    const sinceMs = beganAt === 0 ? 0 : session.monotonicMs - beganAt
    return Effect.map(execute(batch), (outcomes) => {
      outcomes.forEach(({ cpuMs, isWithdrawn, ran, result }, index) => {
        if (isWithdrawn) return void withdrawn.push(at(tasks, index))
        const recorded = ran === undefined || beganAt === 0 ? undefined : { ...ran, startMs: ran.startMs + sinceMs }
        settle(at(tasks, index), result, cpuMs, recorded)
      })
    })
  })
