/**
 * Reads the results of workers, on arrival if this turn of the event loop has time left, and otherwise in the next turns.
 *
 * Invariants: messages are read in the order of arrival; one that cannot be read holds up no other. Boundary: the pool decides
 * what an outcome means, and what becomes of a share whose results cannot be read.
 */
import * as Effect from "effect/Effect"
import { isSliceOver, nextTurn } from "../platform/slices.ts"
import type { Share, Work } from "./batchRun.ts"
import { type CostModel } from "./costModel.ts"
import { outcomeOf } from "./inline.ts"
import type { PoolMetrics } from "./metrics.ts"
import type { FromWorker } from "./protocol.ts"
import type { Read } from "./results.ts"
import { worthRecordingMs } from "../outcome/CommittedCycle.ts"
import type { Thread } from "./thread.ts"
import type { CpuOutcome } from "./WorkerPool.ts"
import type { ErasedAgent } from "../program/erased.ts"

export type Results = Extract<FromWorker, readonly ["results", ...ReadonlyArray<unknown>]>

export interface ReaderPort {
  readonly fork: (effect: Effect.Effect<void>) => unknown
  readonly costs: CostModel
  readonly metrics: PoolMetrics
  /** Called when a task has ended on a worker. */
  readonly settle: (share: Share, task: number, outcome: CpuOutcome, worker: number) => void
  /** Called when a message of a share could not be read to its end. */
  readonly onUnreadable: (share: Share, thread: Thread<Work>, error: unknown) => void
  /** Called after the last message of a share, whether it could be read or not. */
  readonly onRead: (share: Share, thread: Thread<Work>) => void
}

export class ResultReader {
  readonly #port: ReaderPort
  readonly #unread: Array<() => void> = []

  constructor(port: ReaderPort) {
    this.#port = port
  }

  /** Takes a message of a worker about its share. */
  hear(thread: Thread<Work>, share: Share, message: Results): void {
    const read = (): void => this.#take(thread, share, message)
    if (this.#unread.length === 0 && !isSliceOver()) return read()
    if (this.#unread.push(read) === 1) this.#port.fork(this.#readLater)
  }

  /** Reads all messages that have arrived, before the pool draws conclusions from missing ones. */
  catchUp(): void {
    for (const read of this.#unread.splice(0)) read()
  }

  /**
   * Reads at least one message in each turn, even if other work has used up its slice. Otherwise CPU tasks on this thread would
   * hold back the results of all workers.
   */
  readonly #readLater: Effect.Effect<void> = Effect.flatMap(nextTurn, () => {
    let hasRead = false
    while (this.#unread.length > 0 && (!hasRead || !isSliceOver())) {
      hasRead = true
      this.#unread.shift()!()
    }
    return this.#unread.length === 0 ? Effect.void : this.#readLater
  })

  /** Reads a message. Never throws: an error here would hold up the messages of all workers. */
  #take(thread: Thread<Work>, share: Share, message: Results): void {
    const { onRead, onUnreadable } = this.#port
    try {
      this.#read(thread.number, share, message)
    } catch (error) {
      onUnreadable(share, thread, error)
    }
    const [, , , , , isLast] = message
    if (isLast) onRead(share, thread)
  }

  #read(worker: number, share: Share, [, , cpuMs, head, texts]: Results): void {
    const { round, run } = share
    if (run.isOver) return
    const { costs, metrics, settle } = this.#port
    const reads: Array<Read> = []
    let totalMs = 0
    share.inbox.read(head, texts, (read) => {
      reads.push(read)
      totalMs += read.ms
    })
    // A message has the CPU time of the thread. Each task gets a part of it in proportion to its own time.
    const ratio = totalMs > 0 ? cpuMs / totalMs : 0
    const { cycle } = run.batch
    const offsetMs = share.startedAt - run.arrivedAt
    metrics.noteClaimed(reads.length)
    // Tasks of one agent follow one another.
    let agent: ErasedAgent | undefined
    let count = 0
    let spentMs = 0
    for (const { index, ms, result } of reads) {
      const task = round.tasks[index]!
      const next = run.task(task).agent
      if (next !== agent) {
        if (agent !== undefined) costs.noteTasks(agent, count, spentMs)
        agent = next
        count = 0
        spentMs = 0
      }
      count++
      spentMs += ms
      const startMs = Math.max(0, offsetMs + share.spentMs)
      metrics.noteTask(startMs, ms)
      share.spentMs += ms
      const ended = { result: outcomeOf(result, next.name, cycle), cpuMs: ms * ratio }
      // A worker runs one task after the other, so a task starts when those before it have ended.
      const outcome = ms < worthRecordingMs ? ended : { ...ended, ran: { worker, startMs, tookMs: ms } }
      settle(share, task, outcome, worker)
    }
    if (agent !== undefined) costs.noteTasks(agent, count, spentMs)
  }
}
