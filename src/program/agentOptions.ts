/**
 * Options of agents at which the runtime looks while a job runs: the effect of a failure, the place of a CPU agent, and how many
 * tasks of a fiber agent run at a time.
 *
 * Boundary: types, and the meaning of the short forms.
 */
import type * as Duration from "effect/Duration"

/**
 * How many tasks of a fiber agent run at a time, and how soon one after the other: in all jobs of an engine together, or by key.
 * A number is a `limit`.
 *
 * - `limit`: tasks that run at a time. Default: no limit
 * - `per`: the key of a task, from the fact of its `each`; each key has the limit and the gap for itself. Default: one key
 * - `gap`: the least time between the starts of two tasks, by the job's clock. Default: none
 *
 * Permits are given in merge order within a job, and in turn between jobs. Each attempt needs one, and `timeout` counts from it.
 */
export type Concurrency<Each = never> =
  | number
  | {
      readonly limit?: number | undefined
      readonly gap?: Duration.Input | undefined
      readonly per?: ((fact: Each) => string) | undefined
    }

/** The consequence of a failure for its job: end it (`"halt"`), or leave a diagnostic and go on (`"discard"`). */
export type FailureRule = "halt" | "discard"

/** The consequence of each way to fail for the job. */
export interface FailureRules {
  /** The agent's typed error. Default: `"halt"`. */
  readonly error?: FailureRule | undefined
  /** An attempt that took longer than `timeout`. Default: `"halt"`. */
  readonly timeout?: FailureRule | undefined
  /** A throw, or a defect of a fiber agent such as a missing service. Default: `"halt"`. */
  readonly panic?: FailureRule | undefined
  /** A CPU agent's thread that ended before the agent did, or went over its heap limit. Default: `"halt"`. */
  readonly crash?: FailureRule | undefined
  /** A conflict that the agent's effect lost. Default: `"halt"`. */
  readonly conflict?: FailureRule | undefined
  /** An output that is no valid effect. Default: `"halt"`. */
  readonly invalid?: FailureRule | undefined
}

/**
 * The consequence of a failed task for its job.
 *
 * - `"halt"` (default): every failure ends the job
 * - `"discard"`: what an agent can foresee leaves a diagnostic: typed errors, timeouts, lost conflicts, and of CPU agents
 *   panics, crashes and too much memory. A defect of a fiber agent and an invalid effect are bugs, and end the job
 * - an object that says it for each way to fail; a way that it leaves out ends the job
 */
export type OnFailure = FailureRule | FailureRules

/** A rule for each way to fail. */
export type ResolvedFailureRules = { readonly [Way in keyof FailureRules]-?: FailureRule }

const halting: ResolvedFailureRules = {
  error: "halt",
  timeout: "halt",
  panic: "halt",
  crash: "halt",
  conflict: "halt",
  invalid: "halt"
}

/** Gives a rule for each way in which an agent of a type can fail. */
export const failureRulesOf = (type: "fiber" | "cpu", onFailure: OnFailure | undefined): ResolvedFailureRules => {
  if (onFailure === undefined || onFailure === "halt") return halting
  if (onFailure !== "discard") {
    const given = Object.entries(onFailure).filter(([, rule]) => rule !== undefined)
    return { ...halting, ...Object.fromEntries(given) }
  }
  const panic = type === "cpu" ? "discard" : "halt"
  return { error: "discard", timeout: "discard", panic, crash: "discard", conflict: "discard", invalid: "halt" }
}

/**
 * Where a CPU agent runs.
 *
 * - `"worker"` (default, but of a join): on a worker thread, where it can be stopped
 * - `"inline"`: on the main thread, where nothing can stop it
 * - `"auto"` (default of a join): on the main thread while that is cheaper than the way to a worker, as the pool learns from
 *   what it measures. What runs there cannot be stopped either, and no timeout is enforced; an agent that is not known yet runs
 *   on a worker
 */
export type Placement = "worker" | "inline" | "auto"
