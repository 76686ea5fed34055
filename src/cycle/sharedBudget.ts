/**
 * The budget of a job as the job shares it with its child jobs (CH10).
 *
 * Amounts (facts, agents, CPU time, tokens, cost) add up. A part of what is left is set aside for a child when the cycle with its
 * intent commits. The unspent rest of it comes back with the child's answer. Lengths (cycles, duration) run side by side: a child
 * gets all that is left, and its answer moves its parent on to where the child ended, if the parent is not there yet.
 *
 * Invariants: 1. What a job and its ended children spent, and what is set aside for the others, never exceeds a limit of amounts.
 * 2. Everything follows from committed rows and from the ends of children, never from the order in which these end (G3).
 * Boundary: the pure core. It computes shares and limits; rows keep them (journal/extra.ts), and job/children.ts applies them.
 */
import type { Budget, BudgetName } from "../program/Budget.ts"
import {
  type Amounts,
  budgetComplaint,
  type ResolvedBudget,
  resolveBudget,
  resolvedNames,
  type SharedName
} from "../program/resolveBudget.ts"
import type { Cause } from "../outcome/Cause.ts"

const amountNames = ["facts", "agents", "cpuTime", "tokens", "cost"] as const
const lengthNames = ["cycles", "duration"] as const
const sharedNames: ReadonlyArray<SharedName> = [...amountNames, ...lengthNames]

const none: Amounts = Object.freeze({})
const defaults = resolveBudget("")

type Mutable = { [Name in SharedName]?: number }

/** The limits that hold for a job's own agents, and what its error says of them. */
export interface OwnLimits {
  /** The budget without the part that child jobs hold. A limit that the children overran is negative. */
  readonly budget: ResolvedBudget
  /** The part of each limit that child jobs have spent or may spend. */
  readonly children: Amounts
  /** The limits that the job's parent handed down. */
  readonly handed: Amounts
}

/** The limits of a job whose children hold `children` of its budget. */
export const ownLimits = (budget: ResolvedBudget, handed: Amounts = none, children: Amounts = none): OwnLimits => {
  if (children === none) return { budget, children, handed }
  const left: { -readonly [Name in keyof ResolvedBudget]: number } = { ...budget }
  for (const name of sharedNames) left[name] -= children[name] ?? 0
  return { budget: left, children, handed }
}

/** The cause that ends a job at a limit. `used` is what the job itself has spent. */
export const exhausted = (
  { budget, children, handed }: OwnLimits,
  at: { readonly cycle: number; readonly budget: BudgetName; readonly used: number; readonly spender?: string }
): Extract<Cause, { readonly _tag: "BudgetExhausted" }> => {
  const name = at.budget
  const held = name === "contextBytes" ? 0 : (children[name] ?? 0)
  const limit = budget[name] + held
  const isHandedDown = name !== "contextBytes" && handed[name] === limit
  return {
    _tag: "BudgetExhausted",
    cycle: at.cycle,
    budget: name,
    used: at.used + held,
    limit,
    ...(at.spender === undefined ? {} : { spender: at.spender }),
    ...(held > 0 ? { children: held } : {}),
    ...(isHandedDown ? { isHandedDown } : {})
  }
}

/**
 * The budgets that a job shares with its children: those that its parent handed down, and those whose limit is not the default.
 * A default protects each job by itself.
 */
export const sharedOf = (budget: ResolvedBudget, handed: Amounts): ReadonlyArray<SharedName> =>
  sharedNames.filter(
    (name) => handed[name] !== undefined || (budget[name] !== Infinity && budget[name] !== defaults[name])
  )

/** The part of a job's budget that its child jobs hold, by the keys of their intents. */
export class Allotments {
  /** The spending of ended children: of amounts the sum, of lengths the part by which they moved the job on. */
  spent: Amounts = none
  /** The amounts that are set aside for children without an answer. */
  readonly #given = new Map<string, Amounts>()

  get(key: string): Amounts | undefined {
    return this.#given.get(key)
  }

  give(key: string, amounts: Amounts): void {
    this.#given.set(key, amounts)
  }

  /** Takes in a committed settlement. */
  settle({ keys, spent }: Settlement): void {
    for (const key of keys) this.#given.delete(key)
    this.spent = spent
  }

  /** The amounts that children hold, spent or set aside. With a settlement: those at its commit. */
  held(settlement?: Settlement): Amounts {
    const held: Mutable = { ...(settlement ?? this).spent }
    for (const [key, given] of this.#given) {
      if (settlement?.keys.has(key) === true) continue
      for (const name of amountNames) {
        const amount = given[name]
        if (amount !== undefined) held[name] = (held[name] ?? 0) + amount
      }
    }
    return held
  }
}

/** The answers of children that a cycle takes in, and what all ended children have spent after it. */
export interface Settlement {
  /** The keys of the children's intents. */
  readonly keys: ReadonlySet<string>
  readonly spent: Amounts
}

/** An ended child: the key of its intent, and what it and all jobs below it have spent. */
export interface Ended {
  readonly key: string
  readonly spent: Amounts
}

/** Takes in the answers of children that had shares. `own` is what the job itself has spent before the cycle. */
export const settlementOf = (
  allotments: Allotments,
  ended: ReadonlyArray<Ended>,
  budget: ResolvedBudget,
  own: Amounts
): Settlement => {
  const spent: Mutable = { ...allotments.spent }
  for (const name of lengthNames) {
    const reached = (own[name] ?? 0) + (spent[name] ?? 0)
    let latest = reached
    for (const { key, spent: more } of ended) {
      const given = allotments.get(key)?.[name]
      // The child began where the limit was this far away.
      if (given !== undefined) latest = Math.max(latest, budget[name] - given - ahead[name] + (more[name] ?? 0))
    }
    if (latest > reached) spent[name] = (spent[name] ?? 0) + latest - reached
  }
  for (const { key, spent: more } of ended) {
    for (const name of amountNames) {
      if (allotments.get(key)?.[name] !== undefined) spent[name] = (spent[name] ?? 0) + (more[name] ?? 0)
    }
  }
  return { keys: new Set(ended.map(({ key }) => key)), spent }
}

/** The part of a length that a parent keeps for itself: the cycle that takes in the answer. */
const ahead = { cycles: 1, duration: 0 } as const

/**
 * The shares of the children that the intents of a cycle ask for, in commit order. `left` is what is left of each shared budget.
 *
 * The amounts that an intent names are set aside first, in commit order, as far as they go. The other children of the cycle
 * and the job itself then get equal parts of the rest.
 */
export const sharesOf = (left: Amounts, payloads: ReadonlyArray<unknown>): ReadonlyArray<Amounts> => {
  const shares: Array<Mutable> = payloads.map(() => ({}))
  const named = payloads.map(namedIn)
  for (const name of amountNames) {
    let rest = left[name]
    if (rest === undefined) continue
    const whole = name === "cost" ? wholeCost : Math.floor
    rest = Math.max(whole(rest), 0)
    let others = 0
    for (const [place, share] of shares.entries()) {
      const wanted = named[place]?.[name]
      if (wanted === undefined) {
        others++
        continue
      }
      const amount = Math.min(wanted, rest)
      share[name] = amount
      rest -= amount
    }
    const part = whole(rest / (others + 1))
    for (const share of shares) share[name] ??= part
  }
  for (const name of lengthNames) {
    const rest = left[name]
    if (rest !== undefined) for (const share of shares) share[name] = Math.max(rest - ahead[name], 0)
  }
  return shares
}

/** A cost may be a fraction. Sums of parts that are multiples of 2^-20 are exact, so they never exceed the limit. */
const wholeCost = (cost: number): number => Math.floor(cost * 2 ** 20) / 2 ** 20

/** The limits that an intent names for its child. An invalid budget names none: the child then fails where it starts. */
const namedIn = (payload: unknown): Amounts => {
  const budget = typeof payload === "object" && payload !== null && "budget" in payload ? payload.budget : undefined
  if (budget === undefined || budgetComplaint(budget) !== undefined) return none
  const resolved = resolveBudget("", budget as Budget)
  const named: Mutable = {}
  for (const [field, name] of Object.entries(resolvedNames)) {
    const isNamed = (budget as Readonly<Record<string, unknown>>)[field] !== undefined
    if (isNamed && name !== "contextBytes") named[name] = resolved[name]
  }
  return named
}
