/**
 * The port that runs a job's CPU tasks: a `WorkerPool`.
 *
 * The engine hands over one cycle's CPU tasks at a time and gets their outcomes back in the order of the tasks, whatever the
 * order of their ends (G3). Damage that a task does to its thread never reaches another task (G8).
 *
 * `CpuOutcome` has no agent, fact or mark. The job knows them from its selection, and adds them to the outcomes of tasks of
 * every kind (`TaskOutcome`).
 *
 * Boundary: the service and its data; the adapters are pool.ts (worker threads) and inline.ts (this thread).
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { FactRef } from "../program/Fact.ts"
import type { StartGate } from "./startGate.ts"
import type { PoolStats } from "./stats.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { Ran } from "../outcome/CommittedCycle.ts"
import type { FactEntry } from "../context/factTable.ts"
import type { AgentProgress } from "../cycle/eligibility.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { ErasedAgent, CompiledProgram } from "../program/erased.ts"

/** One execution of a CPU agent. */
export interface CpuTask {
  readonly agent: ErasedAgent
  /** The agent's place in the program's array. */
  readonly agentIndex: number
  /** For an agent with `each`: the fact that the task is about. */
  readonly each: FactRef | undefined
  /** The agent's mark: `view.delta` shows what was committed after it. */
  readonly since: number
  /** The number of the task among those of a join, from 1. Undefined for the first, and for other agents. */
  readonly part?: number | undefined
  /** The new facts of a join, of which each task has a batch. A worker finds them in its replica. */
  readonly news?: ReadonlyArray<FactEntry> | undefined
  /** The progress of a fold, in which it keeps its states. Folds never run on workers. */
  readonly progress?: AgentProgress | undefined
}

/** The progress of a task, for `job.telemetry`. `task` is its place in the batch; `worker` is 0 for this thread, else from 1. */
export type CpuProgress =
  | { readonly _tag: "Claimed"; readonly task: number; readonly worker: number }
  /** `failed`: the `_tag` of the cause, if the task has no effect. */
  | { readonly _tag: "Ended"; readonly task: number; readonly worker: number; readonly failed?: string }
  | { readonly _tag: "Progress"; readonly task: number; readonly worker: number; readonly value: unknown }

/** The CPU tasks of one cycle of one job. The ledger does not change while they run. */
export interface CpuBatch {
  readonly jobId: string
  readonly program: CompiledProgram
  readonly ledger: Ledger
  readonly cycle: number
  readonly tasks: ReadonlyArray<CpuTask>
  /** CPU milliseconds that these tasks may use together. Running ones are stopped when it is used up. May be Infinity. */
  readonly cpuBudgetMs: number
  /** Closes when no further task may start. Those that wait then end with its cause. Undefined if that cannot happen. */
  readonly starts?: StartGate | undefined
  /** Called for each progress of a task. Undefined if nobody listens. Must not throw. */
  readonly onProgress: ((progress: CpuProgress) => void) | undefined
  /** Takes, before the first task runs, a way to ask what became of the tasks so far. Left out if nobody will ask. */
  readonly onBegin?: ((now: BatchNow) => void) | undefined
}

/** The tasks of a batch under way. A task is its place in the batch. */
export interface BatchNow {
  /** The outcomes so far: undefined for a task that has not ended. */
  readonly outcomes: () => ReadonlyArray<CpuOutcome | undefined>
  /** The tasks that no thread has begun. */
  readonly waiting: () => ReadonlyArray<number>
}

/** The end of one task: its validated effect, or the cause of its failure. */
export interface CpuOutcome {
  readonly result: EncodedEffect | Cause
  /** CPU milliseconds of the thread while it ran the task. Elapsed time if the thread was lost. */
  readonly cpuMs: number
  /** The task was not started: the gate was closed. */
  readonly isWithdrawn?: true | undefined
  /** When it ran, if it took long enough to be recorded. */
  readonly ran?: Ran | undefined
}

/** The cause of a task without an effect, as its progress names it. */
export const failedBy = (result: CpuOutcome["result"]): { readonly failed?: string } =>
  "_tag" in result ? { failed: result._tag } : {}

/** A batch used up its CPU budget; its tasks were stopped. */
export class CpuTimeExhausted extends Data.TaggedError("CpuTimeExhausted")<{
  /** Milliseconds used by the batch, and the agent that was running or had just ended. */
  readonly usedMs: number
  readonly agent: string
}> {}

/** The reason why a pool can run nothing. */
export interface Unavailable {
  /** `"not-started"`: no thread could be started; `"abandoned"`: native calls that do not end hold all of them. */
  readonly reason: "not-started" | "abandoned"
  readonly message: string
}

/** The pool has no thread for a batch and cannot start one. The batch is not at fault, and has no outcomes. */
export class NoWorkers extends Data.TaggedError("NoWorkers")<Unavailable> {}

/** The ways in which a batch has no outcomes. */
export type BatchFailure = CpuTimeExhausted | NoWorkers

/**
 * Runs CPU tasks.
 *
 * - `size`: the number of threads that it may use; 0 means this thread
 * - `execute`: runs a batch. Outcomes are in the order of `tasks`. Fails for the CPU budget, and when no thread can be had; a
 *   failed task is an outcome. Interrupting it drops unclaimed tasks at once and stops running ones by ending their threads;
 *   the interrupt is acknowledged when those threads have ended or were given up
 * - `release`: forgets a halted job's replica everywhere. Never waits for a running task of another job
 * - `stats`: a snapshot of its present state
 */
export class WorkerPool extends Context.Service<
  WorkerPool,
  {
    readonly size: number
    readonly execute: (batch: CpuBatch) => Effect.Effect<ReadonlyArray<CpuOutcome>, BatchFailure>
    readonly release: (jobId: string) => Effect.Effect<void>
    readonly stats: Effect.Effect<PoolStats>
  }
>()("effect-converge/workers/WorkerPool") {}
