/**
 * Budgets: how much a job may spend, and how much it has spent (G7).
 *
 * Counted budgets (facts, tokens, context bytes) never overshoot: the effect that would cross one is not committed.
 * Cycles and agents are tested before a cycle begins. Duration and CPU time also stop running tasks; their cycle is then
 * discarded whole. Tokens and cost that are reserved are spent when a model is called, whatever becomes of the effect.
 *
 * Boundary: types, and the error of a refused reservation. resolveBudget.ts fills in the defaults, job/driver.ts tests cycles,
 * agents and times, cycle/effectApplication.ts tests what an effect adds, and job/account.ts grants reservations.
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"

/**
 * Limits of a job and of all child jobs below it; every field is optional. `Infinity` means unlimited. Children get shares of all
 * limits that are not the default, except for `maxContextBytes` (docs/semantics.md, CH10).
 */
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
  /** Tokens: those that agents pay with `Budget.spend`, and `usage.tokens` of committed effects. Default unlimited. */
  readonly maxTokens?: number | undefined
  /**
   * Cost that agents pay with `Budget.spend`, in a unit of your choice. Sums of whole numbers are exact, so count in cents,
   * or in millionths. Default unlimited.
   */
  readonly maxCost?: number | undefined
}

/** The names by which `BudgetExhausted` calls the budgets. */
export type BudgetName = "cycles" | "facts" | "agents" | "duration" | "cpuTime" | "contextBytes" | "tokens" | "cost"

/** The sums that a job has spent. All but the times are the same in every run of the same job. */
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
  /** Tokens that were paid, failed attempts and discarded effects included, and those that committed effects reported. */
  readonly tokens: number
  /** Cost that was paid, in the unit of `maxCost`. */
  readonly cost: number
  /** Tokens and cost of each agent that spent any, by its name. */
  readonly byAgent: Readonly<Record<string, AgentUsage>>
}

/** Tokens and cost of one agent. */
export interface AgentUsage {
  readonly tokens: number
  readonly cost: number
}

/** An amount of tokens and cost. A part that is left out is 0. */
export interface Amount {
  /** Tokens, a finite number of at least 0. */
  readonly tokens?: number | undefined
  /** Cost in the unit of `maxCost`, a finite number of at least 0. */
  readonly cost?: number | undefined
}

/** The usage that a language model reports: `Response.Usage` of effect/ai has this shape. */
export interface ModelUsage {
  readonly inputTokens: { readonly total?: number | undefined }
  readonly outputTokens: { readonly total?: number | undefined }
}

/**
 * A reservation was refused: what is asked for does not fit under the limit, whatever the calls that are under way turn out to
 * cost. An agent may catch it, and do without the call. If it does not, its job ends with `BudgetExhausted`.
 */
export class NoRoom extends Data.TaggedError("NoRoom")<{
  readonly budget: Extract<BudgetName, "tokens" | "cost">
  /** The amount that was asked for. */
  readonly asked: number
  /** The amount that was paid by then. */
  readonly used: number
  readonly limit: number
}> {
  override get message(): string {
    return `no room for ${this.asked} more under the budget of ${this.budget}: ${this.used} of ${this.limit} are spent`
  }
}
