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
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Fact, Kind } from "../program/Fact.ts"
import { describePanic, typeOf } from "../values/panic.ts"
import { hear } from "../values/plainResult.ts"
import { isInstance } from "../values/thrown.ts"
import type { JobTelemetry } from "../outcome/JobEvent.ts"
import type { View } from "../program/View.ts"
import { inline as inlinePool } from "../workers/inline.ts"
import type { BatchFailure, CpuBatch, CpuProgress } from "../workers/WorkerPool.ts"
import { ContextView } from "../context/contextView.ts"
import { causeOf, EffectFault, encodeEffect, type OutputFault } from "../cycle/encodeEffect.ts"
import { accountOf } from "./accountOf.ts"
import { at } from "./at.ts"
import { provided } from "./erased.ts"
import { keepEffect } from "./journaling.ts"
import type { JobSession } from "./session.ts"
import type { UnderWay } from "./underWay.ts"
import { startGroup } from "./fiberGroup.ts"
import { isRefusal, refusalIn } from "./refusals.ts"
import { type Task, tasksOf } from "./task.ts"
import { CurrentWallet } from "./wallet.ts"
import { inSlicesThen } from "../platform/slices.ts"
import * as Telemetry from "./observability.ts"
import type { Cause as HaltCause } from "../outcome/Cause.ts"
import type { TaskOutcome } from "../outcome/CommittedCycle.ts"
import { isUnderWay, runSteps, stepSize } from "../values/steps.ts"
import { partOf } from "../program/keys.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { ErasedAgent } from "../program/erased.ts"

/** An attempt that took longer than its agent's timeout. */
class TimedOut extends Data.TaggedError("AgentTimedOut") {}

/** A task that was not started. */
class NotStarted extends Data.TaggedError("NotStarted") {}

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
  const tasks = tasksOf(session, selection.agents)
  const outcomes: Array<TaskOutcome> = new Array(tasks.length)
  const settle = ({ each, part, place, selected }: Task, result: EncodedEffect | HaltCause, cpuMs: number): void => {
    const outcome = { agent: selected.agent, each, since: selected.since, cpuMs, result }
    outcomes[place] = part === undefined ? outcome : { ...outcome, part }
  }
  const fibers: Array<Task> = []
  const threads: Array<Task> = []
  const inline: Array<Task> = []
  for (const task of tasks) {
    const { agent, panic } = task.selected
    // The effects that were kept come from views without signals.
    const kept = session.kept === undefined || staged.length > 0 ? undefined : session.kept.get(task.key)
    if (panic !== undefined) settle(task, panicOf(agent.name, cycle, panic), 0)
    else if (kept !== undefined && agent.memoize) settle(task, kept, 0)
    else if (agent.type === "fiber") fibers.push(task)
    else if (agent.placement === "inline") inline.push(task)
    else threads.push(task)
  }
  if (threads.length + inline.length === 0) {
    const ran = runFibers(session, underWay, fibers, settle)
    return Exit.isExit(ran) ? Effect.succeed(outcomes) : Effect.as(ran, outcomes)
  }
  const parts: Array<Effect.Effect<void, BatchFailure>> = []
  if (threads.length > 0) parts.push(runCpu(session, session.options.pool.execute, threads, underWay, settle))
  // Fibers start when the threads have their tasks.
  if (fibers.length > 0) parts.push(Effect.suspend(() => runFibers(session, underWay, fibers, settle)))
  if (inline.length > 0) parts.push(runCpu(session, inlinePool.execute, inline, underWay, settle))
  const [part] = parts
  const isOne = parts.length === 1 && part !== undefined
  return Effect.as(isOne ? part : Effect.all(parts, { concurrency: "unbounded", discard: true }), outcomes)
}

type Settle = (task: Task, result: EncodedEffect | HaltCause, cpuMs: number) => void

const panicOf = (agent: string, cycle: number, thrown: unknown): HaltCause => ({
  _tag: "AgentPanicked",
  agent,
  cycle,
  ...describePanic(thrown)
})

const itemOf = <Tag extends JobTelemetry["_tag"]>(tag: Tag, { agent, each, part }: Task, cycle: number, at: number) => {
  return { _tag: tag, cycle, agent, at, ...(each === undefined ? {} : { each }), ...partOf(part) }
}

const runCpu = (
  session: JobSession,
  execute: (
    batch: CpuBatch
  ) => Effect.Effect<
    ReadonlyArray<{ readonly result: EncodedEffect | HaltCause; readonly cpuMs: number }>,
    BatchFailure
  >,
  tasks: ReadonlyArray<Task>,
  { cycle, merge }: UnderWay,
  settle: Settle
): Effect.Effect<void, BatchFailure> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const report = session.telemetry.report
    const onProgress = (progress: CpuProgress): void => {
      const now = clock.currentTimeMillisUnsafe()
      const task = at(tasks, progress.task)
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
      onProgress: report === undefined ? undefined : onProgress
    }
    return Effect.map(execute(batch), (outcomes) => {
      outcomes.forEach(({ cpuMs, result }, index) => settle(at(tasks, index), result, cpuMs))
    })
  })

/** Agents run with the services of the job's start, its scope, and the cycle's span if there is one. */
const runFibers = (
  session: JobSession,
  underWay: UnderWay,
  tasks: ReadonlyArray<Task>,
  settle: Settle
): Effect.Effect<void> =>
  Telemetry.isTraced(session.options.services)
    ? Effect.flatMap(Effect.context<never>(), (context) =>
        startFibers(session, underWay, tasks, settle, Context.add(context, Scope.Scope, session.scope))
      )
    : startFibers(session, underWay, tasks, settle, session.taskServices)

const startFibers = (
  session: JobSession,
  underWay: UnderWay,
  tasks: ReadonlyArray<Task>,
  settle: Settle,
  services: Context.Context<Scope.Scope>
): Effect.Effect<void> => {
  const { cycle } = underWay
  const { report } = session.telemetry
  const tell = (tag: "TaskQueued" | "TaskClaimed" | "TaskEnded", task: Task): void => {
    const item = itemOf(tag, task, cycle, Context.get(services, Clock.Clock).currentTimeMillisUnsafe())
    report?.(tag === "TaskQueued" ? { ...item, _tag: tag } : { ...item, _tag: tag, worker: 0 })
  }
  if (report !== undefined) for (const task of tasks) tell("TaskQueued", task)
  const exits: Array<Exit.Exit<unknown, unknown>> = new Array(tasks.length)
  const early: Array<EncodedEffect | OutputFault | undefined> = []
  const group = startGroup({
    count: tasks.length,
    concurrency: session.options.fiberConcurrency,
    services,
    servicesOf: (index) => Context.add(services, CurrentWallet, at(tasks, index)),
    effectOf: (index) => {
      const task = at(tasks, index)
      if (session.account?.exhausted !== undefined) return notStartedExit
      if (report !== undefined) tell("TaskClaimed", task)
      return attempt(session, task, cycle)
    },
    // With a schedule, each attempt has a timeout of its own: see `attempt`.
    timeoutMsOf: (index) => {
      const { retry, timeoutMs } = at(tasks, index).selected.agent
      return retry === undefined ? timeoutMs : undefined
    },
    onExit: (index, exit, hasTimedOut) => {
      const task = at(tasks, index)
      if (report !== undefined) tell("TaskEnded", task)
      exits[index] = hasTimedOut && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? timedOutExit : exit
      session.account?.end(task)
      if (Exit.isFailure(exit)) noteRefusal(session, task, exit.cause)
      const { agent } = task.selected
      if (agent.memoize && Exit.isSuccess(exit)) {
        const effect = encodeEffect(agent, exit.value, session.ledger)
        early[index] = isUnderWay(effect) ? runSteps(effect) : effect
        keepEffect(session, underWay, task.key, early[index])
      }
    }
  })
  underWay.group = group
  const settled = (): Effect.Effect<void> =>
    inSlicesThen(settleAll(session, tasks, exits, early, cycle, settle), nothingMore) ?? Effect.void
  return group.hasEnded ? settled() : Effect.flatMap(group.wait, () => (group.isHalted ? Effect.void : settled()))
}

const nothingMore = (): undefined => undefined

/** The exit of a fiber that was interrupted at its deadline. */
const timedOutExit = Exit.fail(new TimedOut())

/** The exit of a task that was not started, since its job has no room under a limit. */
const notStartedExit = Exit.fail(new NotStarted())

/** A task that ends for want of room ends its job: no further task of the cycle starts. */
const noteRefusal = (session: JobSession, { agent }: Task, cause: Cause.Cause<unknown>): void => {
  const refusal = refusalIn(cause)
  if (refusal === undefined || session.account === undefined) return
  session.account.refused ??= { agent, budget: refusal.budget }
}

function* settleAll(
  session: JobSession,
  tasks: ReadonlyArray<Task>,
  exits: ReadonlyArray<Exit.Exit<unknown, unknown>>,
  early: ReadonlyArray<EncodedEffect | OutputFault | undefined>,
  cycle: number,
  settle: Settle
): Generator<void, void> {
  let parts = 0
  for (let index = 0; index < tasks.length; index++) {
    const task = at(tasks, index)
    const { agent } = task.selected
    const exit = at(exits, index)
    if (Exit.isFailure(exit)) settle(task, failureOf(session, agent, cycle, exit.cause), 0)
    else {
      const encoded = early[index] ?? encodeEffect(agent, exit.value, session.ledger)
      const effect = isUnderWay(encoded) ? yield* encoded : encoded
      settle(task, "_tag" in effect ? causeOf(effect, agent.name, cycle) : effect, 0)
      if (!("_tag" in effect)) parts += effect.facts.length
    }
    if (++parts < stepSize) continue
    parts = 0
    yield
  }
}

/** The agent's view. While somebody listens, the view of a task about a fact names the fact in its progress. */
const viewOf = ({ options, telemetry: { report } }: JobSession, task: Task, cycle: number): View<Kind.Any> => {
  const { view } = task.selected
  if (report === undefined || task.fact === undefined) return view
  const clock = Context.get(options.services, Clock.Clock)
  const progress = (value: unknown): void => {
    report({ ...itemOf("TaskProgress", task, cycle, clock.currentTimeMillisUnsafe()), worker: 0, value })
  }
  return view instanceof ContextView ? ContextView.withProgress(view, progress) : view
}

/** The effect of an agent. A throw, or a value that is no effect, becomes an effect that dies. */
const executed = (
  agent: ErasedAgent,
  fact: Fact | undefined,
  view: View<Kind.Any>
): Effect.Effect<unknown, unknown> => {
  try {
    const effect: unknown = agent.executeFiber?.(fact, view)
    return Effect.isEffect(effect) ? provided(effect) : Exit.die(noEffect(effect))
  } catch (error) {
    return Exit.die(error)
  }
}

/** The attempts of a task, one after the other, as its agent's schedule says. Agents without a schedule have one attempt. */
const attempt = (session: JobSession, task: Task, cycle: number): Effect.Effect<unknown, unknown> => {
  const { agent } = task.selected
  const view = viewOf(session, task, cycle)
  const { services } = session.options
  if (agent.retry === undefined && !Telemetry.isTraced(services)) return executed(agent, task.fact, view)
  const once = Effect.suspend(() => executed(agent, task.fact, view))
  const retried =
    agent.retry === undefined
      ? once
      : provided(
          Effect.retry(
            agent.timeoutMs === undefined
              ? once
              : Effect.timeoutOrElse(once, {
                  duration: Duration.millis(agent.timeoutMs),
                  orElse: () => Effect.fail(new TimedOut())
                }),
            { schedule: agent.retry, while: (error) => !isRefusal(error) }
          )
        )
  return Telemetry.agentSpan(services, retried, agent.name, cycle, task.fact)
}

const noEffect = (value: unknown): EffectFault => {
  hear(value)
  return new EffectFault("InvalidEffect", { message: `execute returned ${typeOf(value)}, not an Effect`, stack: "" })
}

const failureOf = (
  session: JobSession,
  { name, timeoutMs }: ErasedAgent,
  cycle: number,
  cause: Cause.Cause<unknown>
): HaltCause => {
  const refusal = refusalIn(cause)
  if (refusal !== undefined) return accountOf(session).cause({ agent: name, budget: refusal.budget }, cycle)
  const die = cause.reasons.find(Cause.isDieReason)
  if (isInstance(die?.defect, EffectFault))
    return { _tag: "InvalidEffect", agent: name, cycle, message: die.defect.message }
  if (die !== undefined) return panicOf(name, cycle, die.defect)
  const fail = cause.reasons.find(Cause.isFailReason)
  if (fail === undefined) return panicOf(name, cycle, new Error("the agent interrupted itself"))
  const exhausted = isInstance(fail.error, NotStarted) ? session.account?.exhausted : undefined
  if (exhausted !== undefined) return accountOf(session).cause(exhausted, cycle)
  return isInstance(fail.error, TimedOut)
    ? { _tag: "AgentTimedOut", agent: name, cycle, timeoutMs: timeoutMs ?? 0 }
    : { _tag: "AgentFailed", agent: name, cycle, error: fail.error }
}
