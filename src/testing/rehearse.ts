/**
 * `Testing.rehearse`: new code over stored jobs, before it is deployed.
 *
 *     input, or the context that the job began with ──► seeds, CPU agents, joins, folds, rules: the new ones
 *     fiber agents, intents, child jobs, signals ─────► as recorded
 *     facts, intents and end ─────────────────────────► compared with the recording
 *
 * Boundary: jobs in engines of its own, which keep nothing; rehearsedJob.ts compares.
 */
import * as Effect from "effect/Effect"
import type { InvalidProgram, StartError, StoreError } from "../outcome/JobError.ts"
import type { Program } from "../program/Program.ts"
import { play } from "./playing.ts"
import type { Recording } from "./recording.ts"
import { comparedJob, refusedJob, type RehearsedJob } from "./rehearsedJob.ts"

export type { RehearsedFact, RehearsedIntent, RehearsedJob } from "./rehearsedJob.ts"

/** A recording that was not rehearsed. */
export interface SkippedJob {
  readonly jobId: string
  readonly program: string
  readonly why: string
}

/** The result of `rehearse`. */
export interface Rehearsed {
  readonly program: string
  readonly jobs: ReadonlyArray<RehearsedJob>
  /** Recordings that were not rehearsed, and why. */
  readonly skipped: ReadonlyArray<SkippedJob>
}

/** Options of `rehearse`. */
export interface RehearseOptions {
  /** Programs of child jobs: recordings of them are rehearsed, too. Default: none. */
  readonly children?: ReadonlyArray<Program.Any> | undefined
}

/**
 * Runs a program over recordings of stored jobs, and tells by fact and by intent what comes out otherwise, and in which cycle
 * first.
 *
 * Fiber agents and intents answer from the recording, so nothing is asked, sent or paid; tasks without a recorded answer are
 * listed. Signals come in the cycle in which they came, as far as the new run has it, and decisions when approvals are open.
 *
 * - A job keeps its limits, as a resumed job does. Limits of time do not count, and payments are not made again.
 * - A job that began with the context of another one, such as a fork, begins with it again, and with the recorded seeds.
 *   `migrate` converts facts of kinds that have changed.
 * - An unfinished or cancelled job, and one whose time or money was spent, is compared up to its last cycle.
 * - A parent gets the recorded results of its child jobs. Recordings of the children are rehearsed as jobs of their own, if
 *   `children` has their programs. Recordings of other programs are skipped.
 *
 * A difference is a result, not a failure, and so is a new program that refuses the input of a job.
 */
export const rehearse = (
  program: Program.Any,
  recordings: ReadonlyArray<Recording>,
  options?: RehearseOptions
): Effect.Effect<Rehearsed, InvalidProgram | StoreError> =>
  Effect.gen(function* () {
    const programs = [program, ...(options?.children ?? [])]
    const jobs: Array<RehearsedJob> = []
    const skipped: Array<SkippedJob> = []
    for (const recording of recordings) {
      const own = programs.find(({ name }) => name === recording.program)
      const why = own === undefined ? "it is a job of another program" : whyNot(recording)
      if (own === undefined || why !== undefined) {
        skipped.push({ jobId: recording.jobId, program: recording.program, why: why ?? "" })
      } else {
        jobs.push(yield* rehearsed(own, recording))
      }
    }
    return { program: program.name, jobs, skipped }
  })

const whyNot = ({ base, context }: Recording): string | undefined =>
  context !== undefined && base === undefined
    ? "it began with the context of another job, which the recording does not have: record it again"
    : undefined

const rehearsed = (
  program: Program.Any,
  recording: Recording
): Effect.Effect<RehearsedJob, InvalidProgram | StoreError> =>
  play(program, recording).pipe(
    Effect.map((played) => comparedJob(program, recording, played)),
    Effect.catchIf(isRefusal, (error) => Effect.succeed(refusedJob(program, recording, error)))
  )

type Refusal = Exclude<StartError, StoreError>

/** Whether the new code cannot begin the job. */
const isRefusal = (error: StartError | InvalidProgram | StoreError): error is Refusal =>
  error._tag !== "StoreError" && error._tag !== "InvalidProgram"
