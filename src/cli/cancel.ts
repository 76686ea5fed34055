/**
 * `converge cancel`: ends a stored job for good, and its child jobs before it.
 *
 * A job that no engine holds is ended in its journal. If an engine holds the job, on this machine or another, the command asks
 * that engine through the store, and the engine looks every second. Boundary: the store; needs no program.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { StartError } from "../outcome/JobError.ts"
import { endHeld } from "../job/endStored.ts"
import { Limits } from "../Limits.ts"
import { JobStore, type StoredJournal } from "../store/index.ts"
import { undefinedIfMissing } from "../store/missing.ts"
import { CommandFailed, ExitCode, type Failed } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { jobJson } from "./jobs.ts"
import { change, type JobOptions } from "./storedJobs.ts"
import { statusLine } from "./report.ts"
import { jobIdOf } from "./storeFile.ts"
import { duration, oneLine } from "./text.ts"
import { monotonicMs } from "../platform/monotonicMs.ts"

export interface CancelOptions extends JobOptions {
  /** The time to wait for the engine that runs the job. */
  readonly timeoutMs: number
}

interface Cancelled {
  readonly journal: StoredJournal
  readonly isNew: boolean
}

export const cancel = (host: Host, options: CancelOptions): Effect.Effect<number, Failed> =>
  Effect.flatMap(jobIdOf(options.args, options.id), (jobId) =>
    change(
      host,
      options,
      cancelStored(jobId, options.timeoutMs),
      ({ isNew, journal }) => ({ ...jobJson(journal, journal.status ?? "unfinished"), isNew }),
      ({ isNew, journal }, { style }) => {
        const line = statusLine(journal.status ?? "unfinished", oneLine(journal.jobId), style)
        return isNew ? line : `${line}${style("dim", "  before this")}`
      }
    )
  )

const cancelStored = (
  jobId: string,
  timeoutMs: number
): Effect.Effect<Cancelled, StartError | CommandFailed, JobStore> =>
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
        return { journal: yield* store.load(jobId), isNew: true }
      }
      const journal = yield* store.load(jobId)
      if (journal.status !== undefined) return { journal, isNew: journal.status === "cancelled" }
      if (!isAsked) {
        isAsked = true
        // The job may end at this moment, which is just as good.
        yield* undefinedIfMissing(store.requestCancel(jobId))
      }
      if (monotonicMs(clock) >= until) {
        const message = `the job ${oneLine(jobId)} has not ended within ${duration(timeoutMs)}: its engine was asked to cancel it`
        return yield* new CommandFailed({ message, exitCode: ExitCode.failed })
      }
      yield* Effect.sleep(Limits.cancelPollMs / 10)
    }
  })
