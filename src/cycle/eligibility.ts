/**
 * Eligibility: which agents run next, and for which facts (G5).
 *
 * Semi-naive: an agent is triggered by facts committed since it last executed (E1), so the cost of a cycle follows the number
 * of new facts, not of all facts (Bancilhon 1986; the tiers are strata in the sense of stratified Datalog). Each agent has a
 * mark, the commit position up to which it has consumed. Marks advance when a cycle commits, never when agents are selected:
 * a cycle that is discarded consumes nothing (E4).
 *
 * Boundary: the pure core. It calls the agents' `accepts`, which must be pure; a throw there is reported as that agent's
 * panic (F3).
 */
import type { CompiledProgram, ErasedAgent } from "../program/erased.ts"
import type { Fact, Kind } from "../program/Fact.ts"
import type { View } from "../program/View.ts"
import type { FactEntry } from "../context/factTable.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { FoldMemory } from "./folding.ts"
import { batchesOf, newSides } from "./joining.ts"
import { plainly } from "../values/plainResult.ts"
import { lightStepSize } from "../values/steps.ts"

/** The progress of an agent through the context. */
export interface AgentProgress {
  /** The commit position up to which the agent has consumed its delta. */
  mark: number
  /** Whether it has executed at all, because an agent without triggers executes once (E2). */
  executed: boolean
  /** The number of prunings that the agent has taken note of, and what it keeps in memory: for folds. */
  pruned: number
  memory: FoldMemory | undefined
}

/** The progress of an agent that has not begun. */
export const noProgress = (): AgentProgress => ({ mark: 0, executed: false, pruned: 0, memory: undefined })

/** One agent's part of a cycle. */
export interface SelectedAgent {
  readonly index: number
  readonly agent: ErasedAgent
  /** The agent's mark before this cycle. */
  readonly since: number
  /** The facts of an agent with `each`, one task each, in commit order; undefined for an agent without. */
  readonly each: ReadonlyArray<Fact> | undefined
  /** The new facts of a join, in commit order: a task for each batch of them. Undefined for other agents. */
  readonly news: ReadonlyArray<FactEntry> | undefined
  /** The agent's progress, in which a fold keeps its states. */
  readonly progress: AgentProgress
  /** The value that `accepts` threw, or undefined. After a throw the agent fails without having run. */
  readonly panic: unknown
  readonly view: View<Kind.Any>
}

/** The agents that run in a cycle: of one tier, in the order of the program's `agents`. */
export interface Selection {
  readonly tier: number
  readonly agents: ReadonlyArray<SelectedAgent>
  readonly tasks: number
  /** The number of facts that retention had pruned when the agents were selected. */
  readonly pruned: number
}

/**
 * The agents that may be eligible: all eligible ones, and few others.
 *
 * Facts trigger the agents that read their kind, and nothing else makes more agents eligible. So a cycle asks only the agents
 * that read a kind of the newest facts, and the agents that were left waiting. A program may have many more.
 */
export class Candidates {
  readonly #triggeredBy: CompiledProgram["triggeredBy"]
  readonly #isCandidate: Array<boolean>
  /** Ascending: the order of the program's agents. */
  #indexes: Array<number>

  constructor({ agents, triggeredBy }: CompiledProgram) {
    this.#triggeredBy = triggeredBy
    this.#isCandidate = agents.map(() => true)
    this.#indexes = agents.map((_, index) => index)
  }

  /** Adds the agents that facts written since the last call may have triggered. Returns the indexes of all candidates. */
  update(ledger: Ledger): ReadonlyArray<number> {
    let isSorted = true
    for (const kind of ledger.takeTouched()) {
      for (const index of this.#triggeredBy.get(kind) ?? []) {
        if (this.#isCandidate[index]) continue
        this.#isCandidate[index] = true
        this.#indexes.push(index)
        isSorted = false
      }
    }
    if (!isSorted) this.#indexes.sort((a, b) => a - b)
    return this.#indexes
  }

  /** Leaves out agents that were not triggered, until facts of their kinds are written again. */
  drop(indexes: ReadonlyArray<number>): void {
    if (indexes.length === 0) return
    for (const index of indexes) this.#isCandidate[index] = false
    this.#indexes = this.#indexes.filter((index) => this.#isCandidate[index])
  }
}

/** Tells whether facts have triggered an agent. Most agents of a cycle wait for the same kind, so the last answer is kept. */
class Triggers {
  readonly #ledger: Ledger
  #kind: string | undefined
  /** The position of the newest fact of `#kind`. */
  #newest = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  has({ accepts, fold, triggers }: ErasedAgent, { executed, mark, pruned }: AgentProgress): boolean {
    if (triggers.length === 0) return accepts !== undefined || !executed
    for (const { name } of triggers) if (this.#newestOf(name) > mark) return true
    // A fact that is gone changes the total of its group.
    return fold !== undefined && mark > 0 && this.#ledger.lastPruned(fold.over.name) > pruned
  }

  #newestOf(kind: string): number {
    if (kind !== this.#kind) {
      this.#kind = kind
      this.#newest = this.#ledger.newest(kind)
    }
    return this.#newest
  }
}

/** The answer of `accepts`. A promise, or any other value that is no boolean, is a bug of the agent. */
const isAccepted = (answer: unknown): boolean => {
  if (typeof answer === "boolean") return answer
  plainly("accepts", answer)
  throw new TypeError(`accepts answered ${typeof answer}, not true or false`)
}

function* newFacts(kind: string, since: number, ledger: Ledger): Generator<void, ReadonlyArray<Fact>> {
  const facts: Array<Fact> = []
  for (const { fact } of ledger.liveAfter(kind, since)) {
    facts.push(fact)
    if (facts.length % lightStepSize === 0) yield
  }
  return facts
}

/** An agent that is selected, while its facts are gathered. */
interface Chosen extends SelectedAgent {
  each: ReadonlyArray<Fact> | undefined
  news: ReadonlyArray<FactEntry> | undefined
}

type ViewFor = (agent: ErasedAgent, since: number) => View<Kind.Any>

/** The agents of a tier that are triggered and accept. Adds the agents that are not triggered to `idle`. */
const choose = (
  { agents, tierOf }: CompiledProgram,
  tier: number,
  indexes: ReadonlyArray<number>,
  progress: ReadonlyArray<AgentProgress>,
  triggers: Triggers,
  viewFor: ViewFor,
  idle: Array<number>
): ReadonlyArray<Chosen> => {
  const chosen: Array<Chosen> = []
  for (const index of indexes) {
    if (tierOf[index] !== tier) continue
    const agent = agents[index]!
    const own = progress[index]!
    if (!triggers.has(agent, own)) {
      idle.push(index)
      continue
    }
    const view = viewFor(agent, own.mark)
    let panic: unknown
    if (agent.accepts !== undefined) {
      try {
        if (!isAccepted(agent.accepts(view))) continue
      } catch (error) {
        panic = error ?? new Error("accepts threw undefined")
      }
    }
    chosen.push({
      index,
      agent,
      since: own.mark,
      each: undefined,
      news: undefined,
      progress: own,
      panic,
      view: Object.freeze(view)
    })
  }
  return chosen
}

/**
 * Selects the agents of the lowest tier that has an eligible one (T1), or none. It works in steps, since an agent with `each`
 * may have very many new facts.
 *
 * `accepts` is called at most once per agent (E3), and only in tiers that are reached.
 */
export function* select(
  program: CompiledProgram,
  progress: ReadonlyArray<AgentProgress>,
  ledger: Ledger,
  viewFor: ViewFor,
  candidates: Candidates
): Generator<void, Selection> {
  const indexes = candidates.update(ledger)
  const triggers = new Triggers(ledger)
  const idle: Array<number> = []
  let selection = nothingEligible
  for (let tier = 0; tier < program.tierCount && selection === nothingEligible; tier++) {
    const agents = choose(program, tier, indexes, progress, triggers, viewFor, idle)
    if (agents.length === 0) continue
    let tasks = 0
    for (const chosen of agents) {
      const { agent, panic, since } = chosen
      if (agent.each !== undefined && panic === undefined) chosen.each = yield* newFacts(agent.each.name, since, ledger)
      if (agent.join !== undefined && panic === undefined) chosen.news = yield* newSides(agent.join, since, ledger)
      tasks += chosen.news === undefined ? (chosen.each?.length ?? 1) : batchesOf(chosen.news.length)
    }
    selection = { tier, agents, tasks, pruned: ledger.prunedCount }
  }
  candidates.drop(idle)
  return selection
}

/** A selection of no agents: the fixed point. */
export const nothingEligible: Selection = Object.freeze({ tier: -1, agents: Object.freeze([]), tasks: 0, pruned: 0 })

/** Consumes the deltas of the agents that executed in a committed cycle, up to the version at which the cycle began (E4). */
export const advance = (progress: ReadonlyArray<AgentProgress>, selection: Selection, begin: number): void => {
  for (const { index } of selection.agents) {
    const own = progress[index]!
    own.mark = begin
    own.executed = true
    own.pruned = selection.pruned
  }
}
