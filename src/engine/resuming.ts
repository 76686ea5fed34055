/**
 * Resuming: a stored job goes on here, from where its journal ends; or is shown, if it has ended.
 *
 * Invariants: a job is taken up once at a time, and all callers that ask for it meanwhile get the same session; it goes on
 * only under a lease of the store, and an attempt that fails gives the lease back (G11). Boundary: who may go on with a job,
 * and when; the session is made in storedSession.ts, and the replay is takeUp.ts.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { JobSession } from "../job/session.ts"
import { endIn } from "../journal/edges.ts"
import { refuseOther } from "../journal/find.ts"
import type { StartError } from "../outcome/JobError.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import { type StoredJournal, StoreError } from "../store/JobStore.ts"
import type { EngineState } from "./engineState.ts"
import { giveActor } from "./launching.ts"
import { idIsLive } from "./liveJobs.ts"
import { endedSession, notResumed, resumedSession, tellNotResumed } from "./storedSession.ts"
import { compiledProgram } from "./startRequest.ts"
import { takeUp } from "./takeUp.ts"

/** A stored job that is to go on. */
export interface StoredJob {
  readonly program: CompiledProgram
  readonly journal: StoredJournal
  /** The canonical text of the input that the job must have; undefined: any. */
  readonly input: string | undefined
  readonly isChild: boolean
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
  const fence = yield* Effect.catchTag(store.lease(jobId), "StoreError", (error) =>
    error.reason === "missing" ? Effect.succeed(undefined) : Effect.fail(error)
  )
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

/** Goes on with a job that is held for this engine. */
const goOn = Effect.fnUntraced(function* (
  engine: EngineState,
  { isChild, journal, program }: StoredJob,
  fence: number
) {
  const { admission, live, onFinished, runs, store } = engine
  const { jobId } = journal
  const services = yield* Effect.context<unknown>()
  // Rows that were written between the first look and the lease count.
  const current = yield* store.load(jobId)
  const taken = yield* takeUp(store, current, program, fence)
  const late = admission.refuse(jobId, isChild)
  if (late !== undefined) return yield* late
  const session = resumedSession({ ...runs, services, onFinished }, { program, jobId, fence, taken })
  live.add(session)
  giveActor(engine, session)
  if (taken.between.at(-1) === "Paused") session.actor.send({ type: "PAUSE" })
  admission.place(session, isChild)
  return session
})

/** Resumes a stored job by its id. The parameters are those of `Engine.resume`. */
export const resumeJob = Effect.fnUntraced(function* (engine: EngineState, program: Program.Any, jobId: string) {
  const compiled = yield* compiledProgram(program)
  const present = engine.live.findOf(compiled, jobId)
  if (present !== undefined) return present
  const journal = yield* engine.store.load(jobId)
  return yield* resumeStored(engine, { program: compiled, journal, input: undefined, isChild: false })
})

/**
 * Resumes the unfinished jobs of some programs that nobody else holds, one after the other. A failure is logged, and hinders
 * no other job.
 */
export const resumeAll = Effect.fnUntraced(function* (engine: EngineState, programs: ReadonlyArray<Program.Any>) {
  const resumed: Array<JobSession> = []
  for (const program of programs) {
    const compiled = yield* compiledProgram(program)
    let cursor: string | undefined
    do {
      const page = yield* engine.store.list({ status: "unfinished", program: compiled.name, cursor })
      cursor = page.cursor
      for (const { jobId } of page.jobs) {
        if (engine.live.has(jobId)) continue
        const session = yield* Effect.matchCauseEffect(resumeJob(engine, program, jobId), {
          onFailure: (cause) => Effect.as(tellNotResumed(jobId, cause), undefined),
          onSuccess: Effect.succeed
        })
        if (session !== undefined) resumed.push(session)
      }
    } while (cursor !== undefined)
  }
  return resumed
})
