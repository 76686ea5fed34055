/**
 * The end of a stored job that no engine of this server holds, such as one of a program that is not served: its result or its
 * error, from its journal alone.
 *
 * Boundary: a journal and its replay in, the end out.
 */
import * as Effect from "effect/Effect"
import { reviveCause } from "../journal/causes.ts"
import { endIn } from "../journal/edges.ts"
import { fromCause } from "../outcome/fromCause.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import { cyclesOf } from "../store/cycles.ts"
import type { StoredJournal } from "../store/JobStore.ts"
import type { Replayed, Replays } from "./replays.ts"

/** The result, or the error that ended the job, as if it had just ended. */
export type StoredEnd = JobResult | ReturnType<typeof fromCause>

/** Reads the end of a job. Undefined of an unfinished job, and of one whose journal cannot be read to its end. */
export const storedEnd = Effect.fnUntraced(function* (replays: Replays, journal: StoredJournal) {
  const { jobId, program } = journal
  const end = yield* Effect.orElseSucceed(endIn(journal), () => undefined)
  if (end === undefined) return undefined
  const replayed: Replayed | undefined = yield* Effect.orElseSucceed(replays.at(jobId, undefined), () => undefined)
  if (replayed === undefined) return undefined
  const { context, diagnostics, hash, intents, tier, version } = replayed
  const cycles = cyclesOf(journal)
  const result: JobResult = {
    ...{ jobId, program, status: end.status, cycles, version, hash, context, intents, diagnostics },
    usage: { ...end.usage, cycles },
    output: end.output
  }
  const left: StoredEnd =
    end.cause === null ? result : fromCause(reviveCause(end.cause), jobId, { ...result, output: undefined })
  return { left, tier, version, usage: result.usage }
})
