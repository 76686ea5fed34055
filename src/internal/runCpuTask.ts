/**
 * One execution of a CPU agent, on whatever thread this is.
 *
 * The same code runs inline and in a worker, over the job's ledger or its replica, so that both give the same effect (G3).
 * The agent is called through `Reflect.apply` (Agent.ts), which keeps the optimising compiler from merging an agent's hot
 * loop into the message handler around it. Boundary: no threads, no messages; every throw becomes a fault.
 */
import type { ErasedAgent } from "../Agent.ts"
import type { EncodedEffect } from "../AgentEffect.ts"
import type { FactRef } from "../Fact.ts"
import type { Ledger } from "../JobContext.ts"
import { ContextView } from "./contextView.ts"
import { encodeEffect, faultOf, type OutputFault } from "./encodeEffect.ts"

/** Why a CPU agent gave no effect. */
export type CpuFault = OutputFault

/** Runs the agent and validates what it returns. Yields now and then while it validates. */
export function* runCpuTask(
  agent: ErasedAgent,
  each: FactRef | undefined,
  since: number,
  cycle: number,
  ledger: Ledger,
  onProgress: ((value: unknown) => void) | undefined
): Generator<void, EncodedEffect | CpuFault> {
  const gate = { open: true }
  const view = new ContextView({
    ledger,
    visible: agent.visibleNames,
    since,
    cycle,
    gate,
    holder: agent.label,
    onProgress
  })
  try {
    const fact = each === undefined ? undefined : ledger.find(each.kind, each.id)
    const output = agent.executeCpu!(fact, view)
    return yield* encodeEffect(agent, output)
  } catch (error) {
    return faultOf(error)
  } finally {
    gate.open = false
  }
}
