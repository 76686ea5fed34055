/**
 * Makes the sessions of stored jobs, both unfinished and ended.
 *
 * Boundary: from a replay to a session; resuming.ts decides whether and when a job continues.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import type { JournalCorrupt, ProgramChanged, StartError } from "../outcome/JobError.ts"
import { type StoredJournal, StoreError } from "../store/JobStore.ts"
import { recallPayments } from "../job/accountOf.ts"
import { restoreEnd } from "../job/ending.ts"
import { makeEndedActor } from "../job/jobActor.ts"
import { JobSession, type SessionOptions } from "../job/session.ts"
import { endOfJournal, takeUp, type TakenUp } from "./takeUp.ts"
import type { CompiledProgram } from "../program/erased.ts"
import { childIdsOf } from "../intents/childIds.ts"
import type { NoteTag, EndExtra } from "../journal/records.ts"

/** The options that all sessions of an engine have in common. */
export type Runs = Pick<SessionOptions, "pool" | "store" | "performers" | "fiberConcurrency" | "gates">

type OwnRuns = Runs & Pick<SessionOptions, "services" | "onFinished">

/** A replayed job. */
interface Replayed {
  readonly program: CompiledProgram
  readonly jobId: string
  readonly taken: TakenUp
}

const sessionFrom = (runs: OwnRuns, { jobId, program, taken }: Replayed): JobSession => {
  const { attributes, begunIn, budget, createdAt, forkOf, handed, ledger, log, replay } = taken
  const replayed = { createdAt, attributes, forkOf, tracker: replay.tracker, log, begunIn }
  const session = new JobSession({ ...runs, jobId, program, ledger, budget, handed, replayed })
  session.resumeFrom(replay)
  session.level = taken.depth ?? 0
  session.parent = taken.parent
  session.childId = childIdsOf(jobId, taken.depth !== undefined)
  return session
}

/** Makes the session of a job that continues under a fence. It has no actor yet. */
export const resumedSession = (runs: OwnRuns, replayed: Replayed & { readonly fence: number }): JobSession => {
  const { fence, taken } = replayed
  const session = sessionFrom(runs, replayed)
  session.fence = fence
  session.kept = taken.kept
  recallPayments(session, taken.paidSince)
  const { pending } = taken.replay
  if (pending.size > 0) session.openOutbox(pending.values())
  session.notes = lastingNotes(taken.notes)
  session.restedBefore = restOf(taken)
  for (const tag of session.notes) session.log.append({ _tag: tag, cycle: session.cycle })
  return session
}

/** Makes the read-only session of an ended job. */
export const endedSession = (
  runs: Runs,
  ended: { readonly program: CompiledProgram; readonly journal: StoredJournal; readonly end: EndExtra }
): Effect.Effect<JobSession, StoreError | JournalCorrupt | ProgramChanged, unknown> =>
  Effect.gen(function* () {
    const { journal, program } = ended
    const services = yield* Effect.context<unknown>()
    const taken = yield* takeUp(runs.store, journal, program, undefined)
    const end = endOfJournal(ended.end, program, taken)
    const { cause, status, usage } = end
    const ownRuns = { ...runs, services, onFinished: () => undefined }
    const session = sessionFrom(ownRuns, { program, jobId: journal.jobId, taken })
    session.actor = makeEndedActor(session, status, cause?._tag ?? null)
    for (const tag of taken.notes) session.log.append({ _tag: tag, cycle: session.cycle })
    restoreEnd(session, status, cause ?? undefined, usage, end)
    return session
  })

/** The rest since the last row, if it is the only thing that was noted since: then it began with that row's commit. */
const restOf = ({ notes, replay: { cycle, extra } }: TakenUp): JobSession["restedBefore"] => {
  const [only] = notes
  if (notes.length !== 1 || extra === undefined || only === undefined || only === "Resumed") return undefined
  return { why: only === "Paused" ? "paused" : "awaiting", cycle, at: extra.at }
}

/** Notes since the last row, without those that resuming will write again: if the job was at rest, it will come to rest again. */
const lastingNotes = (notes: ReadonlyArray<NoteTag>): Array<NoteTag> => {
  const [before, last] = notes.slice(-2)
  if (last === "Resumed") return notes.slice(0, before === "Awaiting" ? -2 : undefined)
  return notes.slice(0, -1)
}

/** The failure of callers that waited for a job to be taken up, when that was interrupted. */
export const notResumed = (jobId: string): Exit.Exit<never, StoreError> =>
  Exit.fail(new StoreError({ reason: "failed", message: `taking up the job ${jobId} was interrupted` }))

/** Logs the reason why a job was not resumed. A job that another engine holds gives no warning, and is checked again. */
export const tellNotResumed = (jobId: string, cause: Cause.Cause<StartError | InvalidProgram>): Effect.Effect<void> => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined) return Effect.logWarning(`the job ${jobId} was not resumed`, cause)
  const reason = error._tag === "StoreError" ? error.reason : undefined
  if (reason === "held") return Effect.logDebug(`the job ${jobId} is held by another engine`)
  // The quarantine has logged its own warning.
  if (reason === "quarantined") return Effect.void
  return Effect.logWarning(`the job ${jobId} was not resumed: ${error.message}`)
}
