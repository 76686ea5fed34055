/**
 * Eligibility: which agents run next, and for which facts (G5).
 *
 * Semi-naive: an agent is triggered by facts committed since it last executed, so a cycle costs what is new, not what is
 * there (Bancilhon 1986; the tiers are strata in the sense of stratified Datalog). Each agent has a mark, the commit
 * position up to which it has consumed. Marks advance when a cycle commits, never when agents are selected: a cycle that
 * is discarded consumes nothing.
 *
 * Boundary: the pure core. It calls the agents' `accepts`, which must be pure; a throw there is reported as that agent's
 * panic.
 */
import type { ErasedAgent } from "./Agent.ts"
import type { Fact, Kind } from "./Fact.ts"
import type { Ledger } from "./JobContext.ts"
import type { CompiledProgram } from "./Program.ts"
import type { View } from "./View.ts"

/** How far an agent has come. */
export interface AgentProgress {
  /** The commit position up to which the agent has consumed its delta. */
  mark: number
  executed: boolean
}

/** One agent's part of a cycle. */
export interface SelectedAgent {
  readonly index: number
  readonly agent: ErasedAgent
  /** The agent's mark before this cycle. */
  readonly since: number
  /** The facts of an agent with `each`, one task each, in commit order; undefined for an agent without. */
  readonly each: ReadonlyArray<Fact> | undefined
  /** What `accepts` threw: the agent then fails without having run. */
  readonly panic: unknown
  readonly view: View<Kind.Any>
}

/** What runs in a cycle: agents of one tier, in the order of the program's array. */
export interface Selection {
  readonly tier: number
  readonly agents: ReadonlyArray<SelectedAgent>
  readonly tasks: number
}

const isTriggered = (agent: ErasedAgent, progress: AgentProgress, ledger: Ledger): boolean => {
  if (agent.triggers.length === 0) return agent.accepts !== undefined || !progress.executed
  return agent.triggers.some((kind) => ledger.hasDelta(kind.name, progress.mark))
}

/** A promise, or anything else that is neither true nor false, is a bug of the agent and no answer. */
const isAccepted = (answer: unknown): boolean => {
  if (typeof answer === "boolean") return answer
  throw new TypeError(`accepts answered ${typeof answer}, not true or false`)
}

/**
 * Selects the agents of the lowest tier that has an eligible one, or none.
 *
 * `accepts` is asked at most once per agent, and only in tiers that are reached.
 */
export const select = (
  program: CompiledProgram,
  progress: ReadonlyArray<AgentProgress>,
  ledger: Ledger,
  viewFor: (agent: ErasedAgent, since: number) => View<Kind.Any>
): Selection => {
  for (let tier = 0; tier < program.tierCount; tier++) {
    const agents: Array<SelectedAgent> = []
    let tasks = 0
    for (let index = 0; index < program.agents.length; index++) {
      const agent = program.agents[index]!
      const own = progress[index]!
      if (program.tierOf[index] !== tier || !isTriggered(agent, own, ledger)) continue
      const view = viewFor(agent, own.mark)
      let panic: unknown
      let accepted = true
      if (agent.accepts !== undefined) {
        try {
          accepted = isAccepted(agent.accepts(view))
        } catch (error) {
          panic = error ?? new Error("accepts threw undefined")
        }
      }
      if (!accepted) continue
      const each =
        agent.each === undefined || panic !== undefined
          ? undefined
          : ledger.delta(agent.each.name, own.mark).map((entry) => entry.fact)
      agents.push({ index, agent, since: own.mark, each, panic, view })
      tasks += each?.length ?? 1
    }
    if (agents.length > 0) return { tier, agents, tasks }
  }
  return { tier: -1, agents: [], tasks: 0 }
}

/** Consumes the deltas of the agents that executed in a committed cycle, up to the version that the cycle began with. */
export const advance = (progress: ReadonlyArray<AgentProgress>, selection: Selection, begin: number): void => {
  for (const { index } of selection.agents) {
    progress[index]!.mark = begin
    progress[index]!.executed = true
  }
}
