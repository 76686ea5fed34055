/**
 * Sums of tokens and cost, in all and by agent. Boundary: a value; its owner decides what counts.
 */
import type { AgentUsage } from "../program/Budget.ts"

/** The tokens and the cost that an agent has spent. */
export type AgentSum = readonly [agent: string, tokens: number, cost: number]

interface Sum {
  tokens: number
  cost: number
}

/** Sums of tokens and cost, by agent. */
export class Spent {
  tokens = 0
  cost = 0
  /** Made for the first amount: most jobs spend nothing. */
  #byAgent: Map<string, Sum> | undefined

  add(agent: string, tokens: number, cost: number): void {
    this.tokens += tokens
    this.cost += cost
    this.#byAgent ??= new Map()
    const sum = this.#byAgent.get(agent)
    if (sum === undefined) this.#byAgent.set(agent, { tokens, cost })
    else {
      sum.tokens += tokens
      sum.cost += cost
    }
  }

  /** Replaces all sums. */
  restore(sums: Iterable<AgentSum>): void {
    this.tokens = 0
    this.cost = 0
    this.#byAgent = undefined
    for (const [agent, tokens, cost] of sums) this.add(agent, tokens, cost)
  }

  /** The sum of each agent, in the order of their names. */
  get sums(): ReadonlyArray<AgentSum> {
    if (this.#byAgent === undefined) return noSums
    return [...this.#byAgent]
      .map(([agent, { cost, tokens }]): AgentSum => [agent, tokens, cost])
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

const noSums: ReadonlyArray<AgentSum> = Object.freeze([])
const nobody: Readonly<Record<string, AgentUsage>> = Object.freeze({})

/** The usage of each agent: what it paid, and what its committed effects reported. */
export const usageByAgent = (paid: Spent, reported: Spent): Readonly<Record<string, AgentUsage>> => {
  const sums = [...paid.sums, ...reported.sums]
  if (sums.length === 0) return nobody
  const all = new Spent()
  all.restore(sums)
  return Object.freeze(
    Object.fromEntries(all.sums.map(([agent, tokens, cost]) => [agent, Object.freeze({ tokens, cost })]))
  )
}

/** The sums that agents paid, of a usage that also counts what their effects reported. */
export const paidOf = (byAgent: Readonly<Record<string, AgentUsage>>, reported: Spent): ReadonlyArray<AgentSum> => {
  const told = new Map(reported.sums.map(([agent, tokens]) => [agent, tokens]))
  return Object.entries(byAgent).flatMap(([agent, { cost, tokens }]): ReadonlyArray<AgentSum> => {
    const paid = tokens - (told.get(agent) ?? 0)
    return paid > 0 || cost > 0 ? [[agent, paid, cost]] : []
  })
}
