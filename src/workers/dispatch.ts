/**
 * Brings tasks to a thread. The thread loads the program, gets an update of its replica, and gets its share of a round.
 *
 * A small update goes with the share. A large one goes ahead of it, in slices, while the thread counts as loading, so that
 * neither loading nor copying is ever charged to an agent's `timeout`.
 *
 * Invariant: a replica is at a known version, or it is dropped, as after an update that was given up halfway. Boundary: one
 * thread and one batch at a time; the pool chooses them.
 */
import * as Effect from "effect/Effect"
import { breathe } from "../platform/slices.ts"
import { Limits } from "../Limits.ts"
import type { BatchRun, Work } from "./batchRun.ts"
import { type ReplicaUpdate, origin } from "./replicaUpdate.ts"
import type { Packet, ShareMessage } from "./protocol.ts"
import { Inbox } from "./results.ts"
import type { Round } from "./round.ts"
import type { Thread } from "./thread.ts"
import { Vigil } from "./stayAwake.ts"

export interface DispatchPort {
  readonly fork: (effect: Effect.Effect<void>) => unknown
  readonly nowMs: () => number
  readonly onPrepared: (thread: Thread<Work>, run: BatchRun) => void
  /** Whether exactly one batch is under way. */
  readonly isAlone: () => boolean
}

export class Dispatch {
  readonly #port: DispatchPort
  /** The vigil for the answer to a brief share. */
  readonly vigil = new Vigil()
  #sequence = 0

  constructor(port: DispatchPort) {
    this.#port = port
  }

  /** 3: it has the job's context; 2: it can run a task at once; 1: it has loaded the program; 0: it has not. */
  fitness(thread: Thread<Work>, run: BatchRun): 0 | 1 | 2 | 3 {
    if (!thread.programs.has(run.key)) return 0
    if (this.#updateFor(thread, run)?.packet(1) !== undefined) return 1
    return thread.replicas.get(run.batch.jobId)?.ledger === run.batch.ledger ? 3 : 2
  }

  /** The update that the thread's replica of the job needs. Undefined if it is up to date. */
  #updateFor(thread: Thread<Work>, run: BatchRun): ReplicaUpdate | undefined {
    const record = thread.replicas.get(run.batch.jobId)
    const mark = record?.ledger === run.batch.ledger ? record.mark : origin
    const isCurrent = mark.version === run.mark.version && mark.evaluations === run.mark.evaluations
    return isCurrent ? undefined : run.updateFrom(mark)
  }

  /** Gives an idle thread a share of a batch, or prepares it for one. */
  give(thread: Thread<Work>, run: BatchRun): void {
    const { jobId, ledger } = run.batch
    thread.idleSince = undefined
    thread.keepProcess(true)
    if (!thread.programs.has(run.key)) {
      if (thread.programs.size >= Limits.programsPerWorker) return thread.end("worn-out")
      this.#prepare(thread, run)
      return thread.send(["load", run.program])
    }
    const record = thread.replicas.get(jobId)
    if (record !== undefined && record.ledger !== ledger) {
      thread.replicas.delete(jobId)
      thread.send(["release", jobId])
    }
    const update = this.#updateFor(thread, run)
    if (update?.packet(1) !== undefined) {
      this.#prepare(thread, run)
      this.#port.fork(this.#sync(thread, run, update))
      return
    }
    const round = run.open()
    if (round === undefined) return
    const packet = update?.packet(0)
    const before = thread.replicas.get(jobId)
    const length = (before?.length ?? 0) + lengthOf(packet)
    const isInformed = before?.isInformed === true
    if (!isInformed || packet !== undefined) {
      thread.replicas.set(jobId, { ledger, mark: run.mark, length, isInformed: true })
    }
    this.#start(thread, run, round, packet, isInformed ? undefined : ledger.job?.text)
  }

  #prepare(thread: Thread<Work>, run: BatchRun): void {
    thread.waitedMs = 0
    thread.work = { type: "load", run }
    run.preparing++
    thread.tell({ type: "LOAD" })
  }

  /** Sends a large update, in slices. An update that is given up halfway leaves no replica. */
  #sync(thread: Thread<Work>, run: BatchRun, update: ReplicaUpdate): Effect.Effect<void> {
    const { jobId, ledger } = run.batch
    let length = thread.replicas.get(jobId)?.length ?? 0
    const step = (index: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (thread.isOver) return Effect.void
        if (run.isOver) {
          thread.replicas.delete(jobId)
          thread.send(["release", jobId])
          this.#port.onPrepared(thread, run)
          return Effect.void
        }
        const packet = update.packet(index)!
        const isLast = update.packet(index + 1) === undefined
        length += lengthOf(packet)
        const isInformed = thread.replicas.get(jobId)?.isInformed === true
        if (isLast) thread.replicas.set(jobId, { ledger, mark: update.to, length, isInformed })
        thread.send(["sync", jobId, run.key, packet, isLast])
        return isLast ? Effect.void : Effect.andThen(breathe, step(index + 1))
      })
    return step(0)
  }

  prepared(thread: Thread<Work>, run: BatchRun): void {
    thread.work = undefined
    run.preparing--
    thread.tell({ type: "LOADED" })
  }

  #start(
    thread: Thread<Work>,
    run: BatchRun,
    round: Round,
    packet: Packet | undefined,
    input: string | undefined
  ): void {
    const { batch } = run
    const sequence = this.#nextSequence()
    round.join(sequence)
    run.working++
    thread.work = {
      type: "share",
      run,
      round,
      sequence,
      inbox: new Inbox(batch.program.kinds),
      spentMs: 0,
      isUnreadable: false,
      startedAt: this.#port.nowMs(),
      ordinal: 0,
      elapsedMs: 0,
      unclaimedMs: 0
    }
    thread.tell({ type: "RUN", task: sequence })
    const share: ShareMessage = {
      sequence,
      jobId: batch.jobId,
      program: run.key,
      cycle: batch.cycle,
      tasks: round.text,
      claims: round.claims,
      wantsProgress: batch.onProgress !== undefined,
      input
    }
    thread.send(["run", share, packet])
    if (run.isBrief && this.#port.isAlone()) this.vigil.keep()
  }

  /** The next number of a share: an Int32 and never 0, which a new worker's shared memory holds. */
  #nextSequence(): number {
    return (this.#sequence = this.#sequence >= 0x7fffffff ? 1 : this.#sequence + 1)
  }
}

const lengthOf = (packet: Packet | undefined): number =>
  packet === undefined ? 0 : packet.head.length + packet.texts.length
