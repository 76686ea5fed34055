/**
 * What a batch's tasks are expected to take, and in which order they are best offered.
 *
 * The last task to end decides when a cycle goes on. So the long ones are offered first: a worker that takes one of
 * them last would leave the others without work meanwhile (Graham 1969: at most a third above the best order, where an
 * order by chance may take twice as long). How long a task takes is guessed by what its agent's tasks took and by the
 * length of the fact that it is about; only magnitudes count.
 *
 * Invariant: no outcome depends on it (G3). Boundary: arithmetic over what was measured.
 */
import type { CostModel } from "./costModel.ts"
import type { CpuBatch, CpuTask } from "./WorkerPool.ts"
import type { ErasedAgent } from "../program/erased.ts"

/** What one task of a batch takes, if that is known of all its agents. */
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

/** Tasks that take less are done before their order has been thought about. */
const worthOrderingMs = 0.2

/** The least that a task is taken to be: a magnitude needs a number above 0. */
const leastMs = 0.001

/** Characters of a fact below which its length says nothing. */
const tellingLength = 1_024

/** Some tasks of a batch, the long ones first; those of one magnitude stay in their order. */
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
