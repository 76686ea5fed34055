/**
 * Looking at stored jobs: the context after any cycle, what a cycle did, the event log, and whether a journal is what was
 * written.
 *
 * All of it is read from the journal alone: no agent, no invariant and no function of a program runs, but for the schemas of
 * the kinds where a program is given, and its `migrate`. Without one, values are JSON, as the kinds' schemas encoded them.
 * A job may be looked at while some engine runs it: what is shown is what had been committed.
 *
 * Boundary: the public names. What they do is in internal/journalViews.ts, which is loaded when one is first used.
 */
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Usage } from "./Budget.ts"
import type { Fact } from "./Fact.ts"
import { loadOnce } from "./internal/loadOnce.ts"
import type { JobContext } from "./JobContext.ts"
import type { InvalidInput, JournalCorrupt, ProgramChanged, StoreError } from "./JobError.ts"
import type { JobEvent } from "./JobEvent.ts"
import type { CommittedIntent, Diagnostic } from "./JobResult.ts"
import { compiledOf, type Program } from "./Program.ts"
import { JobStore } from "./store/JobStore.ts"
import type { CommittedEvaluation } from "./View.ts"
import type { Status } from "./internal/Cause.ts"

/** Options of `replay`. */
export interface ReplayOptions {
  /** The cycle to look at the context after; 0: after the seeds. Default: the last. */
  readonly at?: number | undefined
  /** The program of the job: then values are those of its kinds, as agents see them. Default: values are JSON. */
  readonly program?: Program.Any | undefined
}

/** A job as it was after a cycle. */
export interface Replayed {
  readonly jobId: string
  readonly program: string
  /** The version that the program declared then; "" if it declared none. */
  readonly programVersion: string
  readonly cycle: number
  /** The tier of that cycle; -1 after the seeds. */
  readonly tier: number
  /** The commit position of the newest fact. */
  readonly version: number
  readonly hash: string
  /** Can be read, explained by `Provenance.explain` and, if a program was given, be gone on from by `Engine.start`. */
  readonly context: JobContext
  /** The input of the job, in JSON. */
  readonly input: unknown
  /** The commit position up to which each agent had read, by its name. */
  readonly marks: ReadonlyMap<string, number>
  /** What the job had spent. */
  readonly usage: Usage
  readonly intents: ReadonlyArray<CommittedIntent>
  /** Those of them that are performed, or to be decided, and are not answered: what an unfinished job awaits. */
  readonly unanswered: ReadonlyArray<CommittedIntent>
  readonly diagnostics: ReadonlyArray<Diagnostic>
}

/** What some cycles did. */
export interface Diff {
  readonly jobId: string
  readonly program: string
  /** The cycles that are compared, with the hash and the version after each. */
  readonly from: { readonly cycle: number; readonly version: number; readonly hash: string }
  readonly to: { readonly cycle: number; readonly version: number; readonly hash: string }
  /** Facts that were not there, in commit order. */
  readonly added: ReadonlyArray<Fact>
  /** Facts that have another value, or were committed anew, in the order of the new ones. */
  readonly revised: ReadonlyArray<{ readonly before: Fact; readonly after: Fact }>
  /** Facts that are no longer there: retention pruned them, or a migration dropped them. In their commit order. */
  readonly removed: ReadonlyArray<Fact>
  /** Evaluations that were added, in commit order. */
  readonly evaluations: ReadonlyArray<CommittedEvaluation>
}

/** Where a journal is not what was written: the row of `cycle`, 0 for its beginning. */
export interface CorruptPart {
  readonly cycle: number
  readonly part: string
  readonly expected: string
  readonly found: string
}

/** How far a journal is what was written. */
export interface Verified {
  readonly jobId: string
  /** "" if not even that can be read. */
  readonly program: string
  /** Undefined while the job is unfinished. */
  readonly status: Status | undefined
  /** The last cycle up to which everything is intact, and the hash after it; "" if the beginning is not. */
  readonly cycles: number
  readonly hash: string
  readonly isIntact: boolean
  readonly corrupt?: CorruptPart
}

type ReadError = StoreError | JournalCorrupt

const load = loadOnce(() => import("./internal/journalViews.ts"))

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
  Effect.flatMap(JobStore, (store) =>
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
  options?: { readonly after?: number | undefined; readonly program?: Program.Any | undefined }
): Effect.Effect<Stream.Stream<JobEvent, ReadError>, never, JobStore> =>
  Effect.flatMap(JobStore, (store) =>
    Effect.map(load, ({ eventsIn }) => eventsIn(store, jobId, compiled(options?.program), options?.after ?? 0))
  )

/**
 * Replays a stored job, and says how far its journal is what was written: every hash of the chain, every checksum, the
 * contexts that it stands on, and that no row is missing. A corrupt journal is a report, not a failure. Whoever can write to
 * the store can write a whole chain anew: compare `hash` with one that was kept elsewhere.
 */
export const verify = (jobId: string): Effect.Effect<Verified, StoreError, JobStore> =>
  Effect.flatMap(JobStore, (store) => Effect.flatMap(load, ({ verified }) => verified(store, jobId)))
