/**
 * The agents that execute in a cycle (E1 to E3, T1).
 *
 * Boundary: pure.
 */
import { accepts } from "../behave.ts"
import type { AgentSpec, ProgramSpec } from "../spec.ts"
import { type Context, ofKind, type Progress, type Pruned, sightOf } from "./state.ts"

/** An agent that executes. */
export interface Chosen {
  readonly agent: AgentSpec
  readonly progress: Progress
  /** Whether its `accepts` threw: it then fails without having executed. */
  readonly hasPanicked: boolean
}

export interface Choice {
  readonly tier: number
  readonly agents: ReadonlyArray<Chosen>
}

/** The kinds whose new facts make an agent eligible (E1). */
export const triggersOf = ({ and, form, from, reads }: AgentSpec): ReadonlyArray<string> =>
  form === "whole" ? reads : [from, form === "join" ? and : undefined].filter((kind) => kind !== undefined)

const isTriggered = (
  agent: AgentSpec,
  { hasExecuted, mark, pruned }: Progress,
  context: Context,
  gone: ReadonlyArray<Pruned>
) => {
  const triggers = triggersOf(agent)
  if (triggers.length === 0) return agent.accepts !== undefined || !hasExecuted
  if (triggers.some((kind) => ofKind(context, kind).some(({ position }) => position > mark))) return true
  return agent.form === "fold" && mark > 0 && gone.slice(pruned).some(({ kind }) => kind === agent.from)
}

/** The agents of the lowest tier that has an eligible one. */
export const choose = (
  { agents, tiers }: ProgramSpec,
  progressOf: (agent: AgentSpec) => Progress,
  context: Context,
  pruned: ReadonlyArray<Pruned>
): Choice | undefined => {
  for (let tier = 0; tier < tiers; tier++) {
    const chosen: Array<Chosen> = []
    for (const agent of agents) {
      const progress = progressOf(agent)
      if (agent.tier !== tier || !isTriggered(agent, progress, context, pruned)) continue
      try {
        if (accepts(agent, sightOf(context, progress.mark))) chosen.push({ agent, progress, hasPanicked: false })
      } catch {
        chosen.push({ agent, progress, hasPanicked: true })
      }
    }
    if (chosen.length > 0) return { tier, agents: chosen }
  }
  return undefined
}
