/**
 * A job of a file that another process runs, followed from here: the file is read again when it has changed.
 *
 * Each look reads the head of the journal, and the rows since the last look. The pause between two looks grows with the time that
 * reading takes. Boundary: a store in, a log out.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { JournalFollower } from "../journal/following.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { monotonicMs } from "../platform/monotonicMs.ts"
import { JobStore, type StoredJournal } from "../store/index.ts"
import { openIn } from "./approvals.ts"
import type { Failed } from "./exitCode.ts"
import { type FollowOptions, followToEnd, storedEnd, tellOpen } from "./followedJob.ts"
import type { Host } from "./hostProcess.ts"
import { type Standing, standingOf } from "./standing.ts"
import { asFailed } from "./storedJobs.ts"
import { openForReading } from "./storeFile.ts"
import { oneLine } from "./text.ts"

/** Tuning: milliseconds between two looks at the head of a journal, and how much longer a pause is than the last reading. */
const lookMs = 200
const pauseFactor = 4

const signOf = ({ cycle, end, note, status }: StoredJournal): string => JSON.stringify([cycle, note, status, end])

/** The events of a job, up to `JobHalted`, as they are committed. */
const eventsOf = (store: JobStore["Service"], jobId: string): Stream.Stream<JobEvent, Failed> =>
  Stream.suspend(() => {
    const follower = new JournalFollower(store)
    return Stream.paginate("", (seen) =>
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        const journal = yield* store.load(jobId)
        const sign = signOf(journal)
        if (sign === seen) {
          yield* Effect.sleep(lookMs)
          return [[], Option.some(seen)] as const
        }
        const began = monotonicMs(clock)
        const fresh = yield* follower.look(journal)
        yield* Effect.sleep(Math.max((monotonicMs(clock) - began) * pauseFactor, 0))
        return [fresh, fresh.at(-1)?._tag === "JobHalted" ? Option.none() : Option.some(sign)] as const
      }).pipe(Effect.mapError(asFailed))
    )
  })

const idleText = (jobId: string, standing: Standing): string | undefined => {
  if (standing !== "unfinished" && standing !== "quarantined") return undefined
  const why = standing === "unfinished" ? "no process runs it" : "it is quarantined"
  return `converge: the job ${oneLine(jobId)} waits: ${why}. converge resume goes on with it`
}

/** Follows a job of a file to its end, prints its result, and gives the exit code. */
export const followInFile = (
  host: Host,
  filename: string,
  jobId: string,
  options: FollowOptions
): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const store = yield* JobStore
    const journal = yield* Effect.mapError(store.load(jobId), asFailed)
    const end = Effect.provideService(storedEnd(host, jobId, options), JobStore, store)
    if (journal.status !== undefined) return yield* end
    const idle = idleText(jobId, yield* standingOf(journal))
    if (idle !== undefined) yield* host.warn(idle)
    const tell = tellOpen(host, jobId, "<the server of the file>")
    const open = Effect.provideService(Effect.mapError(openIn(jobId), asFailed), JobStore, store)
    const events = eventsOf(store, jobId).pipe(
      Stream.tap(({ _tag }) => (_tag === "JobAwaiting" ? Effect.flatMap(open, tell) : Effect.void))
    )
    const watched = {
      jobId,
      log: { events, telemetry: Stream.empty, present: undefined },
      tiers: { name: journal.program, tierCount: 0, agents: [], tierOf: [] },
      end,
      left: "is left alone: watch follows it, cancel ends it"
    }
    return yield* followToEnd(host, watched, options)
  }).pipe(Effect.provide(openForReading(filename)))
