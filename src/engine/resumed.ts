/**
 * Sessions of jobs that were stored: those that go on, and those that have ended.
 *
 * Boundary: from what a replay made to a session; who may go on with a job, and when, is makeEngine.ts.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import type { Between, EndExtra } from "../journal/extra.ts"
import type { JournalCorrupt, ProgramChanged, StartError } from "../outcome/JobError.ts"
import { type StoredJournal, StoreError } from "../store/JobStore.ts"
import { restoreEnd } from "../job/ending.ts"
import { makeEndedActor } from "../job/jobActor.ts"
import { JobSession, type SessionOptions } from "../job/session.ts"
import { endOfJournal, takeUp, type TakenUp } from "./takeUp.ts"
import type { CompiledProgram } from "../program/erased.ts"

/** What all sessions of an engine have in common. */
export type Runs = Pick<SessionOptions, "pool" | "store" | "performers" | "fiberConcurrency">

/** The session of a job that was replayed. */
export const sessionFrom = (
  runs: Runs & Pick<SessionOptions, "services" | "onFinished">,
  program: CompiledProgram,
  jobId: string,
  { budget, createdAt, ledger, log, replay }: TakenUp
): JobSession => {
  const replayed = { createdAt, tracker: replay.tracker, log }
  const session = new JobSession({ ...runs, jobId, program, ledger, budget, replayed })
  session.resumeFrom(replay)
  return session
}

/** The session of a job that has ended, to be looked at. */
export const endedSession = (
  runs: Runs,
  program: CompiledProgram,
  journal: StoredJournal,
  end: EndExtra
): Effect.Effect<JobSession, StoreError | JournalCorrupt | ProgramChanged, unknown> =>
  Effect.gen(function* () {
    const services = yield* Effect.context<unknown>()
    const taken = yield* takeUp(runs.store, journal, program, undefined)
    const { cause, output, status, usage } = endOfJournal(end, program, taken)
    const session = sessionFrom({ ...runs, services, onFinished: () => undefined }, program, journal.jobId, taken)
    session.actor = makeEndedActor(session, status, cause?._tag ?? null)
    for (const tag of taken.between) session.log.append({ _tag: tag, cycle: session.cycle })
    restoreEnd(session, status, cause ?? undefined, usage, output)
    return session
  })

/** What happened since the last row and is not said again: where the job rests, or was just woken, it comes to rest anew. */
export const betweenOf = (between: ReadonlyArray<Between>): Array<Between> => {
  const [before, last] = between.slice(-2)
  if (last === "Resumed") return between.slice(0, before === "Awaiting" ? -2 : undefined)
  return between.slice(0, -1)
}

/** What those get who waited for a job to be taken up, when that was interrupted. */
export const notResumed = (jobId: string): Exit.Exit<never, StoreError> =>
  Exit.fail(new StoreError({ reason: "failed", message: `taking up the job ${jobId} was interrupted` }))

/** A job that another engine holds is not news: it is looked at again. */
export const tellNotResumed = (jobId: string, cause: Cause.Cause<StartError | InvalidProgram>): Effect.Effect<void> => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined) return Effect.logWarning(`the job ${jobId} was not resumed`, cause)
  return error._tag === "StoreError" && error.reason === "held"
    ? Effect.logDebug(`the job ${jobId} is held by another engine`)
    : Effect.logWarning(`the job ${jobId} was not resumed: ${error.message}`)
}
