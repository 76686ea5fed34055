/**
 * The end of a job: what is not committed is undone, fibers, threads and resources let go, children and journal are ended,
 * and whoever waits is answered.
 *
 * Invariants: a job ends once; the answer comes last, when its place and its id are free (G10, G13). Boundary: the one file
 * that closes a session; when a job ends is for the driver, the handle and the engine to say.
 */
import type * as EffectCause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Usage } from "../program/Budget.ts"
import type { JobError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type { Cause, Status } from "../outcome/Cause.ts"
import { endChildren } from "./endStored.ts"
import { fromCause } from "../outcome/fromCause.ts"
import { endJournal } from "./journaling.ts"
import type { JobSession } from "./session.ts"

/**
 * Ends a session: undoes what is not committed, lets go of fibers, threads and resources, and gives the result to whoever
 * waits. Runs once; later calls do nothing.
 */
export const finish = (
  session: JobSession,
  status: Status,
  cause: Cause | undefined,
  nowMs: Effect.Effect<number>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (session.finished !== undefined) return Effect.void
    session.close(status)
    return Effect.uninterruptible(release(session, status, cause, nowMs))
  })

/** A bug of the engine: the job ends as a defect. */
export const finishDefect = (session: JobSession, defect: EffectCause.Cause<never>): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (session.finished !== undefined) return Effect.void
    session.close("failed")
    return Effect.uninterruptible(
      Effect.andThen(
        letGo(session, "failed"),
        Effect.sync(() => end(session, "failed", undefined, Effect.failCause(defect)))
      )
    )
  })

/** Ends the handlers of intents, closes the job's scope, releases its replicas and ends its journal. Does it once. */
export const letGo = (session: JobSession, status: Status): Effect.Effect<void> => {
  if (session.hasLetGo) return Effect.void
  session.hasLetGo = true
  const { jobId } = session
  return (session.outbox?.close ?? Effect.void).pipe(
    Effect.andThen(Effect.suspend(() => endChildren(session, status))),
    Effect.andThen(Scope.close(session.scope, Exit.void)),
    Effect.andThen(session.options.pool.release(jobId)),
    Effect.andThen(Effect.suspend(() => endJournal(session, status))),
    Effect.catchTag("StoreError", (error) =>
      Effect.logWarning(`the store did not take the end of job ${jobId}: ${error.message}`)
    ),
    Effect.catchCause((failure) => Effect.logWarning(`job ${jobId} let go with an error`, failure))
  )
}

/** Takes up a job that has ended: nothing of it runs any more. */
export const restoreEnd = (
  session: JobSession,
  status: Status,
  cause: Cause | undefined,
  usage: Usage,
  output: unknown
): void => {
  session.finished = status
  session.isEndStored = true
  session.hasLetGo = true
  session.output = output
  session.clock.restore(usage.durationMs)
  session.cpuMs = usage.cpuMs
  end(session, status, cause, outcomeOf(session, status, cause, 0))
}

const release = (
  session: JobSession,
  status: Status,
  cause: Cause | undefined,
  nowMs: Effect.Effect<number>
): Effect.Effect<void> =>
  letGo(session, status).pipe(
    Effect.andThen(nowMs),
    Effect.map((now) => outcomeOf(session, status, cause, now)),
    Effect.matchCause({
      onFailure: (defect) => end(session, status, cause, Effect.failCause(defect)),
      onSuccess: (outcome) => end(session, status, cause, outcome)
    })
  )

const outcomeOf = (
  session: JobSession,
  status: Status,
  cause: Cause | undefined,
  nowMs: number
): Effect.Effect<JobResult, JobError> => {
  const result = resultOf(session, status, nowMs)
  return cause === undefined
    ? Effect.succeed(result)
    : Effect.fail(fromCause(cause, session.jobId, { ...result, output: undefined }))
}

/** The last step of every end: the log's last event, and the answer to whoever waits. */
const end = (
  session: JobSession,
  status: Status,
  cause: Cause | undefined,
  outcome: Effect.Effect<JobResult, JobError>
): void => {
  // Whoever waits goes on at once, in the middle of this: its place and its id are free by then.
  session.options.onFinished(session, status)
  const { hash, version } = session.ledger
  session.log.append({ _tag: "Halted", cycle: session.cycle, tier: session.tier, status, version, hash, cause })
  settle(session)
  Deferred.doneUnsafe(session.done, outcome)
}

/** Answers everybody who waits for something that will not happen any more. */
const settle = (session: JobSession): void => {
  const signals = [...session.staged.map(({ signal }) => signal), ...session.mailbox.drain()]
  const waiters = session.pauseWaiters.splice(0)
  session.staged = []
  // Mostly nobody waits, and an error costs its stack.
  if (signals.length + waiters.length > 0) {
    const halted = Effect.fail(session.halted())
    for (const { committed } of signals) Deferred.doneUnsafe(committed, halted)
    for (const waiter of waiters) Deferred.doneUnsafe(waiter, halted)
  }
  session.telemetry.end()
}

const resultOf = (session: JobSession, status: Status, nowMs: number): JobResult => {
  const { ledger, program, progress, tracker } = session
  const cycles = status === "converged" ? session.cycle + 1 : session.cycle
  program.agents.forEach((agent, index) => ledger.marks.set(agent.name, progress[index]!.mark))
  return Object.freeze({
    jobId: session.jobId,
    program: program.name,
    status,
    cycles,
    version: ledger.version,
    hash: ledger.hash,
    usage: Object.freeze({ ...session.usage(nowMs), cycles }),
    context: ledger.seal(),
    output: session.output,
    intents: Object.freeze([...tracker.intents]),
    diagnostics: Object.freeze([...tracker.diagnostics])
  })
}
