/**
 * The fiber tasks of one cycle, side by side: each starts when its agent has a permit for it, and none when a budget is used up.
 *
 * Invariants: outcomes are settled in merge order, whatever order the fibers end in (G3); a task that ends leaves no permit and
 * no reservation behind. Boundary: one group of fibers; tasks.ts runs it beside the threads.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { causeOf, encodeEffect, type OutputFault } from "../cycle/encodeEffect.ts"
import type { Cause as HaltCause } from "../outcome/Cause.ts"
import { inSlicesThen } from "../platform/slices.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import { isUnderWay, runSteps, stepSize } from "../values/steps.ts"
import { at } from "./at.ts"
import { attempt } from "./attempts.ts"
import { RunningGroup } from "./fiberGroup.ts"
import { keepEffect } from "./journaling.ts"
import * as Telemetry from "./observability.ts"
import type { JobSession } from "./session.ts"
import type { Task } from "./task.ts"
import { failureOf, noteRefusal, notStartedExit, timedOutExit } from "./taskFailure.ts"
import type { UnderWay } from "./underWay.ts"
import { CurrentWallet } from "./wallet.ts"

/** Takes the outcome of a task. */
export type Settle = (task: Task, result: EncodedEffect | HaltCause, cpuMs: number) => void

/** Agents run with the services of the job's start, its scope, and the cycle's span if there is one. */
export const runFibers = (
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

/** What became of the tasks so far, by their index. */
interface Ends {
  readonly exits: Array<Exit.Exit<unknown, unknown>>
  /** Effects that were encoded when their tasks ended. */
  readonly early: Array<EncodedEffect | OutputFault | undefined>
}

const startFibers = (
  session: JobSession,
  underWay: UnderWay,
  tasks: ReadonlyArray<Task>,
  settle: Settle,
  services: Context.Context<Scope.Scope>
): Effect.Effect<void> => {
  const { report } = session.telemetry
  if (report !== undefined) for (const task of tasks) task.tell(report, { _tag: "TaskQueued" })
  const ends: Ends = { exits: new Array(tasks.length), early: [] }
  const broken = new Map<number, Exit.Exit<never>>()
  const admits = (index: number): boolean => {
    const task = at(tasks, index)
    const exit = task.needPermit()
    if (exit !== undefined) broken.set(index, exit)
    return task.askPermit(() => group.ready(index))
  }
  const group: RunningGroup<Scope.Scope> = new RunningGroup({
    count: tasks.length,
    concurrency: session.options.fiberConcurrency,
    services,
    servicesOf: (index) => servicesOf(at(tasks, index), services),
    admits: tasks.some(({ selected }) => selected.agent.concurrency !== undefined) ? admits : undefined,
    drop: (index) => at(tasks, index).leavePermit(),
    effectOf: (index) => {
      const task = at(tasks, index)
      if (session.account?.exhausted !== undefined) return notStartedExit
      if (report !== undefined) task.tell(report, { _tag: "TaskClaimed", worker: 0 })
      return broken.get(index) ?? attempt(task)
    },
    // With a schedule, each attempt has a timeout of its own: see attempts.ts.
    timeoutMsOf: (index) => {
      const { retry, timeoutMs } = at(tasks, index).selected.agent
      return retry === undefined ? timeoutMs : undefined
    },
    onExit: (index, exit, hasTimedOut) => {
      const task = at(tasks, index)
      if (report !== undefined) task.tell(report, { _tag: "TaskEnded", worker: 0 })
      ended(task, index, hasTimedOut && isInterrupt(exit) ? timedOutExit : exit, ends, underWay)
      if (session.account?.exhausted !== undefined) group.cut(notStartedExit)
      // Another task, maybe the last of this group, may start and end within this call.
      task.leavePermit()
    }
  })
  underWay.group = group
  group.pump()
  const settled = (): Effect.Effect<void> => inSlicesThen(settleAll(tasks, ends, settle), nothingMore) ?? Effect.void
  return group.hasEnded ? settled() : Effect.flatMap(group.wait, () => (group.isHalted ? Effect.void : settled()))
}

const nothingMore = (): undefined => undefined

const isInterrupt = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

/** The services of a task: its wallet, and the names by which its lines of the log are found. */
const servicesOf = (task: Task, services: Context.Context<Scope.Scope>): Context.Context<Scope.Scope> => {
  const { agent, cycle, fact, session } = task
  return Context.add(Context.add(services, CurrentWallet, task), References.CurrentLogAnnotations, {
    ...Context.get(services, References.CurrentLogAnnotations),
    job: session.jobId,
    program: session.program.name,
    cycle,
    agent,
    ...(fact === undefined ? {} : { each: `${fact.kind}/${fact.id}` })
  })
}

/** Takes note of the end of a task. */
const ended = (
  task: Task,
  index: number,
  exit: Exit.Exit<unknown, unknown>,
  { early, exits }: Ends,
  underWay: UnderWay
): void => {
  const { selected, session } = task
  exits[index] = exit
  session.account?.end(task)
  if (Exit.isFailure(exit)) noteRefusal(task, exit.cause)
  else if (selected.agent.memoize) {
    const effect = encodeEffect(selected.agent, exit.value, session.ledger)
    early[index] = isUnderWay(effect) ? runSteps(effect) : effect
    keepEffect(session, underWay, task.key, early[index])
  }
}

function* settleAll(tasks: ReadonlyArray<Task>, { early, exits }: Ends, settle: Settle): Generator<void, void> {
  let parts = 0
  for (let index = 0; index < tasks.length; index++) {
    const task = at(tasks, index)
    const { agent } = task.selected
    const exit = at(exits, index)
    if (Exit.isFailure(exit)) settle(task, failureOf(task, exit.cause), 0)
    else {
      const encoded = early[index] ?? encodeEffect(agent, exit.value, task.session.ledger)
      const effect = isUnderWay(encoded) ? yield* encoded : encoded
      settle(task, "_tag" in effect ? causeOf(effect, agent.name, task.cycle) : effect, 0)
      if (!("_tag" in effect)) parts += effect.facts.length
    }
    if (++parts < stepSize) continue
    parts = 0
    yield
  }
}
