/**
 * The expected time of a batch's tasks, and the best order in which to offer them.
 *
 * A cycle waits for its last task, so long tasks are offered first. If a worker took a long task last, the others would be
 * without work (Graham 1969: at most a third above the best order, where a random order may take twice as long). The estimate
 * uses the agent's measured times and the length of the task's fact; only magnitudes count.
 *
 * Invariant: no outcome depends on it (G3). Boundary: arithmetic over measurements.
 */
import type { CostModel } from "./costModel.ts"
import type { CpuBatch, CpuTask } from "./WorkerPool.ts"
import type { ErasedAgent } from "../program/erased.ts"

/** Average milliseconds of a task of the batch. Undefined if one of its agents was never measured. */
export const expectedMs = (tasks: ReadonlyArray<CpuTask>, costs: CostModel): number | undefined => {
  let sum = 0
  let previous: ErasedAgent | undefined
  let ms: number | undefined
  for (const { agent } of tasks) {
    if (agent !== previous) ms = costs.taskMs(agent)
    if (ms === undefined) return undefined
    previous = agent
    sum += ms
  }
  return sum / tasks.length
}

/** Tuning: milliseconds below which ordering the tasks takes longer than it saves. */
const worthOrderingMs = 0.2

/** Tuning: the least milliseconds of a task in an estimate; a magnitude needs a number above 0. */
const leastMs = 0.001

/** Tuning: characters below which the length of a fact does not predict the time of its task. */
const tellingLength = 1_024

/** Sorts tasks of a batch, the long ones first. Tasks of one magnitude stay in their order. */
export const longestFirst = (
  { ledger, tasks }: CpuBatch,
  indexes: ReadonlyArray<number>,
  averageMs: number | undefined,
  costs: CostModel
): ReadonlyArray<number> => {
  if (indexes.length < 3 || (averageMs !== undefined && averageMs < worthOrderingMs)) return indexes
  const magnitudeOf = (index: number): number => {
    const { agent, each } = tasks[index]!
    const length = each === undefined ? 0 : (ledger.entry(each.kind, each.id)?.text.length ?? 0)
    return Math.round(Math.log2(Math.max(costs.taskMs(agent) ?? 1, leastMs) * Math.max(1, length / tellingLength)))
  }
  const magnitudes = new Map(indexes.map((index) => [index, magnitudeOf(index)]))
  return indexes.toSorted((a, b) => magnitudes.get(b)! - magnitudes.get(a)!)
}
