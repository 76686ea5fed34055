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
import * as Scope from "effect/Scope"
import { causeOf, encodeEffect, type OutputFault } from "../cycle/encodeEffect.ts"
import type { Cause as HaltCause } from "../outcome/Cause.ts"
import { type Ran, worthRecordingMs } from "../outcome/CommittedCycle.ts"
import { inSlicesThen } from "../platform/slices.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import { isUnderWay, runSteps, stepSize } from "../values/steps.ts"
import { at } from "./at.ts"
import { attempt } from "./attempts.ts"
import { type FiberGroup, type Fork, RunningGroup } from "./fiberGroup.ts"
import { keepEffect } from "./journaling.ts"
import type { JobSession } from "./session.ts"
import type { Task } from "./task.ts"
import { AgentContext, forkOwn } from "./taskContext.ts"
import { partOf } from "../program/keys.ts"
import { Longest, type PresentFibers, type RunningTask, type WaitingTask } from "./present.ts"
import { failureOf, noteRefusal, notStartedExit, timedOutExit } from "./taskFailure.ts"
import type { UnderWay } from "./underWay.ts"

/** Takes the outcome of a task. */
export type Settle = (task: Task, result: EncodedEffect | HaltCause, cpuMs: number, ran: Ran | undefined) => void

/** Agents run with the services of the job's start, its scope, and the cycle's span if there is one. */
export const runFibers = (
  session: JobSession,
  underWay: UnderWay,
  tasks: ReadonlyArray<Task>,
  settle: Settle
): Effect.Effect<void> =>
  session.isTraced
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
  const fibers = new TaskFibers(session, underWay, tasks, services)
  const { group } = fibers
  const { report } = session.telemetry
  if (report !== undefined) for (const task of tasks) task.tell(report, { _tag: "TaskQueued" })
  underWay.group = group
  underWay.fibers = fibers
  group.pump()
  const settled = (): Effect.Effect<void> => inSlicesThen(settleAll(fibers, settle), nothingMore) ?? Effect.void
  return group.hasEnded ? settled() : Effect.flatMap(group.wait, () => (group.isHalted ? Effect.void : settled()))
}

/**
 * The tasks as a group of fibers, and what became of them so far, by their index. There is one object for each cycle: its methods
 * are those of the class, since closures would have to be made anew.
 */
class TaskFibers implements FiberGroup<Scope.Scope> {
  readonly tasks: ReadonlyArray<Task>
  readonly services: Context.Context<Scope.Scope>
  readonly exits: Array<Exit.Exit<unknown, unknown>>
  /** Effects that were encoded when their tasks ended. */
  readonly early: Array<EncodedEffect | OutputFault | undefined> = []
  readonly group: RunningGroup<Scope.Scope>
  readonly mayHold: boolean
  /** When tasks began and ended, by their index. Without a durable store, only of tasks that did not end at once. */
  began: Array<number> | undefined
  ended: Array<number> | undefined
  private readonly isRecorded: boolean
  private readonly session: JobSession
  private readonly underWay: UnderWay
  /** The exits of tasks whose key cannot be made. */
  private broken: Map<number, Exit.Exit<never>> | undefined

  constructor(
    session: JobSession,
    underWay: UnderWay,
    tasks: ReadonlyArray<Task>,
    services: Context.Context<Scope.Scope>
  ) {
    this.session = session
    this.underWay = underWay
    this.tasks = tasks
    this.services = services
    this.exits = new Array(tasks.length)
    this.isRecorded = session.options.store.isDurable
    this.began = undefined
    this.ended = undefined
    this.mayHold = session.program.hasLimits
    this.broken = undefined
    this.group = new RunningGroup(this)
  }

  get count(): number {
    return this.tasks.length
  }

  get concurrency(): number {
    return this.session.options.fiberConcurrency
  }

  forkOf(index: number): Fork<Scope.Scope> {
    const task = at(this.tasks, index)
    const { services, session } = this
    if (task.fact !== undefined || services !== session.taskServices) return forkOwn(task, services)
    const present = session.agentContexts[task.selected.index]
    if (present !== undefined) {
      present.take(task)
      return present.fork
    }
    const made = new AgentContext(task, services)
    session.agentContexts[task.selected.index] = made
    return made.fork
  }

  admits(index: number): boolean {
    const task = at(this.tasks, index)
    const exit = task.needPermit()
    if (exit !== undefined) {
      this.broken ??= new Map()
      this.broken.set(index, exit)
    }
    return task.askPermit(() => this.group.ready(index))
  }

  drop(index: number): void {
    at(this.tasks, index).leavePermit()
  }

  postpone(index: number): void {
    at(this.tasks, index).giveBackPermit()
  }

  effectOf(index: number): Effect.Effect<unknown, unknown> {
    const task = at(this.tasks, index)
    if (this.session.account?.exhausted !== undefined) return notStartedExit
    if (this.isRecorded) (this.began ??= [])[index] = this.session.monotonicMs
    const { report } = this.session.telemetry
    if (report !== undefined) task.tell(report, { _tag: "TaskClaimed", worker: 0 })
    return this.broken?.get(index) ?? attempt(task)
  }

  /** With a schedule, each attempt has a timeout of its own: see attempts.ts. */
  timeoutMsOf(index: number): number | undefined {
    const { retry, timeoutMs } = at(this.tasks, index).selected.agent
    return retry === undefined ? timeoutMs : undefined
  }

  onLive(index: number): void {
    this.began ??= []
    this.began[index] ??= this.session.monotonicMs
    this.underWay.seenAt ||= this.underWay.beganAt || at(this.began, index)
  }

  /** The tasks that run, wait or have ended, at most so many of each. */
  present(limit: number): PresentFibers {
    const running: Array<RunningTask> = []
    const waiting: Array<WaitingTask> = []
    const ended = new Longest(limit)
    const nowMs = this.session.monotonicMs
    let [waits, left] = [0, 0]
    for (let index = 0; index < this.tasks.length; index++) {
      const task = at(this.tasks, index)
      const { agent, attempt, each, part, waitsFor, waitsSince } = task
      const began = this.began?.[index]
      const exit = this.exits[index]
      if (exit !== undefined) {
        const failed = Exit.isFailure(exit) ? failureOf(task, exit.cause)._tag : undefined
        ended.add(task, this.timesOf(index), failed)
        continue
      }
      left++
      const named = { agent, each, ...partOf(part) }
      if (began === undefined || waitsFor !== undefined) {
        waits++
        const since = (waitsFor === undefined ? undefined : waitsSince) ?? this.underWay.seenAt
        if (waiting.length < limit) waiting.push({ ...named, for: waitsFor ?? "turn", since })
      } else if (running.length < limit) {
        running.push({ ...named, worker: 0, ms: nowMs - began, attempt: Math.max(attempt, 1) })
      }
    }
    return { running, waiting, waits, ended: ended.list, left }
  }

  onExit(index: number, exit: Exit.Exit<unknown, unknown>, hasTimedOut: boolean): void {
    const task = at(this.tasks, index)
    if (this.began?.[index] !== undefined) (this.ended ??= [])[index] = this.session.shownMs
    const { report } = this.session.telemetry
    // A task that a cancel or a budget stops has not ended by itself.
    const ended = hasTimedOut && isInterrupt(exit) ? timedOutExit : exit
    if (report !== undefined && !this.group.isHalted) {
      const failed = Exit.isFailure(ended) ? { failed: failureOf(task, ended.cause)._tag } : {}
      task.tell(report, { _tag: "TaskEnded", worker: 0, ...failed })
    }
    this.end(task, index, ended)
    if (this.session.account?.exhausted !== undefined) this.group.cut(notStartedExit)
    // Another task, maybe the last of this group, may start and end within this call.
    if (this.mayHold) task.leavePermit()
  }

  /** When a task ran, if that is recorded and it took long enough. */
  ranOf(index: number): Ran | undefined {
    return this.isRecorded ? this.timesOf(index) : undefined
  }

  /** When a task ran, if it took long enough and that is known. */
  private timesOf(index: number): Ran | undefined {
    const began = this.began?.[index]
    const ended = this.ended?.[index]
    if (began === undefined || ended === undefined) return undefined
    const tookMs = ended - began
    if (tookMs < worthRecordingMs) return undefined
    const { attempt } = at(this.tasks, index)
    const startMs = began - (this.underWay.beganAt || this.underWay.seenAt)
    return attempt > 1 ? { worker: 0, startMs, tookMs, attempts: attempt } : { worker: 0, startMs, tookMs }
  }

  /** Takes note of the end of a task. */
  private end(task: Task, index: number, exit: Exit.Exit<unknown, unknown>): void {
    const { agent } = task.selected
    this.exits[index] = exit
    this.session.account?.end(task)
    if (Exit.isFailure(exit)) noteRefusal(task, exit.cause)
    else if (agent.memoize) {
      const effect = encodeEffect(agent, exit.value, task.session.ledger)
      const encoded = isUnderWay(effect) ? runSteps(effect) : effect
      this.early[index] = encoded
      keepEffect(this.session, this.underWay, task.key, encoded)
    }
  }
}

const nothingMore = (): undefined => undefined

const isInterrupt = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

function* settleAll(fibers: TaskFibers, settle: Settle): Generator<void, void> {
  const { early, exits, tasks } = fibers
  let parts = 0
  for (let index = 0; index < tasks.length; index++) {
    const task = at(tasks, index)
    const { agent } = task.selected
    const exit = at(exits, index)
    if (Exit.isFailure(exit)) settle(task, failureOf(task, exit.cause), 0, fibers.ranOf(index))
    else {
      const encoded = early[index] ?? encodeEffect(agent, exit.value, task.session.ledger)
      const effect = isUnderWay(encoded) ? yield* encoded : encoded
      const result = "_tag" in effect ? causeOf(effect, agent.name, task.cycle) : effect
      settle(task, result, 0, fibers.ranOf(index))
      if (!("_tag" in effect)) parts += effect.facts.length
    }
    if (++parts < stepSize) continue
    parts = 0
    yield
  }
}
