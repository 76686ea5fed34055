/**
 * Bare worker threads: the floor under every pool. Tasks go round robin, answers of one thread come in the order of its
 * tasks, so a message carries the number and nothing else.
 */
import { Worker } from "node:worker_threads"
import type { RawTask } from "../peers/rawWorker.ts"

export interface RawThreads {
  /** Sends a task to the next thread. Returns the result of the task. */
  readonly send: <Answer>(task: RawTask) => Promise<Answer>
  readonly stop: () => Promise<void>
}

export const startRaw = (size: number): RawThreads => {
  const threads = Array.from({ length: size }, () => {
    const worker = new Worker(new URL("../peers/rawWorker.ts", import.meta.url), { execArgv: [] })
    // A ring would be faster than shift for thousands in flight; there are at most 512.
    const waiting: Array<(answer: never) => void> = []
    worker.on("message", (answer: unknown) => waiting.shift()!(answer as never))
    return { worker, waiting }
  })
  let next = 0
  return {
    send: (task) =>
      new Promise((resolve) => {
        const { waiting, worker } = threads[next]!
        next = (next + 1) % size
        waiting.push(resolve)
        worker.postMessage(task)
      }),
    stop: async () => {
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    }
  }
}

/** Steps of `spin` that take a microsecond on a thread of this machine, at this moment: the median of some measurements. */
export const stepsPerMicrosecond = async (): Promise<number> => {
  const raw = startRaw(1)
  const steps = 1_000_000
  const rates: Array<number> = []
  for (let i = 0; i < 9; i++) {
    const began = performance.now()
    await raw.send({ steps, values: [i] })
    rates.push(steps / ((performance.now() - began) * 1_000))
  }
  await raw.stop()
  return rates.sort((a, b) => a - b)[4]!
}
