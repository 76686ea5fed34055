/**
 * The budget of a job, and the part of it that its child jobs hold (B2, B3, B6, CH10).
 *
 * Boundary: pure; amounts in, amounts and causes out.
 */
import type { BudgetSpec } from "../spec.ts"
import type { Cause } from "./state.ts"

const fields = {
  cycles: "maxCycles",
  facts: "maxFacts",
  agents: "maxAgents",
  tokens: "maxTokens",
  cost: "maxCost",
  duration: "maxDuration",
  cpuTime: "maxCpuTime",
  contextBytes: "maxContextBytes"
} as const

export type Budget = keyof typeof fields
type Shared = Exclude<Budget, "contextBytes">

const budgets = Object.keys(fields) as ReadonlyArray<Budget>
/** Amounts add up over a job and those below it. Of cycles and duration each child gets all that is left. */
const amounts: ReadonlyArray<Shared> = ["facts", "agents", "cpuTime", "tokens", "cost"]
const shared: ReadonlyArray<Shared> = [...amounts, "cycles", "duration"]

/** An amount of some budgets. */
export type Share = { readonly [Name in Shared]?: number }

/** The limits that protect a job for which nobody has set one. They are not shared. */
const defaults: Partial<Record<Budget, number>> = { cycles: 1_000, facts: 1_000_000 }

/** The share of a child that has not answered. `position`: how far the job was, in cycles, when it asked for the child. */
interface Given {
  readonly share: Share
  readonly position: number
}

export interface Funds {
  readonly limits: Readonly<Record<Budget, number>>
  /** The share that the job got of its parent's budget. */
  readonly handed: Share
  /** The spending of children that have answered; of cycles, by how many they moved the job on. */
  readonly spent: Share
  readonly given: ReadonlyMap<string, Given>
}

/** The budget of a job: of the start or the intent, of the program, or the default; and never above the share. */
export const fundsOf = (program: BudgetSpec, own: BudgetSpec, handed: Share): Funds => {
  const limitOf = (name: Budget): number => {
    const set = own[fields[name]] ?? program[fields[name]]
    const share = name === "contextBytes" ? undefined : handed[name]
    return share === undefined ? (set ?? defaults[name] ?? Infinity) : Math.min(set ?? Infinity, share)
  }
  const limits = Object.fromEntries(budgets.map((name) => [name, limitOf(name)])) as Funds["limits"]
  return { limits, handed, spent: {}, given: new Map() }
}

/** The part of a limit that children hold: what those with an answer spent, and what is set aside for the others. */
export const heldOf = ({ given, spent }: Funds, name: Budget): number => {
  if (name === "contextBytes") return 0
  const aside = amounts.includes(name) ? [...given.values()].map(({ share }) => share[name] ?? 0) : []
  return aside.reduce((sum, amount) => sum + amount, spent[name] ?? 0)
}

/** The limit for the job's own agents. */
export const limitOf = (funds: Funds, name: Budget): number => funds.limits[name] - heldOf(funds, name)

/** The cause that ends a job at a limit. `own` is what the job itself has spent. */
export const exhausted = (funds: Funds, cycle: number, budget: Budget, own: number, spender?: string): Cause => {
  const held = heldOf(funds, budget)
  const limit = funds.limits[budget]
  const isHandedDown = budget !== "contextBytes" && funds.handed[budget] === limit
  return {
    ...{ _tag: "BudgetExhausted", cycle, budget, used: own + held, limit },
    ...(spender === undefined ? {} : { spender }),
    ...(held > 0 ? { children: held } : {}),
    ...(isHandedDown ? { isHandedDown } : {})
  }
}

/** A child that an intent asks for. */
export interface Asked {
  readonly key: string
  readonly budget: BudgetSpec
}

/** A part of a cost may be a fraction, of which sums are exact. */
const floor = (name: Shared, amount: number): number =>
  name === "cost" ? Math.floor(amount * 2 ** 20) / 2 ** 20 : Math.floor(amount)

/** Sets shares aside for the children that a cycle asks for: first what their intents name, then equal parts of the rest. */
export const setAside = (funds: Funds, asked: ReadonlyArray<Asked>, own: Required<Share>): Funds => {
  const shares: Array<{ [Name in Shared]?: number }> = asked.map(() => ({}))
  for (const name of shared) {
    const limit = funds.limits[name]
    const isShared = funds.handed[name] !== undefined || (limit !== Infinity && limit !== defaults[name])
    if (!isShared) continue
    const left = limit - heldOf(funds, name) - own[name]
    if (!amounts.includes(name)) {
      // The cycle that takes in the answer is the parent's own.
      for (const share of shares) share[name] = Math.max(left - (name === "cycles" ? 1 : 0), 0)
      continue
    }
    let rest = Math.max(floor(name, left), 0)
    asked.forEach(({ budget }, place) => {
      const named = budget[fields[name]]
      if (named === undefined) return
      shares[place]![name] = Math.min(named, rest)
      rest -= Math.min(named, rest)
    })
    const others = asked.filter(({ budget }) => budget[fields[name]] === undefined).length
    const part = floor(name, rest / (others + 1))
    for (const share of shares) share[name] ??= part
  }
  const isAny = shares.some((share) => Object.keys(share).length > 0)
  if (!isAny) return funds
  const position = own.cycles + (funds.spent.cycles ?? 0)
  const more = asked.map(({ key }, place) => [key, { share: shares[place]!, position }] as const)
  return { ...funds, given: new Map([...funds.given, ...more]) }
}

/** Takes in the answers of children: their shares come back but for what they spent. `cycle` is the job's last cycle. */
export const settle = (funds: Funds, ended: ReadonlyMap<string, Share>, cycle: number): Funds => {
  const spent: { [Name in Shared]?: number } = { ...funds.spent }
  const reached = cycle + (spent.cycles ?? 0)
  let latest = reached
  for (const [key, more] of ended) {
    const given = funds.given.get(key)
    if (given === undefined) continue
    for (const name of amounts) {
      if (given.share[name] !== undefined) spent[name] = (spent[name] ?? 0) + (more[name] ?? 0)
    }
    if (given.share.cycles !== undefined) latest = Math.max(latest, given.position + (more.cycles ?? 0))
  }
  if (latest > reached) spent.cycles = (spent.cycles ?? 0) + latest - reached
  return { ...funds, spent, given: new Map([...funds.given].filter(([key]) => !ended.has(key))) }
}

/** The spending of a job and of all below it. What was set aside for children without an answer counts as spent. */
export const spendingOf = (funds: Funds, own: Required<Share>): Share =>
  Object.fromEntries(shared.map((name) => [name, own[name] + heldOf(funds, name)]))
