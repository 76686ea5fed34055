/**
 * The input and the outcome of a simulation: a job with its programs and callers, its end, and all that was seen of it.
 *
 * Boundary: types. simulate.ts runs the job.
 */
import type * as Cause from "effect/Cause"
import type { JobContext } from "../../context/JobContext.ts"
import type { EngineOptions } from "../../engine/options.ts"
import type { Handler } from "../../intents/IntentHandler.ts"
import type { InvalidProgram, StartError } from "../../outcome/JobError.ts"
import type { JobEvent } from "../../outcome/JobEvent.ts"
import type { JobResult } from "../../outcome/JobResult.ts"
import type { Proposal } from "../../program/Fact.ts"
import type { Program } from "../../program/Program.ts"
import type { StoredRow } from "../../store/JobStore.ts"
import type { CpuBatch, CpuTask } from "../../workers/WorkerPool.ts"
import type { End, Told } from "./callers.ts"
import type { Outside, Owner } from "./Execution.ts"
import type { TaskFate } from "./SimulatedPool.ts"
import type { Commit, Rebase } from "./SimulatedStore.ts"
import type { UserJob } from "./users.ts"
import type { World, WorldOptions } from "./World.ts"

/** A job that goes on from another: on the context of its end, or as a fork. */
export type Sequel<P extends Program.Any> =
  | { readonly do: "go on"; readonly program: P; readonly input: Program.Input<P> }
  | {
      readonly do: "fork"
      readonly program: P
      /** The cycle after which it begins; the last one for a number that the job does not reach. */
      readonly at: number
      readonly facts: ReadonlyArray<Proposal<string, unknown>>
    }

/** A job that is to be simulated. `P` needs no services, unless `user` is set. */
export interface SimulatedJob<P extends Program.Any> {
  readonly program: P
  readonly input: Program.Input<P>
  readonly handlers: ReadonlyArray<Handler<never>>
  /** The versions of the program that the second life and the later ones have, one after the other. */
  readonly versions?: ReadonlyArray<P> | undefined
  /** The programs of child jobs. Those of a user's program are in `user`. */
  readonly children?: ReadonlyArray<P> | undefined
  readonly limits?: Pick<EngineOptions, "maxDepth" | "maxChildJobs" | "fiberConcurrency"> | undefined
  readonly sequel?: Sequel<P> | undefined
  /** The signals that the schedule's acts name. */
  readonly signals: ReadonlyArray<ReadonlyArray<Proposal<string, unknown>>>
  readonly fateOf?: ((task: CpuTask, context: JobContext, batch: CpuBatch) => TaskFate) | undefined
  /** Called when a life begins. `hasFailed`: the store met a fault in the life before it. */
  readonly onLife?: ((life: number, world: World, hasFailed: boolean) => void) | undefined
  /** Set for the program of a user: its agents and handlers may wait for promises. */
  readonly user?: UserJob | undefined
  /** The longest run of the world. Default: that of a world. */
  readonly most?: Pick<WorldOptions, "mostMs" | "mostSteps"> | undefined
}

/** A journal of the simulated disk. */
export interface Journal {
  readonly jobId: string
  readonly program: string
  readonly status: JobResult["status"] | undefined
  readonly hash: string
  /** The text of its beginning. */
  readonly beginning: string
  readonly rows: ReadonlyArray<StoredRow>
  /** The text of its end. */
  readonly end: string | undefined
}

export interface Simulated {
  readonly jobId: string
  /** Undefined if the job came to no end. */
  readonly end: End | undefined
  /** The reason why there is no end, or what ended a life in a way that it must not. */
  readonly broken: string | undefined
  /** The executions that had not ended when the last life did, in the order in which they began. */
  readonly open: ReadonlyArray<Owner>
  /** The thing that the job waits for, if that is nothing of the world. */
  readonly outside: Outside | undefined
  /** The cause why the user's layer could not be built. */
  readonly unbuilt: Cause.Cause<unknown> | undefined
  /** The refusal of the start, if no fault of the store is the cause. */
  readonly refused: StartError | InvalidProgram | undefined
  /** The events that a reader in the last life got. */
  readonly events: ReadonlyArray<JobEvent>
  /** The beginning of the journal, "" if there is none, and its rows. */
  readonly beginning: string
  readonly rows: ReadonlyArray<StoredRow>
  readonly told: ReadonlyArray<Told>
  /** The number of lives of the process, and the last one. */
  readonly lives: number
  readonly steps: number
  readonly nowMs: number
  /** The faults that were met, in their order. */
  readonly met: ReadonlyArray<string>
  /** The number of writes of the store, of tasks that workers claimed, and of calls of handlers. */
  readonly counts: { readonly writes: number; readonly claims: number; readonly calls: number }
  /** Jobs that the engine still held after the end. */
  readonly liveAfter: number
  readonly isCancelled: boolean
  /** The decisions and handlers that the job waited for when the run ended, since nobody went on with it, in words. */
  readonly waitsFor: ReadonlyArray<string>
  /** The number of pauses that callers asked for. */
  readonly pauses: number
  /** Virtual milliseconds of these pauses. */
  readonly pausedMs: number
  /** When the job began, in virtual milliseconds. */
  readonly beganMs: number
  /** The number of signals of the last life whose senders were told nothing. */
  readonly unanswered: number
  /** The number of writes that the store took from an engine whose lease was taken. */
  readonly unfenced: number
  /** All journals of the disk. */
  readonly journals: ReadonlyArray<Journal>
  /** The rows and the new headers that the disk took, each with its life. */
  readonly commits: ReadonlyArray<Commit>
  readonly rebases: ReadonlyArray<Rebase>
  /** The job that went on from this one. */
  readonly sequel: Simulated | undefined
}
