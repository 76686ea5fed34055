/**
 * Looking at stored jobs: the context after any cycle, what a cycle did, the event log, and whether a journal is what was
 * written.
 *
 * All of it is read from the journal alone: no agent, no invariant and no function of a program runs, but for the schemas of
 * the kinds where a program is given, and its `migrate`. Without one, values are JSON, as the kinds' schemas encoded them.
 * A job may be looked at while some engine runs it: what is shown is what had been committed.
 *
 * Boundary: the public names. What they do is in views.ts, which is loaded when one is first used.
 */
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { loadOnce } from "../platform/loadOnce.ts"
import type { InvalidInput, JournalCorrupt, ProgramChanged, StoreError } from "../outcome/JobError.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { isProgram, type Program } from "../program/Program.ts"
import { JobStore } from "../store/JobStore.ts"
import type { Replayed, Diff, Verified } from "./reports.ts"
import { compiledOf } from "../program/erased.ts"
import { anything, checkOptions, must, type Rule, type Rules, whole } from "../values/options.ts"

export type { CorruptPart, Diff, Replayed, Verified } from "./reports.ts"

/** Options of `replay`. */
export interface ReplayOptions {
  /** The cycle to look at the context after; 0: after the seeds. Default: the last. */
  readonly at?: number | undefined
  /** The program of the job: then values are those of its kinds, as agents see them. Default: values are JSON. */
  readonly program?: Program.Any | undefined
}

type ReadError = StoreError | JournalCorrupt

const load = loadOnce(() => import("./views.ts"))

const program: Rule = must("a program made by Program.make", isProgram)

/** `replayed` refuses a cycle that there is not. */
const replayRules: Rules<ReplayOptions> = { at: anything, program }

const eventRules = { after: whole(0), program }

const check = <O>(of: string, options: unknown, rules: Rules<O>): Effect.Effect<void> =>
  Effect.sync(() => checkOptions(of, options === undefined ? {} : options, rules))

const compiled = (program: Program.Any | undefined) => (program === undefined ? undefined : compiledOf(program))

/**
 * The context of a stored job after any of its cycles.
 *
 * With a `program`, values are of its kinds. Where the cycle was committed with other kinds, the program's `migrate` brings
 * the facts over, as it would for `Engine.resume`; if it declares none, that is `ProgramChanged`. A cycle after which the job
 * was migrated shows what the cycle had left, unless it is the last one: there, it shows what the job goes on from.
 *
 * Fails with `StoreError` (`missing`), with `JournalCorrupt` if a row up to the cycle is not what was written, and with
 * `InvalidInput` for a cycle that there is not, or the program of another job.
 */
export const replay = (
  jobId: string,
  options?: ReplayOptions
): Effect.Effect<Replayed, ReadError | ProgramChanged | InvalidInput, JobStore> =>
  Effect.flatMap(Effect.andThen(check("Journal.replay", options, replayRules), JobStore), (store) =>
    Effect.flatMap(load, ({ replayed }) => replayed(store, jobId, compiled(options?.program), options?.at))
  )

/**
 * What the cycles after `from`, up to `to`, did to the context of a stored job. Values are JSON. Fails as `replay` does; also
 * with `InvalidInput` if `from` is after `to`.
 */
export const diff = (
  jobId: string,
  from: number,
  to: number
): Effect.Effect<Diff, ReadError | InvalidInput, JobStore> =>
  Effect.flatMap(JobStore, (store) => Effect.flatMap(load, ({ diffOf }) => diffOf(store, jobId, from, to)))

/**
 * The event log of a stored job, from its journal: the same events, with the same numbers, as `job.events` of the live job.
 * Ends after the last committed one; that is `JobHalted` if the job has ended.
 *
 *     Stream.unwrap(Journal.events("audit-42", { after: 100 }))
 *
 * It is an effect that gives a stream because `effect/Stream` is not loaded with the root. `after`: the `seq` to go on after.
 * With a `program`, values of facts are of its kinds, so that they are written as those of the live job; without one they are
 * JSON, which is the same for kinds of plain data. Reads page by page, and holds no more of the log than that. The stream
 * fails with `JournalCorrupt` where a row is not what was written, after the events of those before it.
 */
export const events = (
  jobId: string,
  options?: {
    /** The `seq` to go on after. Default: 0, which is the beginning. */
    readonly after?: number | undefined
    /** The program of the job: then values of facts are of its kinds. Default: values are JSON. */
    readonly program?: Program.Any | undefined
  }
): Effect.Effect<Stream.Stream<JobEvent, ReadError>, never, JobStore> =>
  Effect.flatMap(Effect.andThen(check("Journal.events", options, eventRules), JobStore), (store) =>
    Effect.map(load, ({ eventsIn }) => eventsIn(store, jobId, compiled(options?.program), options?.after ?? 0))
  )

/**
 * Replays a stored job, and says how far its journal is what was written: every hash of the chain, every checksum, the
 * contexts that it stands on, and that no row is missing. A corrupt journal is a report, not a failure. Whoever can write to
 * the store can write a whole chain anew: compare `hash` with one that was kept elsewhere.
 */
export const verify = (jobId: string): Effect.Effect<Verified, StoreError, JobStore> =>
  Effect.flatMap(JobStore, (store) => Effect.flatMap(load, ({ verified }) => verified(store, jobId)))
