/**
 * Exit codes, and the errors of the command itself.
 *
 * Boundary: data. The end of a job is its status; a failure outside of any job is one of the errors here.
 */
import * as Data from "effect/Data"
import type { Status } from "../outcome/Cause.ts"

export const ExitCode = {
  /** The command line, the module, the program's name or its input cannot be used; nothing was run. */
  usage: 64,
  /** A stored job cannot be read or resumed, or a check found a fault. */
  failed: 3,
  /** The command failed outside of the job: a stray error on the main thread, the module's layer, a bug. */
  failure: 70,
  /**
   * A signal ended the command: one before there was a job, or the second one, or in `serve` the third. The code is 128 and the
   * signal's number.
   */
  signal: { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }
} as const

/** The exit code of a job that ended with this status. */
export const ofStatus: Readonly<Record<Status, number>> = {
  converged: 0,
  "budget-exhausted": 2,
  failed: 3,
  cancelled: 4
}

/** The exit code of a job. `isStrict`: a job that converged with diagnostics counts as failed. */
export const ofResult = (
  { diagnostics, status }: { readonly status: Status; readonly diagnostics: ReadonlyArray<unknown> },
  isStrict: boolean
): number => (isStrict && status === "converged" && diagnostics.length > 0 ? ExitCode.failed : ofStatus[status])

/** Exit codes of jobs, from the best to the worst. */
const byBadness: ReadonlyArray<number> = [
  ofStatus.converged,
  ofStatus["budget-exhausted"],
  ofStatus.cancelled,
  ofStatus.failed
]

/** The exit code of several jobs: the code of the job that ended worst. */
export const worst = (codes: ReadonlyArray<number>): number =>
  codes.reduce((a, b) => (byBadness.indexOf(b) > byBadness.indexOf(a) ? b : a), 0)

/** The user has to change something: exit code 64. `details` is shown below the message, such as a list of choices. */
export class UsageError extends Data.TaggedError("UsageError")<{
  readonly message: string
  readonly details?: string | undefined
}> {}

/** The command could not do its work, and no other arguments would help. The exit code is 70, unless `exitCode` says another. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{
  readonly message: string
  readonly details?: string | undefined
  readonly exitCode?: number | undefined
}> {}

export type Failed = UsageError | CommandFailed
