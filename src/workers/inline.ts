/**
 * CPU tasks on the calling thread, one after the other, between turns of the event loop.
 *
 * Inline runs are for tests, for `size: 0`, for agents with `placement: "inline"`, and for agents with `"auto"` while they are
 * cheap. The same functions run a task here and on a worker, so both give the same effect (G3). Nothing can stop a function on
 * this thread, so timeouts are not enforced here. An endless loop hangs the process, and `process.exit` or a lack of memory ends
 * it (G8 is for workers).
 *
 * Boundary: no threads, no timers. Long validation runs in slices; the agent itself is called in one piece.
 */
import * as Effect from "effect/Effect"
import { causeOf } from "../cycle/encodeEffect.ts"
import type { Kind } from "../program/Fact.ts"
import { type CpuResult, runCpuTask, runFoldTask, runJoinTask, viewFor } from "./runCpuTask.ts"
import { isSliceOver, nextTurn } from "../platform/slices.ts"
import type { View } from "../program/View.ts"
import { elapsedMs, threadCpuMs } from "./cpuTime.ts"
import { noThreads } from "./stats.ts"
import { progressJson } from "./protocol.ts"
import {
  type BatchNow,
  type CpuBatch,
  type CpuOutcome,
  type CpuTask,
  CpuTimeExhausted,
  failedBy,
  WorkerPool
} from "./WorkerPool.ts"
import type { Cause } from "../outcome/Cause.ts"
import { worthRecordingMs } from "../outcome/CommittedCycle.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import { type InSteps, isUnderWay } from "../values/steps.ts"

/** The outcome of a CPU task: its effect, or the cause of its fault. */
export const outcomeOf = (result: CpuResult, agent: string, cycle: number): EncodedEffect | Cause =>
  "_tag" in result ? causeOf(result, agent, cycle) : result

/** The owner of an inline run. */
export interface InlineOwner {
  readonly settle: (task: number, outcome: CpuOutcome) => void
  /** Decides after each task whether to go on here. `count` tasks have taken `totalMs` milliseconds so far. */
  readonly goesOn?: (count: number, totalMs: number) => boolean
}

/** Runs some tasks of a batch here, in their order. Returns the rest of them if its owner decided to stop. */
export class InlineRun {
  readonly #batch: CpuBatch
  readonly #tasks: ReadonlyArray<number>
  readonly #owner: InlineOwner
  readonly #gate = { open: true }
  #next = 0
  /** The validation under way, if a slice ended within it. */
  #steps: Generator<void, CpuResult> | undefined
  /** CPU milliseconds of the task under way so far. */
  #stepsMs = 0
  #running = 0
  #usedMs = 0
  #totalMs = 0
  /** The times at which the run and its present task began. */
  #beganAt = 0
  #taskAt = 0
  /** The view of the agent whose tasks are under way. */
  #view: View<Kind.Any> | undefined
  #viewed: CpuTask | undefined

  constructor(batch: CpuBatch, tasks: ReadonlyArray<number>, owner: InlineOwner) {
    this.#batch = batch
    this.#tasks = tasks
    this.#owner = owner
  }

  readonly effect: Effect.Effect<ReadonlyArray<number>, CpuTimeExhausted> = Effect.suspend(() =>
    Effect.ensuring(
      this.#go(),
      Effect.sync(() => {
        this.#gate.open = false
        this.#steps?.return(undefined as never)
      })
    )
  )

  /** `hasRested`: the loop has had its turn, so one step may be made, whatever other work has made of this slice. */
  #go(hasRested = false): Effect.Effect<ReadonlyArray<number>, CpuTimeExhausted> {
    // Other work may have used up this slice.
    if (isSliceOver() && !hasRested) return this.#later
    let cpuMs = threadCpuMs()
    let at = elapsedMs()
    if (this.#beganAt === 0) this.#beganAt = at
    if (this.#steps === undefined) this.#taskAt = at
    while (this.#steps !== undefined || this.#next < this.#tasks.length) {
      if (this.#steps === undefined && this.#batch.starts?.cause !== undefined) return this.#withdraw()
      const result = this.#step()
      const isOver = isSliceOver()
      if (result === undefined && !isOver) continue
      const now = threadCpuMs()
      this.#stepsMs += now - cpuMs
      cpuMs = now
      if (result !== undefined) {
        const ended = elapsedMs()
        this.#totalMs += ended - at
        at = ended
        const agent = this.#end(result, ended)
        this.#taskAt = ended
        if (this.#usedMs > this.#batch.cpuBudgetMs) {
          return Effect.fail(new CpuTimeExhausted({ usedMs: this.#usedMs, agent }))
        }
        if (this.#owner.goesOn?.(this.#next, this.#totalMs) === false) break
      }
      if (isOver) {
        if (result === undefined) this.#totalMs += elapsedMs() - at
        return this.#later
      }
    }
    return Effect.succeed(this.#tasks.slice(this.#next))
  }

  /** A way to ask what became of its tasks so far, which are named by their places. `outcomes`: those that were settled. */
  now(outcomes: BatchNow["outcomes"]): BatchNow {
    return { outcomes, waiting: () => [...this.#tasks.keys()].slice(this.#next) }
  }

  readonly #later: Effect.Effect<ReadonlyArray<number>, CpuTimeExhausted> = Effect.flatMap(nextTurn, () =>
    this.#go(true)
  )

  /** Continues the task under way or begins the next. Returns its result if it has ended. */
  #step(): CpuResult | undefined {
    if (this.#steps === undefined) {
      const result = this.#begin(this.#tasks[this.#next++]!)
      if (!isUnderWay(result)) return result
      this.#steps = result
    }
    const step = this.#steps.next()
    return step.done === true ? step.value : undefined
  }

  /** Ends the tasks that have not begun: nothing more may start. */
  #withdraw(): Effect.Effect<ReadonlyArray<number>> {
    const { cycle, onProgress, starts, tasks } = this.#batch
    while (this.#next < this.#tasks.length) {
      const index = this.#tasks[this.#next++]!
      const result = starts!.cause!(tasks[index]!.agent.name, cycle)
      this.#owner.settle(index, { result, cpuMs: 0, isWithdrawn: true })
      onProgress?.({ _tag: "Ended", task: index, worker: 0, ...failedBy(result) })
    }
    return Effect.succeed([])
  }

  #begin(index: number): InSteps<CpuResult> {
    const { ledger, onProgress, tasks } = this.#batch
    const task = tasks[index]!
    this.#running = index
    this.#stepsMs = 0
    onProgress?.({ _tag: "Claimed", task: index, worker: 0 })
    if (task.news !== undefined) return runJoinTask(task.agent, task.news, task.part ?? 0, this.#viewOf(task), ledger)
    const { fold } = task.agent
    if (fold !== undefined && task.progress !== undefined) return runFoldTask(fold, task.progress, ledger)
    const fact = task.each === undefined ? undefined : ledger.find(task.each.kind, task.each.id)
    return runCpuTask(task.agent, fact, this.#viewOf(task), ledger)
  }

  #end(result: CpuResult, endedAt: number): string {
    const { cycle, onProgress, tasks } = this.#batch
    const index = this.#running
    const { name } = tasks[index]!.agent
    this.#steps = undefined
    this.#usedMs += this.#stepsMs
    const ended = { result: outcomeOf(result, name, cycle), cpuMs: this.#stepsMs }
    onProgress?.({ _tag: "Ended", task: index, worker: 0, ...failedBy(ended.result) })
    const tookMs = endedAt - this.#taskAt
    const ran = { worker: 0, startMs: this.#taskAt - this.#beganAt, tookMs }
    this.#owner.settle(index, tookMs < worthRecordingMs ? ended : { ...ended, ran })
    return name
  }

  #viewOf(task: CpuTask): View<Kind.Any> {
    const viewed = this.#viewed
    if (this.#view === undefined || viewed?.agent !== task.agent || viewed.since !== task.since) {
      const { cycle, ledger, onProgress } = this.#batch
      const report =
        onProgress === undefined
          ? undefined
          : (value: unknown) =>
              onProgress({
                _tag: "Progress",
                task: this.#running,
                worker: 0,
                value: JSON.parse(progressJson(value)) as unknown
              })
      this.#view = viewFor(task.agent, task.since, cycle, ledger, this.#gate, report)
    }
    this.#viewed = task
    return this.#view
  }
}

const execute = (batch: CpuBatch): Effect.Effect<ReadonlyArray<CpuOutcome>, CpuTimeExhausted> =>
  Effect.suspend(() => {
    const outcomes: Array<CpuOutcome> = []
    const run = new InlineRun(
      batch,
      batch.tasks.map((_, index) => index),
      { settle: (_, outcome) => void outcomes.push(outcome) }
    )
    batch.onBegin?.(run.now(() => outcomes))
    return Effect.as(run.effect, outcomes)
  })

/** The pool without threads. */
export const inline: WorkerPool["Service"] = WorkerPool.of({
  size: 0,
  execute,
  release: () => Effect.void,
  stats: Effect.succeed(noThreads)
})
