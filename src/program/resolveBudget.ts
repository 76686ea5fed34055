/**
 * Fills in a job's budget: the start's fields override the program's, and defaults stand for the rest.
 *
 * Boundary: pure functions. They refuse an invalid budget with `InvalidProgram`.
 */
import type * as Duration from "effect/Duration"
import { InvalidProgram } from "./InvalidProgram.ts"
import { Limits } from "../Limits.ts"
import { complaintOf, count, duration, millisOf, number, type Rules, unknownName } from "../values/options.ts"
import type { Budget } from "./Budget.ts"

/** A budget with its defaults filled in. Times in milliseconds. */
export interface ResolvedBudget {
  readonly cycles: number
  readonly facts: number
  readonly agents: number
  readonly duration: number
  readonly cpuTime: number
  readonly contextBytes: number
  readonly tokens: number
  readonly cost: number
}

/** The budgets that a job shares with its child jobs. The size of a context is none, since each job has its own. */
export type SharedName = Exclude<keyof ResolvedBudget, "contextBytes">

/** An amount of each of some shared budgets. Times in milliseconds. */
export type Amounts = { readonly [Name in SharedName]?: number }

/** The name that each field of a budget has in a resolved one. */
export const resolvedNames: Readonly<Record<keyof Budget, keyof ResolvedBudget>> = {
  maxCycles: "cycles",
  maxFacts: "facts",
  maxAgents: "agents",
  maxDuration: "duration",
  maxCpuTime: "cpuTime",
  maxContextBytes: "contextBytes",
  maxTokens: "tokens",
  maxCost: "cost"
}

type Field = keyof Budget

const rules: Rules<Budget> = {
  maxCycles: count(0),
  maxFacts: count(0),
  maxAgents: count(0),
  maxDuration: duration(),
  maxCpuTime: duration(),
  maxContextBytes: count(0),
  maxTokens: count(0),
  maxCost: number(0, true)
}

const fields = Object.keys(rules)

/** The complaint about a budget; undefined for none. */
export const budgetComplaint = (budget: unknown): string | undefined => {
  const unknown =
    typeof budget === "object" && budget !== null ? Object.keys(budget).find((key) => !fields.includes(key)) : undefined
  return unknown === undefined ? complaintOf(budget, rules, "budget")?.message : unknownName("budget", unknown, fields)
}

/**
 * Fills in the defaults; a later budget overrides an earlier one field by field.
 *
 * @throws InvalidProgram for a field that does not exist or a value that is not a count or a duration
 */
export const resolveBudget = (program: string, ...budgets: ReadonlyArray<Budget | undefined>): ResolvedBudget => {
  const budget: { [F in Field]?: Budget[F] } = {}
  for (const given of budgets) {
    const complaint = given === undefined ? undefined : budgetComplaint(given)
    if (complaint !== undefined) throw new InvalidProgram({ program, message: complaint })
    for (const [field, value] of Object.entries(given ?? {})) {
      // The complaint would have been about another name, or about a value of another type.
      if (value !== undefined) Object.assign(budget, { [field]: value })
    }
  }
  const millis = (time: Duration.Input | undefined): number => (time === undefined ? Infinity : millisOf(time))
  return {
    cycles: budget.maxCycles ?? Limits.maxCycles,
    facts: budget.maxFacts ?? Limits.maxFacts,
    agents: budget.maxAgents ?? Infinity,
    duration: millis(budget.maxDuration),
    cpuTime: millis(budget.maxCpuTime),
    contextBytes: budget.maxContextBytes ?? Infinity,
    tokens: budget.maxTokens ?? Infinity,
    cost: budget.maxCost ?? Infinity
  }
}

/**
 * The budget of a child job. `share` is what its parent hands down: it bounds each limit that somebody set, and stands in place
 * of a default.
 *
 * @throws InvalidProgram as `resolveBudget` does
 */
export const handDown = (
  program: string,
  share: Amounts,
  ...budgets: ReadonlyArray<Budget | undefined>
): ResolvedBudget => {
  const own = resolveBudget(program, ...budgets)
  const handed: { -readonly [Name in keyof ResolvedBudget]: number } = { ...own }
  for (const [field, name] of Object.entries(resolvedNames)) {
    const most = name === "contextBytes" ? undefined : share[name]
    if (most === undefined) continue
    const isSet = budgets.some((budget) => budget?.[field as Field] !== undefined)
    handed[name] = isSet ? Math.min(own[name], most) : most
  }
  return handed
}
