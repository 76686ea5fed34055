/**
 * The tasks of one cycle: fiber agents as fibers, CPU agents through the pool, all in parallel.
 *
 * Whatever order they end in, outcomes come out in merge order: the order of the program's agents, and of the facts of an
 * agent with `each` (G3). A task that fails leaves a cause, never a half effect (G2). Interrupting the whole is
 * acknowledged when every fiber has run its finalizers and every thread has let go (G10).
 *
 * Boundary: runs agents; decides nothing about the job.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { EncodedEffect } from "../AgentEffect.ts"
import type { SelectedAgent } from "../eligibility.ts"
import type { Fact, FactRef, Kind } from "../Fact.ts"
import { type Cause as HaltCause, describePanic } from "../JobError.ts"
import type { JobTelemetry } from "../JobEvent.ts"
import { Limits } from "../Limits.ts"
import type { TaskOutcome } from "../merge.ts"
import type { View } from "../View.ts"
import { inline as inlinePool } from "../workers/inline.ts"
import type { CpuBatch, CpuProgress, CpuTimeExhausted } from "../workers/WorkerPool.ts"
import { EffectFault, settleEffect, typeOf } from "./encodeEffect.ts"
import type { JobSession } from "./session.ts"
import { breathe, inSlices } from "./slices.ts"
import * as Telemetry from "./observability.ts"

/** One task: which agent, about which fact, and its place in merge order. */
interface Task {
  readonly place: number
  readonly selected: SelectedAgent
  readonly fact: Fact | undefined
}

const refOf = (fact: Fact | undefined): FactRef | undefined =>
  fact === undefined ? undefined : { kind: fact.kind, id: fact.id }

const tasksOf = (agents: ReadonlyArray<SelectedAgent>): ReadonlyArray<Task> => {
  const tasks: Array<Task> = []
  for (const selected of agents) {
    if (selected.each === undefined) tasks.push({ place: tasks.length, selected, fact: undefined })
    else for (const fact of selected.each) tasks.push({ place: tasks.length, selected, fact })
  }
  return tasks
}

/** Runs all tasks of the selected agents. Fails only when the CPU budget is used up. */
export const runTasks = (
  session: JobSession,
  agents: ReadonlyArray<SelectedAgent>,
  cycle: number
): Effect.Effect<ReadonlyArray<TaskOutcome>, CpuTimeExhausted> =>
  Effect.suspend(() => {
    const tasks = tasksOf(agents)
    const outcomes: Array<TaskOutcome> = new Array(tasks.length)
    const settle = ({ fact, place, selected }: Task, result: EncodedEffect | HaltCause, cpuMs: number): void => {
      outcomes[place] = { agent: selected.agent, each: refOf(fact), since: selected.since, cpuMs, result }
    }
    const fibers: Array<Task> = []
    const threads: Array<Task> = []
    const inline: Array<Task> = []
    for (const task of tasks) {
      const { agent, panic } = task.selected
      if (panic !== undefined) settle(task, panicOf(agent.name, cycle, panic), 0)
      else if (agent.type === "fiber") fibers.push(task)
      else if (agent.placement === "inline") inline.push(task)
      else threads.push(task)
    }
    const parts: Array<Effect.Effect<void, CpuTimeExhausted>> = []
    if (threads.length > 0) parts.push(runCpu(session, session.options.pool.execute, threads, cycle, settle))
    if (fibers.length > 0) parts.push(runFibers(session, fibers, cycle, settle))
    if (inline.length > 0) parts.push(runCpu(session, inlinePool.execute, inline, cycle, settle))
    const all = parts.length === 1 ? parts[0]! : Effect.all(parts, { concurrency: "unbounded", discard: true })
    return Effect.as(all, outcomes)
  })

type Settle = (task: Task, result: EncodedEffect | HaltCause, cpuMs: number) => void

const panicOf = (agent: string, cycle: number, thrown: unknown): HaltCause => ({
  _tag: "AgentPanicked",
  agent,
  cycle,
  ...describePanic(thrown, Limits.errorTextLength)
})

const itemOf = <Tag extends JobTelemetry["_tag"]>(tag: Tag, { fact, selected }: Task, cycle: number, at: number) => {
  const each = refOf(fact)
  return { _tag: tag, cycle, agent: selected.agent.name, at, ...(each === undefined ? {} : { each }) }
}

const runCpu = (
  session: JobSession,
  execute: (
    batch: CpuBatch
  ) => Effect.Effect<
    ReadonlyArray<{ readonly result: EncodedEffect | HaltCause; readonly cpuMs: number }>,
    CpuTimeExhausted
  >,
  tasks: ReadonlyArray<Task>,
  cycle: number,
  settle: Settle
): Effect.Effect<void, CpuTimeExhausted> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const report = session.report
    const onProgress = (progress: CpuProgress): void => {
      const now = clock.currentTimeMillisUnsafe()
      const task = tasks[progress.task]!
      const { worker } = progress
      if (progress._tag === "Claimed") report?.({ ...itemOf("TaskClaimed", task, cycle, now), worker })
      else if (progress._tag === "Ended") report?.({ ...itemOf("TaskEnded", task, cycle, now), worker })
      else report?.({ ...itemOf("TaskProgress", task, cycle, now), worker, value: progress.value })
    }
    if (report !== undefined) {
      for (const task of tasks) report(itemOf("TaskQueued", task, cycle, clock.currentTimeMillisUnsafe()))
    }
    const batch: CpuBatch = {
      jobId: session.jobId,
      program: session.program,
      ledger: session.ledger,
      cycle,
      tasks: tasks.map(({ fact, selected }) => ({
        agent: selected.agent,
        agentIndex: selected.index,
        each: refOf(fact),
        since: selected.since
      })),
      cpuBudgetMs: session.budget.cpuTime - session.cpuMs,
      onProgress: report === undefined ? undefined : onProgress
    }
    return Effect.map(execute(batch), (outcomes) => {
      outcomes.forEach(({ cpuMs, result }, index) => settle(tasks[index]!, result, cpuMs))
    })
  })

const runFibers = (
  session: JobSession,
  tasks: ReadonlyArray<Task>,
  cycle: number,
  settle: Settle
): Effect.Effect<void> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const report = session.report
    if (report !== undefined) {
      for (const task of tasks) report(itemOf("TaskQueued", task, cycle, clock.currentTimeMillisUnsafe()))
    }
    return Effect.forEach(
      tasks,
      (task) =>
        Effect.flatMap(breathe, () => {
          report?.({ ...itemOf("TaskClaimed", task, cycle, clock.currentTimeMillisUnsafe()), worker: 0 })
          return Effect.map(runFiber(session, task, cycle), (result) => {
            report?.({ ...itemOf("TaskEnded", task, cycle, clock.currentTimeMillisUnsafe()), worker: 0 })
            settle(task, result, 0)
          })
        }),
      { concurrency: session.options.fiberConcurrency, discard: true }
    )
  })

/** The agent's view. While somebody listens, that of a task about a fact names the fact in its progress. */
const viewOf = ({ gate, options, report }: JobSession, task: Task, cycle: number): View<Kind.Any> => {
  const { view } = task.selected
  if (report === undefined || task.fact === undefined) return view
  const clock = Context.get(options.services, Clock.Clock)
  const progress = (value: unknown): void => {
    if (!gate.open) return
    report({ ...itemOf("TaskProgress", task, cycle, clock.currentTimeMillisUnsafe()), worker: 0, value })
  }
  return Object.freeze(Object.create(view, { progress: { value: progress, enumerable: true } }) as View<Kind.Any>)
}

/**
 * One fiber task, from fork to a validated effect or a cause. Fails never; an interrupt from outside goes through. The
 * driver's fiber has the services that the job was started with, and so has this one: hence the cast.
 */
const runFiber = (session: JobSession, task: Task, cycle: number): Effect.Effect<EncodedEffect | HaltCause> => {
  const { agent } = task.selected
  const view = viewOf(session, task, cycle)
  const timedOut = { _tag: "AgentTimedOut", agent: agent.name, cycle, timeoutMs: agent.timeoutMs ?? 0 } as const
  const attempt = Effect.suspend(() => {
    const effect: unknown = agent.executeFiber!(task.fact, view)
    return Effect.isEffect(effect) ? effect : Effect.die(noEffect(effect))
  })
  const timed: Effect.Effect<unknown, unknown, unknown> =
    agent.timeoutMs === undefined
      ? attempt
      : Effect.timeoutOrElse(attempt, {
          duration: Duration.millis(agent.timeoutMs),
          orElse: () => Effect.fail(timedOut)
        })
  const retried = agent.retry === undefined ? timed : Effect.retry(timed, agent.retry)
  const spanned = Telemetry.agentSpan(session.options.services, retried, agent.name, cycle, task.fact)
  // A fiber of its own: what is no effect, or interrupts its own fiber, ends that fiber and nothing around it (G8).
  return Effect.forkChild(spanned, { startImmediately: true }).pipe(
    Effect.flatMap(Fiber.await),
    Effect.flatMap((exit): Effect.Effect<EncodedEffect | HaltCause> => {
      if (Exit.isFailure(exit)) return Effect.succeed(failureOf(agent.name, cycle, exit.cause, timedOut))
      return Effect.map(inSlices(settleEffect(agent, exit.value)), (effect) =>
        "_tag" in effect
          ? effect._tag === "InvalidEffect"
            ? { _tag: effect._tag, agent: agent.name, cycle, message: effect.message }
            : { _tag: effect._tag, agent: agent.name, cycle, message: effect.message, stack: effect.stack }
          : effect
      )
    }),
    Effect.provideService(Scope.Scope, session.scope)
  ) as Effect.Effect<EncodedEffect | HaltCause>
}

const noEffect = (value: unknown): EffectFault =>
  new EffectFault("InvalidEffect", `execute returned ${typeOf(value)}, not an Effect`, "")

const failureOf = (agent: string, cycle: number, cause: Cause.Cause<unknown>, timedOut: HaltCause): HaltCause => {
  const die = cause.reasons.find(Cause.isDieReason)
  if (die?.defect instanceof EffectFault) return { _tag: "InvalidEffect", agent, cycle, message: die.defect.message }
  if (die !== undefined) return panicOf(agent, cycle, die.defect)
  const fail = cause.reasons.find(Cause.isFailReason)
  if (fail === undefined) return panicOf(agent, cycle, new Error("the agent interrupted itself"))
  return fail.error === timedOut ? timedOut : { _tag: "AgentFailed", agent, cycle, error: fail.error }
}
