/**
 * `converge cancel`: ends a job of a store or of a server for good, and its child jobs before it.
 *
 * A job that no engine holds is ended in its journal. If an engine holds the job, on this machine or another, the command asks
 * that engine through the store, and the engine looks every second. Boundary: the store or
 * the server; needs no program.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { StartError } from "../outcome/JobError.ts"
import { endHeld } from "../job/endStored.ts"
import { Limits } from "../Limits.ts"
import { JobStore, type StoredJob, type StoredJournal } from "../store/index.ts"
import { undefinedIfMissing } from "../store/missing.ts"
import { CommandFailed, ExitCode, type Failed } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { jobJson } from "./jobs.ts"
import { type AServer, placeOf } from "./place.ts"
import { asFailed, type JobOptions, printed } from "./storedJobs.ts"
import { statusLine } from "./report.ts"
import { jobIdOf, openExisting } from "./storeFile.ts"
import { duration, oneLine } from "./text.ts"
import { monotonicMs } from "../platform/monotonicMs.ts"

export interface CancelOptions extends JobOptions {
  /** The time to wait for the engine that runs the job. */
  readonly timeoutMs: number
}

interface Cancelled {
  readonly job: StoredJob
  readonly isNew: boolean
}

export const cancel = (host: Host, options: CancelOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const jobId = yield* jobIdOf(options.args, options.id)
    const place = yield* placeOf(options)
    const cancelled = yield* place._tag === "File"
      ? inFile(place.filename, jobId, options.timeoutMs)
      : onServer(place, jobId, options.timeoutMs)
    return yield* printed(host, options.json, cancelled, {
      json: ({ isNew, job }) => ({ ...jobJson(job, job.status ?? "unfinished"), isNew }),
      page: ({ isNew, job }, { style }) => {
        const line = statusLine(job.status ?? "unfinished", oneLine(job.jobId), style)
        return isNew ? line : `${line}${style("dim", "  before this")}`
      }
    })
  })

const notInTime = (jobId: string, timeoutMs: number): CommandFailed => {
  const message = `the job ${oneLine(jobId)} has not ended within ${duration(timeoutMs)}: its engine was asked to cancel it`
  return new CommandFailed({ message, exitCode: ExitCode.failed })
}

const onServer = (server: AServer, jobId: string, timeoutMs: number): Effect.Effect<Cancelled, Failed> =>
  Effect.gen(function* () {
    const { cancelHeld } = yield* Effect.promise(() => import("./heldJob.ts"))
    const cancelled = yield* Effect.timeoutOption(cancelHeld(server, jobId), timeoutMs)
    return Option.isSome(cancelled) ? cancelled.value : yield* notInTime(jobId, timeoutMs)
  })

const inFile = (filename: string, jobId: string, timeoutMs: number): Effect.Effect<Cancelled, Failed> =>
  cancelStored(jobId, timeoutMs).pipe(
    Effect.map(({ isNew, journal }) => ({ job: journal, isNew })),
    Effect.mapError(asFailed),
    Effect.provide(openExisting(filename))
  )

const cancelStored = (
  jobId: string,
  timeoutMs: number
): Effect.Effect<{ readonly journal: StoredJournal; readonly isNew: boolean }, StartError | CommandFailed, JobStore> =>
  Effect.gen(function* () {
    const store = yield* JobStore
    const first = yield* store.load(jobId)
    if (first.status !== undefined) return { journal: first, isNew: false }
    const clock = yield* Clock.Clock
    const until = monotonicMs(clock) + timeoutMs
    const endChild = (child: string) => Effect.provideService(cancelStored(child, timeoutMs), JobStore, store)
    let isAsked = false
    for (;;) {
      const fence = yield* Effect.catchTag(store.lease(jobId), "StoreError", (error) =>
        error.reason === "held" || error.reason === "missing" ? Effect.succeed(undefined) : Effect.fail(error)
      )
      if (fence !== undefined) {
        yield* endHeld(store, jobId, fence, endChild)
        const journal = yield* store.load(jobId)
        return { journal, isNew: journal.status === "cancelled" }
      }
      const journal = yield* store.load(jobId)
      if (journal.status !== undefined) return { journal, isNew: journal.status === "cancelled" }
      if (!isAsked) {
        isAsked = true
        // The job may end at this moment, which is just as good.
        yield* undefinedIfMissing(store.requestCancel(jobId))
      }
      if (monotonicMs(clock) >= until) return yield* notInTime(jobId, timeoutMs)
      yield* Effect.sleep(Limits.cancelPollMs / 10)
    }
  })
