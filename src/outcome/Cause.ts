/**
 * Causes, the reasons why an effect was discarded or a job halted, and statuses, the ends of a job.
 *
 * A cause is plain data: errors, events, diagnostics and journals carry it. Boundary: data.
 */
import type { FactRef } from "../program/Fact.ts"
import type { BudgetName } from "../program/Budget.ts"
import type { InvariantClass } from "../program/Invariant.ts"
import type { Panic } from "../values/panic.ts"

/** The functions of a program that run outside of any agent while its job runs. */
export type ProgramPhase = "output" | "invariant"

/** The work of an agent in the last cycles of a job. */
export interface BusyAgent {
  readonly agent: string
  readonly tasks: number
  /** The facts that it added or revised, by kind. */
  readonly facts: Readonly<Record<string, number>>
}

interface OfAgent<Tag extends string> {
  readonly _tag: Tag
  readonly agent: string
  readonly cycle: number
}

/** The reason why an effect was discarded or a job halted, as plain data. The fields are those of the errors. */
export type Cause =
  | (OfAgent<"AgentFailed"> & { readonly error: unknown })
  | (OfAgent<"AgentPanicked"> & Panic)
  | (OfAgent<"AgentTimedOut"> & { readonly timeoutMs: number })
  | (OfAgent<"AgentOutOfMemory"> & { readonly limitMb: number })
  | (OfAgent<"WorkerCrashed"> & { readonly exitCode: number })
  | (OfAgent<"InvalidEffect"> & { readonly message: string })
  | {
      readonly _tag: "MergeConflict"
      readonly cycle: number
      readonly kind: string
      readonly id: string
      readonly existing: unknown
      readonly proposed: unknown
      readonly agents: readonly [string, string]
    }
  | {
      readonly _tag: "BudgetExhausted"
      readonly cycle: number
      readonly budget: BudgetName
      readonly used: number
      readonly limit: number
      readonly spender?: string
      readonly children?: number
      readonly isHandedDown?: boolean
      /** Only for the budget of cycles: the agents that executed in the last cycles, the busiest first. */
      readonly busy?: ReadonlyArray<BusyAgent>
    }
  | {
      readonly _tag: "InvariantViolated"
      readonly cycle: number
      readonly name: string
      readonly class: InvariantClass
      readonly reason: string
      readonly facts: ReadonlyArray<FactRef>
    }
  | ({
      readonly _tag: "ProgramPanicked"
      readonly cycle: number
      readonly phase: ProgramPhase
    } & Panic)
  | { readonly _tag: "JobCancelled"; readonly cycle: number }
  | { readonly _tag: "StoreFailed"; readonly cycle: number; readonly message: string; readonly reason: string }
  | {
      readonly _tag: "WorkersUnavailable"
      readonly cycle: number
      readonly message: string
      readonly reason: "not-started" | "abandoned"
    }
  /** `key` is the intent's key within its job: a cause names no job. */
  | (OfAgent<"IntentFailed"> & { readonly kind: string; readonly key: string; readonly error: unknown })

/** The way in which a job ended. */
export type Status = "converged" | "budget-exhausted" | "failed" | "cancelled"

/**
 * Whether a cause, or the error made of it, concerns this process and not the job. A stored job with such an end is left, to be
 * resumed. A row that is too large concerns the job, because it is too large every time.
 */
export const isOfProcess = (cause: { readonly _tag: string; readonly reason?: unknown } | undefined): boolean =>
  (cause?._tag === "StoreFailed" && cause.reason !== "too-large") || cause?._tag === "WorkersUnavailable"

/** The status of a job that halts for this cause. */
export const statusOf = (cause: Cause): Exclude<Status, "converged"> => {
  switch (cause._tag) {
    case "BudgetExhausted":
      return "budget-exhausted"
    case "JobCancelled":
      return "cancelled"
    default:
      return "failed"
  }
}
