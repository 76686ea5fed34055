/**
 * Budgets: what a job may spend, and what it has spent (G7).
 *
 * Counted budgets (facts, tokens, context bytes) never overshoot: the effect that would cross one is not committed.
 * Cycles and agents are tested before a cycle begins. Duration and CPU time also stop running tasks; what that cycle did
 * is then discarded whole. Boundary: data and pure functions.
 */
import * as Duration from "effect/Duration"
import { InvalidProgram } from "./InvalidProgram.ts"
import { Limits } from "../Limits.ts"

/** Limits of one job; every field is optional. `Infinity` means unlimited. */
export interface Budget {
  /** Cycles that may execute. Default 1,000. The turn that finds nothing eligible is exempt. */
  readonly maxCycles?: number | undefined
  /** Facts that may be added, seeds included, revisions and `Violation`s not. Default 1,000,000. */
  readonly maxFacts?: number | undefined
  /** Tasks that may execute. Default unlimited. */
  readonly maxAgents?: number | undefined
  /** Wall-clock time, pauses excluded, from the first cycle on. Default unlimited. */
  readonly maxDuration?: Duration.Input | undefined
  /** CPU time of CPU agents, summed over threads. Default unlimited. */
  readonly maxCpuTime?: Duration.Input | undefined
  /** UTF-8 bytes of the canonical text of all facts in the context. Default unlimited. */
  readonly maxContextBytes?: number | undefined
  /** Tokens that committed effects report in `usage.tokens`. Default unlimited. */
  readonly maxTokens?: number | undefined
}

/** The names by which `BudgetExhausted` calls the budgets. */
export type BudgetName = "cycles" | "facts" | "agents" | "duration" | "cpuTime" | "contextBytes" | "tokens"

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

/** What a job has spent. All but the times are the same in every run of the same job. */
export interface Usage {
  /** Turns of the machine, the last one that found nothing eligible included. */
  readonly cycles: number
  /** Facts added, seeds included. */
  readonly facts: number
  /** Tasks executed. */
  readonly agents: number
  /** Wall-clock time, pauses excluded. */
  readonly durationMs: number
  /** CPU time of CPU agents, summed over threads. */
  readonly cpuMs: number
  /** UTF-8 bytes of the canonical text of the context's facts. */
  readonly contextBytes: number
  readonly tokens: number
}

const fields = ["maxCycles", "maxFacts", "maxAgents", "maxDuration", "maxCpuTime", "maxContextBytes", "maxTokens"]

const count = (
  value: number | undefined,
  name: string,
  fallback: number,
  refuse: (message: string) => never
): number => {
  if (value === undefined) return fallback
  if (value === Infinity || (Number.isSafeInteger(value) && value >= 0)) return value
  return refuse(`budget.${name} must be a whole number of at least 0, or Infinity, not ${String(value)}`)
}

const millis = (value: Duration.Input | undefined, name: string, refuse: (message: string) => never): number => {
  if (value === undefined) return Infinity
  try {
    const ms = Duration.toMillis(Duration.fromInputUnsafe(value))
    // Duration takes what is not a number for no time at all.
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
export const resolve = (program: string, ...budgets: ReadonlyArray<Budget | undefined>): ResolvedBudget => {
  const refuse = (message: string): never => {
    throw new InvalidProgram({ program, message })
  }
  const merged: Record<string, unknown> = {}
  for (const budget of budgets) {
    if (budget !== undefined && (typeof budget !== "object" || budget === null)) refuse("budget must be an object")
    for (const [key, value] of Object.entries(budget ?? {})) {
      if (!fields.includes(key)) refuse(`there is no budget ${JSON.stringify(key)}`)
      if (value !== undefined) merged[key] = value
    }
  }
  const budget = merged as Budget
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
