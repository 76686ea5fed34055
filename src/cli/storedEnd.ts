/**
 * A stored job as it would be if it had just ended: its result, or its error with the partial result.
 *
 * Boundary: a journal in, a result out. A part of the journal that is corrupt is named; nothing is printed here.
 */
import * as Effect from "effect/Effect"
import * as Journal from "../journal/Journal.ts"
import { reviveCause } from "../journal/causes.ts"
import { endIn } from "../journal/edges.ts"
import type { Cause } from "../outcome/Cause.ts"
import { fromCause } from "../outcome/fromCause.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type { Usage } from "../program/Budget.ts"
import { JobStore, type StoredJournal } from "../store/index.ts"
import { CommandFailed, ExitCode } from "./exitCode.ts"
import type { End } from "./report.ts"
import { cyclesOf } from "../store/cycles.ts"
import { oneLine, toPlain } from "./text.ts"

type ReadError = Effect.Error<ReturnType<typeof Journal.replay>>

/** A part of a journal, or the message about it if it is corrupt. */
export const orCorrupt = <A, R>(read: Effect.Effect<A, ReadError, R>) =>
  Effect.matchEffect(read, {
    onSuccess: (value) => Effect.succeed({ value, corrupt: undefined }),
    onFailure: (error) =>
      error._tag === "JournalCorrupt"
        ? Effect.succeed({ value: undefined, corrupt: error.message })
        : Effect.fail(error)
  })

export interface ReadJob {
  readonly journal: StoredJournal
  /** The replayed job; undefined if the journal is corrupt, and then `corrupt` says where. */
  readonly replayed: Journal.Replayed | undefined
  readonly corrupt: string | undefined
  readonly usage: Usage | undefined
  readonly output: unknown
  readonly cause: Cause | undefined
}

/** Reads a job's journal, as far as it is intact. */
export const readJob = Effect.fnUntraced(function* (jobId: string) {
  const { load } = yield* JobStore
  const journal = yield* load(jobId)
  const { corrupt: changedRow, value: replayed } = yield* orCorrupt(Journal.replay(jobId))
  const { corrupt: changedEnd, value: end } = yield* orCorrupt(endIn(journal))
  const read: ReadJob = {
    journal,
    replayed,
    corrupt: changedRow ?? changedEnd,
    usage: end?.usage ?? replayed?.usage,
    output: toPlain(end?.output),
    cause: end === undefined || end.cause === null ? undefined : reviveCause(end.cause)
  }
  return read
})

/** The result of the job, as if it had just ended. */
export const resultIn = ({ journal, output, replayed, usage }: ReadJob): JobResult | undefined => {
  if (replayed === undefined || usage === undefined) return undefined
  const { context, diagnostics, hash, intents, jobId, program, version } = replayed
  const cycles = cyclesOf(journal)
  const status = journal.status ?? "cancelled"
  return {
    jobId,
    program,
    status,
    cycles,
    version,
    hash,
    usage: { ...usage, cycles },
    context,
    output,
    intents,
    diagnostics
  }
}

/** The error that ended the job. */
export const errorIn = (read: ReadJob) => {
  const result = resultIn(read)
  if (read.cause === undefined || result === undefined) return undefined
  return fromCause(read.cause, result.jobId, { ...result, output: undefined })
}

/** The end of a job that has ended. */
export const endOf = (read: ReadJob): Effect.Effect<End, CommandFailed> => {
  const end = errorIn(read) ?? resultIn(read)
  if (end !== undefined && read.corrupt === undefined && read.journal.status !== undefined) return Effect.succeed(end)
  const why = read.corrupt ?? `the job ${read.journal.jobId} has not ended`
  return Effect.fail(new CommandFailed({ message: oneLine(why), exitCode: ExitCode.failed }))
}
