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
import { encodeEffect, faultOf, type OutputFault } from "../cycle/encodeEffect.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { ErasedAgent } from "../program/erased.ts"
import type { InSteps } from "../values/steps.ts"

/** The reason why a CPU agent gave no effect. */
export type CpuFault = OutputFault

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
