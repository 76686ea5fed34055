/**
 * The pool of worker threads: CPU tasks on threads of their own, with everything that can happen to a thread contained.
 *
 * Who waits is scheduler.ts; which threads there are, crew.ts; how a task reaches one, dispatch.ts; what its loss means,
 * losses.ts; when it has had its time, watchdog.ts. This file moves tasks between them. It is driven by batches that arrive,
 * messages, exits and the watchdog's ticks; each of these ends in `#pump`, which gives idle threads something to do.
 *
 * Invariants: outcomes are in the order of tasks, whatever the order of completion (G3); a lost thread takes at most the
 * task that it had claimed with it, every other one is handed out again (G8); a batch that is given up is acknowledged
 * when its threads have let go (G10); the number of threads, and how often a task or a start is tried again, is bounded
 * (G14). Boundary: state changes are synchronous; fibers only wait, send and decode, and all belong to the pool's scope.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type { WorkerPlatform } from "effect/workers/Worker"
import { inSlices, nextTurn } from "../internal/slices.ts"
import { describePanic } from "../JobError.ts"
import { Limits } from "../Limits.ts"
import { BatchRun, type CauseFor, type TaskWork, type Work } from "./batchRun.ts"
import { awaitEnds, Crew } from "./crew.ts"
import { Dispatch } from "./dispatch.ts"
import { causeOf } from "./inline.ts"
import { crashOf, judgeLoad, judgeTask } from "./losses.ts"
import type { Resolved } from "./options.ts"
import { type FromWorker, type Packet, unpackEffect } from "./protocol.ts"
import { RoundRobin, type Scheduler } from "./scheduler.ts"
import type { Thread, ThreadEnd } from "./thread.ts"
import { credit, Watchdog } from "./watchdog.ts"
import { type CpuBatch, type CpuOutcome, CpuTimeExhausted, WorkerPool } from "./WorkerPool.ts"

type PoolThread = Thread<Work>
type Done = (result: Effect.Effect<ReadonlyArray<CpuOutcome>, CpuTimeExhausted>) => void
type Fork = (effect: Effect.Effect<void, never, WorkerPlatform>) => Fiber.Fiber<void>

/** Ticks while nothing runs that could be stopped at a certain time. */
const slowIntervalMs = 20 * Limits.watchdogIntervalMs

class Pool {
  readonly #fork: Fork
  readonly #scheduler: Scheduler<BatchRun> = new RoundRobin()
  readonly #crew: Crew
  readonly #watchdog: Watchdog
  readonly #dispatch: Dispatch
  readonly #runs = new Map<BatchRun, Done>()
  #isClosed = false

  constructor(options: Resolved, fork: Fork, clock: Clock.Clock) {
    this.#fork = fork
    this.#crew = new Crew(options, fork, {
      onReady: () => this.#pump(),
      onMessage: (thread, message) => this.#onMessage(thread, message),
      onLost: (thread, end) => this.#onLost(thread, end)
    })
    this.#watchdog = new Watchdog(clock, {
      fork,
      pace: () => this.#pace(),
      tick: (creditMs, nowMs) => this.#tick(creditMs, nowMs)
    })
    this.#dispatch = new Dispatch({
      fork,
      scheduler: this.#scheduler,
      nowMs: () => this.#watchdog.nowMs(),
      onPrepared: (thread, run) => this.#onPrepared(thread, run)
    })
  }

  readonly execute = (batch: CpuBatch): Effect.Effect<ReadonlyArray<CpuOutcome>, CpuTimeExhausted> =>
    Effect.callback((resume) => {
      const { module } = batch.program
      if (batch.tasks.length === 0) return resume(Effect.succeed([]))
      if (this.#isClosed) return resume(Effect.interrupt)
      if (module === undefined || batch.tasks.some(({ agent }) => agent.placement === "inline")) {
        return resume(Effect.die(new Error("a batch holds a task that cannot run on a worker")))
      }
      const run = new BatchRun(batch, module)
      this.#runs.set(run, resume)
      this.#scheduler.add(run, batch.tasks.length)
      this.#crew.forgive()
      this.#pump()
      return this.#stop(run)
    })

  readonly release = (jobId: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const holders = [...this.#crew.threads.values()].filter((thread) => thread.replicas.delete(jobId))
      return Effect.forEach(holders, (thread) => thread.send(["release", jobId]), { discard: true })
    })

  /** Ends all threads, now. Batches that are under way are interrupted. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#isClosed = true
    const ended = this.#crew.close()
    const runs = [...this.#runs]
    for (const [run] of runs) this.#giveUp(run)
    this.#watchdog.wake()
    return Effect.andThen(
      ended,
      Effect.sync(() => runs.forEach(([, resume]) => resume(Effect.interrupt)))
    )
  })

  // ---------------------------------------------------------------- handing out

  #pump(): void {
    if (this.#isClosed) return
    const idle = this.#crew.idle()
    while (idle.size > 0) {
      const run = this.#scheduler.choose(
        (candidate) =>
          this.#scheduler.waitingOf(candidate) > candidate.preparing ||
          [...idle].some((thread) => this.#dispatch.fitness(thread, candidate) === 2)
      )
      if (run === undefined) break
      const [thread] = [...idle].sort((a, b) => this.#dispatch.fitness(b, run) - this.#dispatch.fitness(a, run))
      idle.delete(thread!)
      this.#dispatch.give(thread!, run)
    }
    for (const thread of idle) thread.keepProcess(false)
    this.#crew.staff(this.#scheduler.waiting, () => this.#pump())
    this.#watchdog.wake()
  }

  /** A thread has loaded what a batch needs: it goes on with that batch, if there is still something to do. */
  #onPrepared(thread: PoolThread, run: BatchRun): void {
    this.#dispatch.prepared(thread, run)
    if (thread.state === "ready" && !run.isOver && this.#scheduler.waitingOf(run) > 0) this.#dispatch.give(thread, run)
    this.#pump()
  }

  // ---------------------------------------------------------------- what threads say

  #onMessage(thread: PoolThread, message: FromWorker): void {
    const { work } = thread
    switch (message[0]) {
      case "loaded": {
        const [, key, error, stack] = message
        if (error === undefined) thread.programs.add(key)
        if (work?.type !== "load") return
        if (error !== undefined) {
          this.#failWaiting(work.run, (agent, cycle) => ({
            _tag: "AgentPanicked",
            agent,
            cycle,
            message: error,
            stack
          }))
        }
        return this.#onPrepared(thread, work.run)
      }
      case "synced":
        return work?.type === "load" ? this.#onPrepared(thread, work.run) : undefined
      case "progress":
        thread.hearProgress()
        if (work?.type !== "task" || work.sequence !== message[1]) return
        return work.run.report({
          _tag: "Progress",
          task: work.index,
          worker: thread.number,
          value: JSON.parse(message[2])
        })
      case "part":
        if (work?.type === "task" && work.sequence === message[1]) work.packets.push(message[2])
        return
      case "ended":
      case "failed": {
        if (work?.type !== "task" || work.sequence !== message[1]) return
        thread.work = undefined
        thread.tell({ type: "ENDED", task: work.sequence })
        // The thread first: it works while its result is decoded.
        this.#pump()
        if (message[0] === "ended") {
          this.#fork(this.#decode(thread, work, [...work.packets, message[3]], message[2]))
          return
        }
        const [, , cpuMs, _tag, text, stack] = message
        const { agent } = work.run.task(work.index)
        const result = causeOf({ _tag, message: text, stack }, agent.name, work.run.batch.cycle)
        return this.#settle(work.run, work.index, { result, cpuMs }, thread.number)
      }
    }
  }

  #decode(
    thread: PoolThread,
    { index, run }: TaskWork,
    packets: ReadonlyArray<Packet>,
    cpuMs: number
  ): Effect.Effect<void> {
    return inSlices(unpackEffect(packets, run.batch.program.kinds)).pipe(
      Effect.catchDefect((defect) => {
        const { message, stack } = describePanic(defect, Limits.errorTextLength)
        const agent = run.task(index).agent.name
        const why = `the worker's effect cannot be read, is its module the one that the job runs? ${message}`
        return Effect.succeed(causeOf({ _tag: "InvalidEffect", message: why, stack }, agent, run.batch.cycle))
      }),
      Effect.flatMap((result) => Effect.sync(() => this.#settle(run, index, { result, cpuMs }, thread.number)))
    )
  }

  // ---------------------------------------------------------------- ends

  #settle(run: BatchRun, index: number, outcome: CpuOutcome, worker: number): void {
    if (run.isOver) return
    run.settle(index, outcome)
    run.report({ _tag: "Ended", task: index, worker })
    if (this.#isOverBudget(run)) return this.#exhaust(run, run.task(index).agent.name)
    const { outcomes } = run
    if (outcomes === undefined) return
    const resume = this.#runs.get(run)
    this.#giveUp(run)
    resume?.(Effect.succeed(outcomes))
  }

  /** Fails every task of a batch that no worker has begun. */
  #failWaiting(run: BatchRun, cause: CauseFor): void {
    run.failure ??= cause
    for (const index of this.#scheduler.remove(run)) this.#fail(run, index, cause, 0, 0)
  }

  #fail(run: BatchRun, index: number, cause: CauseFor, cpuMs: number, worker: number): void {
    const result = cause(run.task(index).agent.name, run.batch.cycle)
    this.#settle(run, index, { result, cpuMs }, worker)
  }

  /** Forgets a batch. Its tasks that still run are ended. Returns the threads that run them. */
  #giveUp(run: BatchRun): ReadonlyArray<PoolThread> {
    run.isOver = true
    this.#runs.delete(run)
    this.#scheduler.remove(run)
    const threads = this.#crew.busyWith((work) => work.run === run)
    for (const thread of threads) if (thread.state === "busy") thread.end("stopped")
    return threads
  }

  #stop(run: BatchRun): Effect.Effect<void> {
    return Effect.suspend(() => awaitEnds(this.#giveUp(run)))
  }

  #isOverBudget(run: BatchRun): boolean {
    return run.batch.cpuBudgetMs !== Infinity && this.#usedMs(run) > run.batch.cpuBudgetMs
  }

  #usedMs(run: BatchRun): number {
    let usedMs = run.usedMs
    for (const { work } of this.#crew.threads.values())
      if (work?.type === "task" && work.run === run) usedMs += work.elapsedMs
    return usedMs
  }

  #exhaust(run: BatchRun, agent: string): void {
    const error = new CpuTimeExhausted({ usedMs: this.#usedMs(run), agent })
    const resume = this.#runs.get(run)
    if (resume === undefined) return
    this.#fork(
      Effect.andThen(
        this.#stop(run),
        Effect.sync(() => resume(Effect.fail(error)))
      )
    )
  }

  #onLost(thread: PoolThread, end: ThreadEnd): void {
    const { work } = thread
    thread.work = undefined
    if (this.#isClosed) return
    if (work?.type === "load") work.run.preparing--
    if (work !== undefined && !work.run.isOver) this.#bury(work, thread, end)
    if (end.error !== undefined && thread.reason === undefined && !end.isOutOfMemory) {
      // An agent's throws are caught where it is called, so this is what one left behind, or the thread's own failure.
      this.#fork(Effect.logWarning(`worker ${thread.number} ended and is replaced: ${end.error}`))
    }
    if (this.#crew.isHopeless) {
      // Nothing that waits will ever run.
      for (const run of [...this.#runs.keys()]) this.#failWaiting(run, crashOf(end))
    }
    this.#pump()
  }

  /** What becomes of what a lost thread was doing. */
  #bury(work: Work, thread: PoolThread, end: ThreadEnd): void {
    if (work.type === "load") {
      const cause = judgeLoad(work.run, thread, end)
      if (cause !== undefined) this.#failWaiting(work.run, cause)
      return
    }
    const cause = judgeTask(work, thread, end)
    if (cause === undefined) this.#scheduler.putBack(work.run, work.index)
    else this.#fail(work.run, work.index, cause, work.elapsedMs, thread.number)
  }

  // ---------------------------------------------------------------- the watchdog

  /** The pace at which the threads have to be looked at, or undefined if all are idle. */
  #pace(): number | undefined {
    let pace: number | undefined
    for (const { state, work } of this.#crew.threads.values()) {
      if (state === "retiring") return Limits.watchdogIntervalMs
      if (work?.type === "task" && (work.timeoutMs !== undefined || work.run.batch.cpuBudgetMs !== Infinity)) {
        return Limits.watchdogIntervalMs
      }
      if (state !== "ready") pace = slowIntervalMs
    }
    return pace
  }

  #tick(creditMs: number, nowMs: number): Effect.Effect<void> {
    const overdue: Array<{
      readonly thread: PoolThread
      readonly sequence: number
      readonly why: "timeout" | "unclaimed"
    }> = []
    for (const thread of [...this.#crew.threads.values()]) {
      const { state, work } = thread
      if (state === "busy" && work?.type === "task") {
        const why = credit(work, thread.hasClaimed(work.sequence), creditMs, nowMs)
        if (why !== undefined) overdue.push({ thread, sequence: work.sequence, why })
        if (this.#isOverBudget(work.run)) this.#exhaust(work.run, work.run.task(work.index).agent.name)
      } else if (state !== "ready") {
        thread.waitedMs += creditMs
        if (state === "retiring") {
          if (thread.waitedMs > Limits.workerEndTimeoutMs) thread.abandon()
        } else if (thread.waitedMs > Limits.workerStartTimeoutMs) thread.end("slow-start")
      }
    }
    if (overdue.length === 0) return Effect.void
    // A result may be waiting to be heard: it is given a turn before the thread is ended.
    return Effect.andThen(
      nextTurn,
      Effect.sync(() => {
        for (const { sequence, thread, why } of overdue) {
          const isRunning = thread.work?.type === "task" && thread.work.sequence === sequence
          if (isRunning && thread.state === "busy" && !thread.hasEnded(sequence)) thread.end(why)
        }
      })
    )
  }
}

/** A pool of threads that lives in the scope. `options.size` is at least 1. */
export const makePool = (
  options: Resolved
): Effect.Effect<WorkerPool["Service"], never, Scope.Scope | WorkerPlatform> =>
  Effect.gen(function* () {
    const fork = yield* FiberSet.makeRuntime<WorkerPlatform, void, never>()
    const pool = new Pool(options, fork, yield* Clock.Clock)
    yield* Effect.addFinalizer(() => pool.close)
    return WorkerPool.of({ size: options.size, execute: pool.execute, release: pool.release })
  })
