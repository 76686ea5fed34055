/**
 * The main of a bare worker thread. A number is one trivial task; an array is a batch of them in one message; an object
 * is a number of spins, one after the other, in one message.
 */
import { parentPort } from "node:worker_threads"
import { spin, step } from "../work.ts"

export interface Spins {
  /** Steps of each spin, and the values they start from. */
  readonly steps: number
  readonly values: ReadonlyArray<number>
}

export type RawTask = number | ReadonlyArray<number> | Spins

const isBatch = (task: RawTask): task is ReadonlyArray<number> => Array.isArray(task)

parentPort!.on("message", (task: RawTask) => {
  if (typeof task === "number") parentPort!.postMessage(step(task))
  else if (isBatch(task)) parentPort!.postMessage(task.map(step))
  else parentPort!.postMessage(task.values.map((value) => spin(task.steps, value)))
})
