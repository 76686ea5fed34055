/**
 * Resumes stored jobs. An unfinished job continues from the end of its journal, and an ended job is shown.
 *
 * Invariants: a job is taken up once at a time, and all callers that ask for it meanwhile get the same session; it continues
 * only under a lease of the store, and a failed attempt gives the lease back (G11). Boundary: decides whether and when this
 * engine continues a job; storedSession.ts makes the session, and takeUp.ts replays the journal.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { tellEnd } from "../job/ending.ts"
import { endHeld } from "../job/endStored.ts"
import type { JobSession } from "../job/session.ts"
import { reviveCause } from "../journal/causes.ts"
import { endIn } from "../journal/edges.ts"
import { refuseOther } from "../journal/find.ts"
import type { StartError } from "../outcome/JobError.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import { type StoredJob as Listed, type StoredJournal, StoreError } from "../store/JobStore.ts"
import { undefinedIfMissing } from "../store/missing.ts"
import type { EngineState } from "./engineState.ts"
import { giveActor } from "./launching.ts"
import { idIsLive } from "./liveJobs.ts"
import { endedSession, notResumed, resumedSession, tellNotResumed } from "./storedSession.ts"
import { compiledProgram } from "./startRequest.ts"
import { quarantineReason } from "./suspects.ts"
import { takeUp } from "./takeUp.ts"
import { endJob } from "./cancellation.ts"

/** A request to continue a stored job. */
export interface StoredJob {
  readonly program: CompiledProgram
  readonly journal: StoredJournal
  /** The canonical text of the input that the job must have; undefined: any. */
  readonly input: string | undefined
  readonly isChild: boolean
  /** The id of the job that it is a child of. */
  readonly parent?: string
  /** Whether a caller resumes the job by its id, which ends a quarantine. */
  readonly isByHand?: boolean
}

/** Takes up a stored job, or returns its session if it is live. Callers that come meanwhile wait for the same session. */
export const resumeStored = (engine: EngineState, job: StoredJob): Effect.Effect<JobSession, StartError, unknown> =>
  Effect.suspend(() => {
    const { jobId } = job.journal
    const other = refuseOther(job.journal, job.program, job.input)
    if (other !== undefined) return Effect.fail(other)
    return engine.resuming.run(jobId, presentOr(engine, job), () => notResumed(jobId))
  })

const presentOr = (engine: EngineState, job: StoredJob): Effect.Effect<JobSession, StartError, unknown> =>
  Effect.suspend(() => {
    const { jobId } = job.journal
    if (!engine.live.has(jobId)) return resumeAlone(engine, job)
    // A job whose seeds are still planted has no actor to show.
    const present = engine.live.findStarted(jobId)
    return present === undefined ? Effect.fail(idIsLive(job.program, jobId)) : Effect.succeed(present)
  })

const resumeAlone = Effect.fnUntraced(function* (engine: EngineState, job: StoredJob) {
  const { owed, runs, store } = engine
  const { journal, program } = job
  const { jobId } = journal
  const end = yield* endIn(journal)
  if (end !== undefined) return yield* endedSession(runs, { program, journal, end })
  yield* owed.settle(jobId)
  const refused = engine.admission.refuse(jobId, job.isChild)
  if (refused !== undefined) return yield* refused
  const isQuarantined = journal.attempts?.quarantine !== undefined
  if (isQuarantined && job.isByHand !== true) return yield* quarantined(journal, journal.attempts.quarantine)
  if (engine.suspects.isSpent(journal)) return yield* quarantine(engine, journal)
  const fence = yield* undefinedIfMissing(store.lease(jobId, { anew: isQuarantined }))
  if (fence === undefined) {
    // The job has ended since its journal was loaded.
    const ended = yield* store.load(jobId)
    const end = yield* endIn(ended)
    if (end !== undefined) return yield* endedSession(runs, { program, journal: ended, end })
    return yield* new StoreError({ reason: "missing", message: `there is no unfinished job ${jobId}` })
  }
  return yield* Effect.onExit(goOn(engine, job, fence), (exit) =>
    Exit.isFailure(exit) ? Effect.ignore(store.release(jobId, fence)) : Effect.void
  )
})

const advice =
  `No engine takes it up by itself any more: "converge resume --id", or Engine.resume, tries it again, and ` +
  `"converge cancel" ends it`

/** Quarantines a job without attempts left. It stays in the store until a caller resumes it by its id. */
const quarantine = Effect.fnUntraced(function* ({ store }: EngineState, journal: StoredJournal) {
  const { jobId, program } = journal
  const reason = quarantineReason(journal)
  yield* store.quarantine(jobId, yield* store.lease(jobId), reason)
  const why = `${reason}. ${advice}`
  yield* Effect.logWarning(`the job ${jobId} of program ${program} is quarantined: ${why}`)
  return yield* quarantined(journal, reason)
})

const quarantined = ({ jobId }: StoredJournal, reason: string): StoreError =>
  new StoreError({
    reason: "quarantined",
    message: `the job ${jobId} is quarantined: ${reason}. Resume it by its id to try again`
  })

/** Continues a job whose lease this engine has. */
const goOn = Effect.fnUntraced(function* (
  engine: EngineState,
  { isChild, journal, parent, program }: StoredJob,
  fence: number
) {
  const { admission, live, onFinished, runs, store } = engine
  const { jobId } = journal
  const services = yield* Effect.context<unknown>()
  // Rows that were written between the first look and the lease count.
  const current = yield* store.load(jobId)
  const taken = yield* takeUp(store, current, program, fence)
  if (taken.end !== undefined) return yield* endNoted(engine, program, jobId, fence)
  const late = admission.refuse(jobId, isChild)
  if (late !== undefined) return yield* late
  const session = resumedSession({ ...runs, services, onFinished }, { program, jobId, fence, taken })
  live.add(session)
  giveActor(engine, session, parent)
  if (taken.notes.at(-1) === "Paused") session.actor.send({ type: "PAUSE" })
  admission.place(session, isChild)
  return session
})

/** Ends a job that an earlier process was about to end when it died, as it would have ended there. */
const endNoted = Effect.fnUntraced(function* (
  engine: EngineState,
  program: CompiledProgram,
  jobId: string,
  fence: number
) {
  const { runs, store } = engine
  yield* endHeld(store, jobId, fence, (child) => endJob(engine, child))
  const journal = yield* store.load(jobId)
  const end = yield* endIn(journal)
  if (end === undefined) return yield* new StoreError({ reason: "failed", message: `the job ${jobId} has no end` })
  const session = yield* endedSession(runs, { program, journal, end })
  if (end.cause !== null) tellEnd(session, end.status, reviveCause(end.cause))
  return session
})

/** Resumes a stored job by its id. The parameters are those of `Engine.resume`. */
export const resumeJob = (engine: EngineState, program: Program.Any, jobId: string) =>
  Effect.flatMap(compiledProgram(program), (compiled) => resumeById(engine, compiled, jobId, true))

const resumeById = Effect.fnUntraced(function* (
  engine: EngineState,
  program: CompiledProgram,
  jobId: string,
  isByHand: boolean
) {
  const present = engine.live.findOf(program, jobId)
  if (present !== undefined) return present
  const journal = yield* engine.store.load(jobId)
  return yield* resumeStored(engine, { program, journal, input: undefined, isChild: false, isByHand })
})

/** Resumes a job by itself, without a caller. A failure is logged. */
const resumeOrTell = (engine: EngineState, program: CompiledProgram, jobId: string) =>
  Effect.matchCauseEffect(resumeById(engine, program, jobId, false), {
    onFailure: (cause) => Effect.as(tellNotResumed(jobId, cause), []),
    onSuccess: (session) => Effect.succeed([session])
  })

/** An unfinished job that was taken up without progress, and its program. */
interface Suspect {
  readonly job: Listed
  readonly program: CompiledProgram
}

/** Resumes the unfinished jobs of some programs that no engine holds, except suspects. It returns the suspects. */
const resumeUnsuspected = Effect.fnUntraced(function* (engine: EngineState, programs: ReadonlyArray<Program.Any>) {
  const resumed: Array<JobSession> = []
  const suspects: Array<Suspect> = []
  for (const one of programs) {
    const program = yield* compiledProgram(one)
    let cursor: string | undefined
    do {
      const page = yield* engine.store.list({ status: "unfinished", program: program.name, cursor })
      cursor = page.cursor
      for (const job of page.jobs) {
        if (engine.live.has(job.jobId) || job.attempts?.quarantine !== undefined) continue
        if (engine.suspects.isSuspect(job)) suspects.push({ job, program })
        else resumed.push(...(yield* resumeOrTell(engine, program, job.jobId)))
      }
    } while (cursor !== undefined)
  }
  return { resumed, suspects }
})

/**
 * Resumes the unfinished jobs of some programs that no other engine holds, one after the other. It logs a failure and goes on
 * with the next job. It skips quarantined jobs.
 */
export const resumeAll = Effect.fnUntraced(function* (engine: EngineState, programs: ReadonlyArray<Program.Any>) {
  const { resumed, suspects } = yield* resumeUnsuspected(engine, programs)
  for (const { job, program } of suspects) resumed.push(...(yield* resumeOrTell(engine, program, job.jobId)))
  return resumed
})

/** Does the same as `resumeAll` for one scan of the store, but suspects wait for their turn. */
export const resumeNext = Effect.fnUntraced(function* (engine: EngineState, programs: ReadonlyArray<Program.Any>) {
  const { suspects } = yield* resumeUnsuspected(engine, programs)
  if (suspects.length === 0) return
  const now = yield* Clock.currentTimeMillis
  for (const { job, program } of engine.suspects.choose(suspects, now)) {
    yield* resumeOrTell(engine, program, job.jobId)
  }
})
