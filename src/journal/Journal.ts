/**
 * Reads stored jobs: the context after any cycle, the changes of a range of cycles, the event log, and the integrity of a
 * journal.
 *
 * The functions read the journal alone. No agent and no invariant runs. If a program is given, the schemas of its kinds and
 * its `migrate` run, and nothing else of it. Without a program, values are JSON, as the schemas of the kinds encoded them.
 * An engine may run the job meanwhile: the functions show the committed cycles.
 *
 * Boundary: the public names. views.ts implements them, and loads when one of them is first used.
 */
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { loadOnce } from "../platform/loadOnce.ts"
import type { InvalidInput, JournalCorrupt, ProgramChanged, StoreError } from "../outcome/JobError.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { isProgram, type Program } from "../program/Program.ts"
import { JobStore } from "../store/JobStore.ts"
import type { Replayed, Diff, RecordedCycle, Verified } from "./reports.ts"
import { compiledOf } from "../program/erased.ts"
import { anything, checkOptions, must, type Rule, type Rules, whole } from "../values/options.ts"

export type { CorruptPart, Diff, RecordedCycle, RecordedTask, Replayed, UntimedTask, Verified } from "./reports.ts"

/** Options of `replay`. */
export interface ReplayOptions {
  /** The cycle after which the context is shown; 0: after the seeds. Default: the last. */
  readonly at?: number | undefined
  /** The program of the job. With it, values have the types of its kinds, as agents see them. Default: values are JSON. */
  readonly program?: Program.Any | undefined
}

type ReadError = StoreError | JournalCorrupt

const load = loadOnce(() => import("./views.ts"))

const program: Rule = must("a program made by Program.make", isProgram)

/** `replayed` refuses a cycle that does not exist. */
const replayRules: Rules<ReplayOptions> = { at: anything, program }

const eventRules = { after: whole(0), program }

const check = <O>(of: string, options: unknown, rules: Rules<O>): Effect.Effect<void> =>
  Effect.sync(() => checkOptions(of, options === undefined ? {} : options, rules))

const compiled = (program: Program.Any | undefined) => (program === undefined ? undefined : compiledOf(program))

/**
 * Returns the context of a stored job after any of its cycles.
 *
 * With a `program`, values have the types of its kinds. If the cycle was committed with other kinds, the program's `migrate`
 * converts the facts, as it does for `Engine.resume`. A program without `migrate` then fails with `ProgramChanged`. If the job
 * was migrated after the cycle, the context is the one before the migration. After the last cycle it is the migrated one, from
 * which the job continues.
 *
 * Fails with `StoreError` (`missing`), with `JournalCorrupt` if a row up to the cycle differs from the row that was written,
 * and with `InvalidInput` if the job has no such cycle or belongs to another program.
 */
export const replay = (
  jobId: string,
  options?: ReplayOptions
): Effect.Effect<Replayed, ReadError | ProgramChanged | InvalidInput, JobStore> =>
  Effect.flatMap(Effect.andThen(check("Journal.replay", options, replayRules), JobStore), (store) =>
    Effect.flatMap(load, ({ replayed }) => replayed(store, jobId, compiled(options?.program), options?.at))
  )

/**
 * Returns the changes that the cycles after `from`, up to `to`, made to the context of a stored job. Values are JSON. Fails as
 * `replay` does, and with `InvalidInput` if `from` is after `to`.
 */
export const diff = (
  jobId: string,
  from: number,
  to: number
): Effect.Effect<Diff, ReadError | InvalidInput, JobStore> =>
  Effect.flatMap(JobStore, (store) => Effect.flatMap(load, ({ diffOf }) => diffOf(store, jobId, from, to)))

/**
 * Returns the event log of a stored job. Events and their numbers are those of `job.events` of the live job. The stream ends
 * after the last committed event, which is `JobHalted` if the job has ended.
 *
 *     Stream.unwrap(Journal.events("audit-42", { after: 100 }))
 *
 * The function returns an effect of a stream because the package's root does not load `effect/Stream`. The stream begins after
 * the `seq` in `after`. With a `program`, fact values have the types of its kinds, as in the events of the live job. Without
 * one they are JSON, which is the same for kinds of plain data. The stream reads page by page, and holds one page of the log.
 * At a row that differs from the row that was written, it gives the events before that row and fails with `JournalCorrupt`.
 */
export const events = (
  jobId: string,
  options?: {
    /** The stream begins after the event with this `seq`. Default: 0, which is the beginning. */
    readonly after?: number | undefined
    /** The program of the job. With it, fact values have the types of its kinds. Default: values are JSON. */
    readonly program?: Program.Any | undefined
  }
): Effect.Effect<Stream.Stream<JobEvent, ReadError>, never, JobStore> =>
  Effect.flatMap(Effect.andThen(check("Journal.events", options, eventRules), JobStore), (store) =>
    Effect.map(load, ({ eventsIn }) => eventsIn(store, jobId, compiled(options?.program), options?.after ?? 0))
  )

/**
 * Replays a stored job and reports the last cycle up to which its journal is intact. It checks every hash of the chain, every
 * checksum and every base context, and that no row is missing. A corrupt journal is a report, not a failure. A writer of the
 * store can forge a whole chain, so compare `hash` with a copy that is stored elsewhere.
 */
export const verify = (jobId: string): Effect.Effect<Verified, StoreError, JobStore> =>
  Effect.flatMap(JobStore, (store) => Effect.flatMap(load, ({ verified }) => verified(store, jobId)))

const timelineRules = { after: whole(0), until: whole(0) }

/**
 * Returns when the cycles of a stored job were committed, and when those of their tasks ran that took a millisecond or more.
 *
 * The times are those of the process that committed the cycle. A cycle that was stopped, or lost with its process, has none. The
 * stream gives the cycles after `after`, up to `until`, in order. It checks the hashes of the rows, without a replay. Fails
 * with `StoreError` (`missing`), and with `JournalCorrupt` at a row that cannot be read.
 */
export const timeline = (
  jobId: string,
  options?: {
    /** The stream begins after this cycle. Default: 0, which is the beginning. */
    readonly after?: number | undefined
    /** The last cycle of the stream. Default: the last that is committed. */
    readonly until?: number | undefined
  }
): Effect.Effect<Stream.Stream<RecordedCycle, ReadError>, never, JobStore> =>
  Effect.flatMap(Effect.andThen(check("Journal.timeline", options, timelineRules), JobStore), (store) =>
    Effect.map(load, ({ timelineIn }) => timelineIn(store, jobId, options?.after ?? 0, options?.until))
  )
