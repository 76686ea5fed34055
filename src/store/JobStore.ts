/**
 * The port through which committed cycles are journaled, and read again.
 *
 * - `create`: begins a job's journal and holds the job, for the engine that asks
 * - `append`: adds the row of one committed cycle; the machine leaves `merging` only after it
 * - `note`: keeps what happened between two cycles: that the job was paused, for one
 * - `keep`: keeps what a task gave before its cycle is committed; forgotten with the cycle's row
 * - `halt`: ends the journal and lets go of the job
 * - `load`: the beginning and the end of a journal
 * - `rows`, `base`, `kept`: what is between, in pages
 * - `list`: the jobs there are, newest first, by a cursor
 * - `lease`: holds an unfinished job for this engine, if no other does
 * - `release`: lets go of a job without ending it
 * - `requestCancel`, `cancelRequests`: asks whoever holds a job to cancel it
 * - `prune`: forgets journals of finished jobs
 *
 * A job is held by one store at a time. What holds it is a fence: a number that grows with each lease. Every write names its
 * fence, and is refused with `"fenced"` when another holds the job since (Kleppmann, "How to do distributed locking").
 *
 * Invariants: rows of a job are consecutive; an acknowledged one survives what the adapter says it survives (G11); writes
 * are taken in the order of the calls. Boundary: the service, its records and its error. Adapters are
 * files beside it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { StoreError } from "../outcome/StoreError.ts"
import type { Status } from "../outcome/Cause.ts"

export { StoreError, type StoreErrorReason } from "../outcome/StoreError.ts"

/** A job as its journal begins. Texts are made when they are asked for: a store that keeps nothing does not ask. */
export interface NewJob {
  readonly jobId: string
  readonly program: string
  /** Of a child job: its parent's id. The journal is kept for as long as the parent is unfinished. */
  readonly parent?: string | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** The canonical text that the first hash covers. */
  readonly text: () => string
  readonly hash: string
  /** JSON: what else is needed to replay the job (extra.ts). */
  readonly header: () => string
  /** Of a job that goes on from an earlier context: that context, in pieces of JSON. */
  readonly base: (() => Iterable<string>) | undefined
}

/** One committed cycle: its canonical text, the hash that chains it to the one before, and what the hash does not cover. */
export interface JournalRow {
  readonly cycle: number
  readonly text: () => string
  readonly hash: string
  /** JSON: what else is needed to replay the cycle (extra.ts). */
  readonly extra: () => string
}

/** A journal's end. */
export interface JournalEnd {
  readonly status: Status
  /** Milliseconds since the epoch. */
  readonly haltedAt: number
  /** JSON: the error, the output and the usage (extra.ts). */
  readonly text: () => string
}

/** A job in a list. */
export interface StoredJob {
  readonly jobId: string
  readonly program: string
  /** Undefined while the job is unfinished. */
  readonly status: Status | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly haltedAt: number | undefined
  /** The last committed cycle, and the hash after it. */
  readonly cycle: number
  readonly hash: string
  /** Whether some engine holds the job at the moment. */
  readonly isHeld: boolean
}

/** The beginning and the end of a journal. */
export interface StoredJournal extends StoredJob {
  /** The genesis text and its hash. */
  readonly text: string
  readonly genesisHash: string
  readonly header: string
  /** The newest note since the last row, or "". */
  readonly note: string
  /** Cycles that have a base: 0 for a job that began with a context; others are those of the first row after a migration. */
  readonly bases: ReadonlyArray<number>
  /** The text of the end; undefined while the job is unfinished. */
  readonly end: string | undefined
}

/** A row as it is read. `isIntact`: whether `extra` is as it was written; the hash is for the reader to verify. */
export interface StoredRow {
  readonly cycle: number
  readonly text: string
  readonly hash: string
  readonly extra: string
  readonly isIntact: boolean
}

/** What a task gave, before its cycle was committed. */
export interface Kept {
  /** The cycle that the task belongs to. */
  readonly cycle: number
  /** Names the task within the cycle. */
  readonly key: string
  readonly text: string
}

/** Which jobs a list has, and which page of it. */
export interface ListOptions {
  /** `"unfinished"`: those that have not halted. Default: all. */
  readonly status?: Status | "unfinished" | undefined
  /** The name of a program. Default: jobs of all. */
  readonly program?: string | undefined
  /** Jobs in a page; 1 to 1,000. Default 100. */
  readonly limit?: number | undefined
  /** The `cursor` of the page before. Default: the first page. */
  readonly cursor?: string | undefined
}

/** One page of a list. */
export interface JobPage {
  /** Newest first; jobs of one millisecond by id, descending. */
  readonly jobs: ReadonlyArray<StoredJob>
  /** Undefined if this is the last page. */
  readonly cursor: string | undefined
}

/**
 * Which journals of finished jobs stay. Children of unfinished jobs are kept, whatever is asked for, and are not counted:
 * their parents read how they ended.
 */
export interface PruneOptions {
  /** Keep the newest finished jobs, by their end. Default: all. */
  readonly keepLatest?: number | undefined
  /** Keep jobs that halted at or after this time, in milliseconds since the epoch. Default: all. */
  readonly haltedSince?: number | undefined
}

/** The journal of jobs. Every write is uninterruptible once it has begun. */
export class JobStore extends Context.Service<
  JobStore,
  {
    /** Whether journals outlive the engine: only then are there rows to be read, and jobs to be resumed. */
    readonly isDurable: boolean
    /** Gives the fence. Fails with `exists`. */
    readonly create: (job: NewJob) => Effect.Effect<number, StoreError>
    readonly append: (jobId: string, fence: number, row: JournalRow) => Effect.Effect<void, StoreError>
    readonly note: (jobId: string, fence: number, text: string) => Effect.Effect<void, StoreError>
    readonly keep: (jobId: string, fence: number, kept: Kept) => Effect.Effect<void, StoreError>
    /** Puts a context under the rows from `cycle` on, and replaces the header: what a migration does. */
    readonly rebase: (
      jobId: string,
      fence: number,
      base: { readonly cycle: number; readonly header: string; readonly pieces: Iterable<string> }
    ) => Effect.Effect<void, StoreError>
    readonly halt: (jobId: string, fence: number, end: JournalEnd) => Effect.Effect<void, StoreError>
    /** Fails with `missing`. */
    readonly load: (jobId: string) => Effect.Effect<StoredJournal, StoreError>
    /** The rows after cycle `after` up to `until` (default: the last), in order. */
    readonly rows: (jobId: string, after: number, until?: number) => Stream.Stream<StoredRow, StoreError>
    /** The pieces of the base at a cycle, in order. */
    readonly base: (jobId: string, cycle: number) => Stream.Stream<string, StoreError>
    /** What was kept of tasks of cycles that are not committed. */
    readonly kept: (jobId: string) => Effect.Effect<ReadonlyArray<Kept>, StoreError>
    readonly list: (options?: ListOptions) => Effect.Effect<JobPage, StoreError>
    /**
     * Gives a new fence. Fails with `held` while another engine that lives holds the job, unless `force`; with `missing` if
     * there is no such job, or it has halted.
     */
    readonly lease: (jobId: string, options?: { readonly force?: boolean }) => Effect.Effect<number, StoreError>
    readonly release: (jobId: string, fence: number) => Effect.Effect<void, StoreError>
    readonly requestCancel: (jobId: string) => Effect.Effect<void, StoreError>
    /** Those of the jobs held by this store that somebody asked to cancel. */
    readonly cancelRequests: Effect.Effect<ReadonlyArray<string>, StoreError>
    /**
     * When the oldest write that is not done was asked for, in milliseconds since the epoch; undefined if there is none. A
     * store whose writes do not wait need not have it.
     */
    readonly waitingSince?: Effect.Effect<number | undefined>
    /** Forgets journals of finished jobs, and gives their number. */
    readonly prune: (options: PruneOptions) => Effect.Effect<number, StoreError>
  }
>()("effect-converge/store/JobStore") {}
