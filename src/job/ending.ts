/**
 * The end of a job. It undoes the uncommitted cycle, releases fibers, threads and resources, ends children and journal, and
 * answers all callers that wait.
 *
 * Invariants: a job ends once; the answer comes last, when the job's place and its id are free (G10, G13). Boundary: the one file
 * that closes a session. The driver, the handle and the engine decide when.
 */
import type * as EffectCause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Usage } from "../program/Budget.ts"
import type { JobError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type { Cause, Status } from "../outcome/Cause.ts"
import { at } from "./at.ts"
import { childrenToEnd, endChildren } from "./endStored.ts"
import { fromCause } from "../outcome/fromCause.ts"
import { errorToJson, rememberOutput } from "../outcome/resultJson.ts"
import { stackOf } from "../outcome/errorDescription.ts"
import { paidOf } from "../outcome/Spent.ts"
import { runDetached } from "../platform/detached.ts"
import { endJournal, logNotes, noteEnd } from "./journaling.ts"
import type { JobSession } from "./session.ts"

/**
 * Ends a session: undoes the uncommitted cycle, releases fibers, threads and resources, and gives the result to all callers that
 * wait. Later calls do nothing.
 */
export const finish = (session: JobSession, status: Status, cause: Cause | undefined): Effect.Effect<void> =>
  closing(session, status, (released) =>
    Effect.andThen(
      released,
      Effect.sync(() => outcomeOf(session, status, cause))
    ).pipe(
      Effect.matchCause({
        onFailure: (defect) => end(session, status, cause, Effect.failCause(defect)),
        onSuccess: (outcome) =>
          end(session, status, cause, outcome, () => {
            if (cause !== undefined) tellEnd(session, status, cause)
          })
      })
    )
  )

/** Ends a session by a bug of the engine: the job ends as a defect. */
export const finishDefect = (session: JobSession, defect: EffectCause.Cause<never>): Effect.Effect<void> =>
  closing(session, "failed", (released) =>
    Effect.andThen(
      released,
      Effect.sync(() => {
        tellDefect(session, defect)
        end(session, "failed", undefined, Effect.failCause(defect))
      })
    )
  )

/** Closes a session that is not closed yet. `ended`: the rest of its end, given the effect that releases everything. */
const closing = (
  session: JobSession,
  status: Status,
  ended: (released: Effect.Effect<void>) => Effect.Effect<void>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const isReleased = session.stage._tag === "Ending"
    if (!session.close(status)) return Effect.void
    return Effect.uninterruptible(ended(isReleased ? Effect.void : release(session, status)))
  })

/** Releases everything before the machine ends, or before a job has begun. Later calls do nothing. */
export const letGo = (session: JobSession, status: Status): Effect.Effect<void> =>
  session.move({ _tag: "LettingGo" }) ? release(session, status) : Effect.void

/** Notes the end if there are children, ends the handlers of intents, closes the job's scope, and ends its journal. */
const release = (session: JobSession, status: Status): Effect.Effect<void> => {
  const { jobId } = session
  const noted = childrenToEnd(session, status).length === 0 ? Effect.void : noteEnd(session, status)
  return noted.pipe(
    Effect.andThen(Effect.suspend(() => session.outbox?.close ?? Effect.void)),
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

/** Whether a job's end goes to the log. A caller that reports the end to its user itself sets this to false. */
export const LogsEnd = Context.Reference<boolean>("effect-converge/job/LogsEnd", { defaultValue: () => true })

/** Logs a line about a job, for the operator of the engine. */
const tell = ({ jobId, options, program }: JobSession, line: Effect.Effect<void>): void =>
  runDetached(options.services, Effect.annotateLogs(line, { job: jobId, program: program.name }))

/** Logs an end other than convergence. A job that is left in its journal has not ended. */
export const tellEnd = (session: JobSession, status: Status, cause: Cause): void => {
  const { jobId, options, wanted } = session
  if (!Context.get(options.services, LogsEnd) || (wanted === "suspend" && session.isLeftAs(status))) return
  const agent = "agent" in cause ? cause.agent : "spender" in cause ? cause.spender : undefined
  const stack = stackOf(cause)
  const line = lineOf(jobId, status, cause)
  const annotations = {
    status,
    cycle: cause.cycle,
    cycles: session.cycle,
    durationMs: session.usage.durationMs,
    ...(agent === undefined ? {} : { agent }),
    cause: errorToJson(cause),
    ...(stack === "" ? {} : { stack })
  }
  tell(session, Effect.annotateLogs(line, annotations))
}

const lineOf = (jobId: string, status: Status, { _tag }: Cause): Effect.Effect<void> => {
  switch (status) {
    case "budget-exhausted":
      return Effect.logWarning(`job ${jobId} exhausted a budget`)
    case "cancelled":
      return Effect.logInfo(`job ${jobId} was cancelled`)
    default:
      return Effect.logError(`job ${jobId} failed: ${_tag}`)
  }
}

/** Restores a job that has ended. Nothing of it runs. */
export const restoreEnd = (
  session: JobSession,
  status: Status,
  cause: Cause | undefined,
  usage: Usage,
  { output, outputText }: { readonly output?: unknown; readonly outputText?: string | undefined }
): void => {
  session.move({ _tag: "Finished", status })
  session.move({ _tag: "EndStored" })
  session.output = output
  session.outputText = outputText
  session.clock.restore(usage.durationMs)
  session.cpuMs = usage.cpuMs
  // A cycle that was discarded may have paid.
  session.spent.restore(paidOf(usage.byAgent, session.reported))
  end(session, status, cause, outcomeOf(session, status, cause))
}

const outcomeOf = (
  session: JobSession,
  status: Status,
  cause: Cause | undefined
): Effect.Effect<JobResult, JobError> => {
  const result = resultOf(session, status)
  return cause === undefined
    ? Effect.succeed(result)
    : Effect.fail(fromCause(cause, session.jobId, { ...result, output: undefined }))
}

/**
 * The last step of every end: the log's last event, and the answers to all callers that wait.
 *
 * Each part is done even if one before it fails, such as a clock of the embedder. A caller without an answer, or a shutdown,
 * would wait for ever. The job then ends by that defect.
 */
const end = (
  session: JobSession,
  status: Status,
  cause: Cause | undefined,
  outcome: Effect.Effect<JobResult, JobError>,
  told?: () => void
): void => {
  let answer = outcome
  const part = (work: () => void): void => {
    try {
      work()
    } catch (defect) {
      answer = Effect.die(defect)
      tellDefect(session, defect)
    }
  }
  if (told !== undefined) part(told)
  // A waiting caller goes on at once, within this step, so the job's place and its id must be free before.
  part(() => session.options.onFinished(session, status))
  part(() => logNotes(session))
  const { hash, version } = session.ledger
  const { cycle, tier } = session
  part(() => session.log.append({ _tag: "Halted", cycle, tier, status, version, hash, cause }))
  part(() => settle(session))
  Deferred.doneUnsafe(session.done, answer)
}

const tellDefect = (session: JobSession, defect: unknown): void =>
  tell(session, Effect.logError(`job ${session.jobId} was ended by a defect: a bug of the engine`, defect))

/** Answers callers that wait for a signal or a pause that cannot come any more. */
const settle = (session: JobSession): void => {
  const signals = session.mailbox.drain()
  const waiters = session.pauseWaiters.splice(0)
  // Usually no caller waits, and an error costs its stack.
  if (signals.length + waiters.length > 0) {
    const halted = Effect.fail(session.halted())
    for (const { committed } of signals) Deferred.doneUnsafe(committed, halted)
    for (const waiter of waiters) Deferred.doneUnsafe(waiter, halted)
  }
  session.telemetry.end()
}

const resultOf = (session: JobSession, status: Status): JobResult => {
  const { ledger, program, progress, tracker } = session
  const cycles = status === "converged" ? session.cycle + 1 : session.cycle
  for (const [index, { mark, pruned }] of progress.entries()) {
    const { name } = at(program.agents, index)
    ledger.marks.set(name, mark)
    if (pruned > 0) ledger.prunedMarks.set(name, pruned)
  }
  const result: JobResult = Object.freeze({
    jobId: session.jobId,
    program: program.name,
    status,
    cycles,
    version: ledger.version,
    hash: ledger.hash,
    usage: Object.freeze({ ...session.usage, cycles }),
    context: ledger.seal(),
    output: session.output,
    intents: Object.freeze([...tracker.intents]),
    diagnostics: Object.freeze([...tracker.diagnostics])
  })
  rememberOutput(result, session.outputText)
  return result
}
