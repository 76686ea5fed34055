/**
 * The reference's account of a job: its rows, its end, and its spending.
 *
 * Boundary: types.
 */
import type { ProgramSpec } from "../spec.ts"
import type { Funds, Share } from "./funds.ts"
import type { Beginning, Standing, Sum } from "./given.ts"
import type { Cause, Context, Entry, Outcome, Waiting } from "./state.ts"

/** A committed cycle. */
export interface Row {
  readonly cycle: number
  readonly tier: number
  readonly previousTier: number
  readonly agents: ReadonlyArray<string>
  readonly signals: ReadonlyArray<Outcome>
  readonly outcomes: ReadonlyArray<Outcome>
  readonly violations: ReadonlyArray<Entry>
  /** Whether the job rested before it, to wait for answers (IN4). */
  readonly isAwaited: boolean
}

export interface Diagnostic {
  readonly cycle: number
  readonly agent: string
  readonly each?: unknown
  readonly cause: Cause
}

/** A job that has ended, or was stopped. */
export interface Referred {
  readonly status: "converged" | "failed" | "budget-exhausted" | "cancelled" | "stopped"
  readonly cause: Cause | undefined
  readonly program: ProgramSpec
  /** The name of the program that began the job. */
  readonly programName: string
  readonly cycle: number
  readonly hash: string
  readonly genesisHash: string
  readonly context: Context
  /** The number of facts of each kind, which is the output of every program. */
  readonly sizes: ReadonlyArray<readonly [kind: string, size: number]>
  readonly bytes: number
  readonly agents: number
  readonly funds: Funds
  /** The job's own spending. */
  readonly own: Required<Share>
  readonly paid: ReadonlyArray<Sum>
  readonly seeds: Outcome
  readonly seedViolations: ReadonlyArray<Entry>
  /** The version of the context when the job has begun, and its bytes before. */
  readonly beginVersion: number
  readonly beginBytes: number
  readonly rows: ReadonlyArray<Row>
  readonly diagnostics: ReadonlyArray<Diagnostic>
  readonly waiting: ReadonlyArray<Waiting>
  /** The children that intents asked for, by key. */
  readonly children: ReadonlyMap<string, Beginning>
  /** The context that a later job can stand on. */
  readonly standing: Standing
  readonly tier: number
  /** Whether the last committed cycle ended the job: no pause comes between (P2). */
  readonly isEndedByCycle: boolean
  /** The given inputs that the rules do not allow. */
  readonly complaints: ReadonlyArray<string>
}
