/**
 * One execution of a CPU agent, on the calling thread.
 *
 * The same code runs inline and in a worker, over the job's ledger or its replica, so that both give the same effect (G3).
 * The agent is called through `Reflect.apply` (Agent.ts), which keeps the optimising compiler from merging an agent's hot
 * loop into the message handler around it. Boundary: no threads, no messages; every throw becomes a fault.
 */
import type { Fact, Kind } from "../program/Fact.ts"
import type { View } from "../program/View.ts"
import { ContextView, type Gate } from "../context/contextView.ts"
import type { FactEntry } from "../context/factTable.ts"
import { encodeEffect, faultOf, type TaskFault } from "../cycle/encodeEffect.ts"
import { batchFacts, runBatch } from "../cycle/joining.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { AgentProgress } from "../cycle/eligibility.ts"
import { runFold } from "../cycle/folding.ts"
import type { ErasedAgent, ErasedFold } from "../program/erased.ts"
import type { InSteps } from "../values/steps.ts"

/** The reason why a CPU agent gave no effect. */
export type CpuFault = TaskFault

/** A view for an agent's tasks of one cycle, over the job's ledger or its replica. */
export const viewFor = (
  agent: ErasedAgent,
  since: number,
  cycle: number,
  ledger: Ledger,
  gate: Gate,
  onProgress: ((value: unknown) => void) | undefined
): View<Kind.Any> => Object.freeze(ContextView.forAgent(agent, since, cycle, ledger, gate, onProgress))

/** The result of a task. */
export type CpuResult = EncodedEffect | CpuFault

/** Calls the agent and validates its result, at once or, for a large effect, in steps. Never throws. `ledger` is the view's. */
export const runCpuTask = (
  agent: ErasedAgent,
  fact: Fact | undefined,
  view: View<Kind.Any>,
  ledger: Ledger
): InSteps<CpuResult> => {
  let output: unknown
  try {
    output = agent.executeCpu!(fact, view)
  } catch (error) {
    return faultOf(error)
  }
  return encodeEffect(agent, output, ledger)
}

/** Runs the batch of a join's task, in steps. Never throws. `news` has the new facts of both sides, of which it is a part. */
export const runJoinTask = (
  agent: ErasedAgent,
  news: ReadonlyArray<FactEntry>,
  part: number,
  view: View<Kind.Any>,
  ledger: Ledger
): InSteps<CpuResult> =>
  runBatch(agent, agent.join!, news.slice(part * batchFacts, (part + 1) * batchFacts), view, ledger)

/** Runs a fold, in steps. Never throws. Its states are of its marks or of none, also if it is broken off. */
export function* runFoldTask(fold: ErasedFold, progress: AgentProgress, ledger: Ledger): Generator<void, CpuResult> {
  const { mark, memory, pruned } = progress
  progress.memory = undefined
  const folded = yield* runFold(fold, { since: mark, pruned }, memory, ledger)
  progress.memory = folded.memory
  return folded.result
}
