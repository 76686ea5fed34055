/**
 * Fills in a job's budget: the start's fields override the program's, and defaults stand for the rest.
 *
 * Boundary: pure functions. They refuse an invalid budget with `InvalidProgram`.
 */
import * as Duration from "effect/Duration"
import { InvalidProgram, type Refuse } from "./InvalidProgram.ts"
import { Limits } from "../Limits.ts"
import { describeError } from "../values/panic.ts"
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
}

/** The name that each field of a budget has in a resolved one. */
export const resolvedNames: Readonly<Record<keyof Budget, keyof ResolvedBudget>> = {
  maxCycles: "cycles",
  maxFacts: "facts",
  maxAgents: "agents",
  maxDuration: "duration",
  maxCpuTime: "cpuTime",
  maxContextBytes: "contextBytes",
  maxTokens: "tokens"
}

type Field = keyof Budget

const isField = (key: string): key is Field => Object.hasOwn(resolvedNames, key)

const count = (value: unknown, name: Field, fallback: number, refuse: Refuse): number => {
  if (value === undefined) return fallback
  if (typeof value === "number" && (value === Infinity || (Number.isSafeInteger(value) && value >= 0))) return value
  return refuse(`budget.${name} must be a whole number of at least 0, or Infinity, not ${describeError(value)}`)
}

const millis = (value: unknown, name: Field, refuse: Refuse): number => {
  if (value === undefined) return Infinity
  try {
    // It throws for a value that is no duration.
    const ms = Duration.toMillis(Duration.fromInputUnsafe(value as Duration.Input))
    // Duration reads NaN as no time at all.
    if (ms >= 0 && !Number.isNaN(value)) return ms
  } catch {
    // Falls through to the refusal, which names the field.
  }
  return refuse(`budget.${name} is not a duration: ${JSON.stringify(value)}`)
}

/**
 * Fills in the defaults; a later budget overrides an earlier one field by field.
 *
 * @throws InvalidProgram for a field that does not exist or a value that is not a count or a duration
 */
export const resolveBudget = (program: string, ...budgets: ReadonlyArray<Budget | undefined>): ResolvedBudget => {
  const refuse: Refuse = (message) => {
    throw new InvalidProgram({ program, message })
  }
  const budget: { [F in Field]?: unknown } = {}
  for (const given of budgets) {
    if (given !== undefined && (typeof given !== "object" || given === null)) refuse("budget must be an object")
    for (const [key, value] of Object.entries(given ?? {})) {
      if (!isField(key)) refuse(`there is no budget ${JSON.stringify(key)}`)
      else if (value !== undefined) budget[key] = value
    }
  }
  return {
    cycles: count(budget.maxCycles, "maxCycles", Limits.maxCycles, refuse),
    facts: count(budget.maxFacts, "maxFacts", Limits.maxFacts, refuse),
    agents: count(budget.maxAgents, "maxAgents", Infinity, refuse),
    duration: millis(budget.maxDuration, "maxDuration", refuse),
    cpuTime: millis(budget.maxCpuTime, "maxCpuTime", refuse),
    contextBytes: count(budget.maxContextBytes, "maxContextBytes", Infinity, refuse),
    tokens: count(budget.maxTokens, "maxTokens", Infinity, refuse)
  }
}
