/**
 * How a task reaches a thread: the thread loads the program, its replica is brought up to date, the task is sent.
 *
 * A small update goes with the task. A large one goes ahead of it, in slices, while the thread counts as loading, so that
 * neither loading nor copying is ever charged to an agent's `timeout`.
 *
 * Invariants: a replica is at a known version or is none: an update that is given up halfway is taken back. Boundary: one
 * thread and one batch at a time; who gets what is the pool's business.
 */
import * as Effect from "effect/Effect"
import { breathe } from "../internal/slices.ts"
import { Limits } from "../Limits.ts"
import type { BatchRun, Work } from "./batchRun.ts"
import { type HandOver, origin } from "./handOver.ts"
import type { Packet } from "./protocol.ts"
import type { Scheduler } from "./scheduler.ts"
import type { Thread } from "./thread.ts"

export interface DispatchPort {
  readonly fork: (effect: Effect.Effect<void>) => unknown
  readonly scheduler: Pick<Scheduler<BatchRun>, "take">
  readonly nowMs: () => number
  readonly onPrepared: (thread: Thread<Work>, run: BatchRun) => void
}

export class Dispatch {
  readonly #port: DispatchPort
  #sequence = 0

  constructor(port: DispatchPort) {
    this.#port = port
  }

  /** 2: can run a task of the batch at once; 1: knows its program; 0: a stranger. */
  fitness(thread: Thread<Work>, run: BatchRun): 0 | 1 | 2 {
    if (!thread.programs.has(run.key)) return 0
    return this.#updateFor(thread, run)?.packet(1) === undefined ? 2 : 1
  }

  /** What the thread's replica of the batch's job lacks, or undefined if it is up to date. */
  #updateFor(thread: Thread<Work>, run: BatchRun): HandOver | undefined {
    const mark = thread.replicas.get(run.batch.jobId)?.mark ?? origin
    const isCurrent = mark.version === run.mark.version && mark.evaluations === run.mark.evaluations
    return isCurrent ? undefined : run.handOver(mark)
  }

  /** Has an idle thread run a task of a batch, or prepare for it. */
  give(thread: Thread<Work>, run: BatchRun): void {
    const { jobId, ledger } = run.batch
    thread.keepProcess(true)
    if (!thread.programs.has(run.key)) {
      if (thread.programs.size >= Limits.programsPerWorker) return thread.end("worn-out")
      this.#prepare(thread, run)
      this.#port.fork(thread.send(["load", run.program]))
      return
    }
    const record = thread.replicas.get(jobId)
    if (record !== undefined && record.ledger !== ledger) {
      thread.replicas.delete(jobId)
      this.#port.fork(thread.send(["release", jobId]))
    }
    const update = this.#updateFor(thread, run)
    if (update?.packet(1) !== undefined) {
      this.#prepare(thread, run)
      this.#port.fork(this.#sync(thread, run, update))
      return
    }
    const index = this.#port.scheduler.take(run)
    if (index === undefined) return
    thread.replicas.set(jobId, { ledger, mark: run.mark })
    this.#start(thread, run, index, update?.packet(0))
  }

  #prepare(thread: Thread<Work>, run: BatchRun): void {
    thread.waitedMs = 0
    thread.work = { type: "load", run }
    run.preparing++
    thread.tell({ type: "LOAD" })
  }

  /** Sends a large update, in slices. Given up halfway, it leaves no replica. */
  #sync(thread: Thread<Work>, run: BatchRun, update: HandOver): Effect.Effect<void> {
    const { jobId, ledger } = run.batch
    const step = (index: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (thread.isOver) return Effect.void
        if (run.isOver) {
          thread.replicas.delete(jobId)
          return Effect.andThen(
            thread.send(["release", jobId]),
            Effect.sync(() => this.#port.onPrepared(thread, run))
          )
        }
        const isLast = update.packet(index + 1) === undefined
        if (isLast) thread.replicas.set(jobId, { ledger, mark: update.to })
        const sent = thread.send(["sync", jobId, run.key, update.packet(index)!, isLast])
        return isLast ? sent : sent.pipe(Effect.andThen(breathe), Effect.andThen(step(index + 1)))
      })
    return step(0)
  }

  prepared(thread: Thread<Work>, run: BatchRun): void {
    thread.work = undefined
    run.preparing--
    thread.tell({ type: "LOADED" })
  }

  #start(thread: Thread<Work>, run: BatchRun, index: number, packet: Packet | undefined): void {
    const { batch } = run
    const { agent, agentIndex, each, since } = run.task(index)
    const sequence = this.#nextSequence()
    thread.work = {
      type: "task",
      run,
      index,
      sequence,
      packets: [],
      startedAt: this.#port.nowMs(),
      timeoutMs: agent.timeoutMs,
      elapsedMs: 0,
      unclaimedMs: 0
    }
    thread.tell({ type: "RUN", task: sequence })
    const message = {
      sequence,
      jobId: batch.jobId,
      program: run.key,
      cycle: batch.cycle,
      agentIndex,
      agent: agent.name,
      eachKind: each?.kind,
      eachId: each?.id,
      since,
      wantsProgress: batch.onProgress !== undefined
    }
    this.#port.fork(thread.send(["run", message, packet]))
    run.report({ _tag: "Claimed", task: index, worker: thread.number })
  }

  /** An Int32 that is never 0, which is what a new worker's shared memory holds. */
  #nextSequence(): number {
    return (this.#sequence = this.#sequence >= 0x7fffffff ? 1 : this.#sequence + 1)
  }
}
