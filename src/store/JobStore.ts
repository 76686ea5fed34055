/**
 * The port that journals committed cycles and reads them again.
 *
 * - `create`: begins a job's journal and gives its engine the lease
 * - `append`: adds the row of one committed cycle; the machine leaves `merging` only after it
 * - `note`: saves events between two cycles, such as a pause
 * - `keep`: saves the result of a task until its cycle is committed, a payment, or the end that a job is about to have
 * - `rebase`: puts a migrated context under the rows that follow
 * - `halt`: ends the journal and the lease
 * - `load`: reads the beginning and the end of a journal
 * - `rows`, `base`, `kept`: read the rest of it, in pages
 * - `list`: reads the jobs, newest first, from a cursor on
 * - `lease`: takes the lease of an unfinished job, unless another engine has it
 * - `release`: gives the lease back without ending the job
 * - `quarantine`: gives the lease back, and saves why no engine may take the job up by itself
 * - `requestCancel`, `cancelRequests`: ask the holder of a job to cancel it
 * - `prune`: deletes journals of finished jobs
 * - `remove`: deletes the journal of one job, and of the jobs below it
 * - `probe`, `damage`, `damagedJobs`, `check`: tell whether the store takes writes now, whether it has met damage of its file or
 *   of jobs, and whether it is sound
 *
 * One store at a time holds a job. Each lease has a fence, a number that grows with every lease of the job. Every write names
 * its fence. The store refuses it with `"fenced"` if another has leased the job since (Kleppmann, "How to do distributed
 * locking").
 *
 * Invariants: rows of a job are consecutive; an acknowledged write survives what its adapter promises (G11); writes happen in
 * the order of the calls. Boundary: the service, its records and its error. Adapters are files beside it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { StoreError } from "../outcome/StoreError.ts"
import type { Status } from "../outcome/Cause.ts"

export { StoreError, type StoreErrorReason } from "../outcome/StoreError.ts"

/** The beginning of a job's journal. Texts are made on demand: a store that keeps no rows never asks for them. */
export interface NewJob {
  readonly jobId: string
  readonly program: string
  /** The parent's id, if this is a child job. Its journal stays while the parent is unfinished. */
  readonly parent?: string | undefined
  /** Short texts by name, by which lists find the job. Default: none. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** The canonical text that the first hash covers. */
  readonly text: () => string
  readonly hash: string
  /** JSON: the rest that a replay of the job needs (journal/header.ts). */
  readonly header: () => string
  /** The context that the job continues from, in pieces of JSON. Undefined for a job that begins with none. */
  readonly base: (() => Iterable<string>) | undefined
}

/** One committed cycle: its canonical text, the hash that chains it to the row before, and an extra that no hash covers. */
export interface JournalRow {
  readonly cycle: number
  readonly text: () => string
  readonly hash: string
  /** JSON: the rest that a replay of the cycle needs (journal/extra.ts). */
  readonly extra: () => string
}

/** The end of a journal. */
export interface JournalEnd {
  readonly status: Status
  /** Milliseconds since the epoch. */
  readonly haltedAt: number
  /** JSON: the status, the cause, the output and the usage (written by job/journaling.ts, read by journal/edges.ts). */
  readonly text: () => string
}

/**
 * The leases of a job without progress. Progress is a committed cycle, a kept result that is no payment, or a rest in which no
 * handler performs an intent. A lease that is given back without a failure does not count. If no engine holds the job, each
 * counted lease ended badly: its process died, or the store refused a row.
 */
export interface Attempts {
  /** The number of leases without progress, including that of the holder. */
  readonly count: number
  /** The start of the last lease, in milliseconds since the epoch. */
  readonly at: number
  /** The reason of the last failure that a holder reported. Undefined if a process died. */
  readonly failure: string | undefined
  /** The reason of the quarantine, in which no engine takes the job up by itself. Undefined if there is no quarantine. */
  readonly quarantine: string | undefined
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
  /** The last committed cycle; 0 before the first. */
  readonly cycle: number
  /** The hash of the last row. Before the first row, the hash of the genesis text. */
  readonly hash: string
  /** Whether an engine holds the job now. */
  readonly isHeld: boolean
  /** Undefined if the job has halted, or if it was not leased since its last progress. */
  readonly attempts: Attempts | undefined
  /** The `_tag` of the error that ended the job. Left out if none did. */
  readonly error?: string
  /** The attributes that the job was given. Left out if there are none. */
  readonly attributes?: Readonly<Record<string, string>>
  /** The id of the job's parent. Left out if the job has none, or if it began before stores knew parents. */
  readonly parent?: string
  /**
   * JSON: the `budget` of the job's header, and its `usage`. `isPartial`: the usage has only the numbers that the last row gives
   * by itself (cycles, times, payments), as the job has not ended, or as its end is long. `forkOf`: that of the header, or null.
   * A store may leave it out.
   */
  readonly spending?: string
}

/** The beginning and the end of a journal. */
export interface StoredJournal extends StoredJob {
  /** The genesis text and its hash. */
  readonly text: string
  readonly genesisHash: string
  readonly header: string
  /** The newest note since the last row, or "". */
  readonly note: string
  /** Cycles with a base: 0 if the job began with a context, and the first cycle after each migration. */
  readonly bases: ReadonlyArray<number>
  /** The text of the end. Undefined while the job is unfinished. */
  readonly end: string | undefined
}

/** A row from the store. `isIntact` tells whether `extra` is unchanged; the reader verifies the hash itself. */
export interface StoredRow {
  readonly cycle: number
  readonly text: string
  readonly hash: string
  readonly extra: string
  readonly isIntact: boolean
}

/** The result of a task whose cycle is not committed yet. */
export interface Kept {
  /** The cycle of the task. */
  readonly cycle: number
  /** Names the task within the cycle. */
  readonly key: string
  readonly text: string
  /** Whether keeping it is progress of the job (see `Attempts`). Not read back. Default: yes. */
  readonly isProgress?: boolean
}

/** Filters of a list of jobs, and the page to read. */
export interface ListOptions {
  /** Only jobs with this status; `"unfinished"` means jobs that have not halted. Default: all. */
  readonly status?: Status | "unfinished" | undefined
  /** Only jobs of the program with this name. Default: all. */
  readonly program?: string | undefined
  /** Only jobs with all of these attributes. Default: all. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
  /** Only the child jobs of the job with this id. Default: all. */
  readonly parent?: string | undefined
  /** Only jobs that were created at this time or later, in milliseconds since the epoch. Default: all. */
  readonly since?: number | undefined
  /** Only jobs that were created at this time or earlier, in milliseconds since the epoch. Default: all. */
  readonly until?: number | undefined
  /** Jobs in a page, from 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined
  /** The `cursor` of the page before: `createdAt` and id of its last job, with a colon between. Default: the first page. */
  readonly cursor?: string | undefined
  /**
   * The `previous` of the page after: the page ends with the job before that position. A list with both this and a `cursor` is
   * refused. Default: the first page.
   */
  readonly before?: string | undefined
}

/** One page of a list. */
export interface JobPage {
  /** The jobs, newest first. Jobs of one millisecond are in descending order of their ids. */
  readonly jobs: ReadonlyArray<StoredJob>
  /** Names the next page, which has older jobs. Undefined if this is the last page. */
  readonly cursor: string | undefined
  /** Names the page before, which has newer jobs. Undefined if there are none. */
  readonly previous: string | undefined
}

/**
 * Selects the journals of finished jobs that stay; a job that either option excludes is deleted. Children of unfinished jobs
 * always stay and do not count, because their parents read how they ended.
 */
export interface PruneOptions {
  /** Keep this number of finished jobs, those that halted last. Default: all. */
  readonly keepLatest?: number | undefined
  /** Keep jobs that halted at or after this time, in milliseconds since the epoch. Default: all. */
  readonly haltedSince?: number | undefined
}

/**
 * The journals of jobs.
 *
 * A write cannot be interrupted once it has begun; it succeeds when it is durable as the adapter promises. Writes of a job take
 * effect in the order of the calls. A write with a `fence` fails with `fenced` if another lease has a newer one, and with
 * `missing` if the job is unknown or has halted. Reads can be interrupted, and see every acknowledged write. Any operation may
 * also fail for a reason of the adapter, such as `full`, `busy` or `closed`.
 */
export class JobStore extends Context.Service<
  JobStore,
  {
    /** Whether journals outlive the engine. Only then does it read rows and resume jobs. */
    readonly isDurable: boolean
    /** Begins the journal of a job, leases it and returns the fence. Fails with `exists` if the id is taken. */
    readonly create: (job: NewJob) => Effect.Effect<number, StoreError>
    /** Adds a row and drops the note and the kept results up to its cycle. Fails with `out-of-order` for another cycle. */
    readonly append: (jobId: string, fence: number, row: JournalRow) => Effect.Effect<void, StoreError>
    /** Replaces the note since the last row. `isIdle`: the job rests and no handler performs an intent, which is progress. */
    readonly note: (
      jobId: string,
      fence: number,
      text: string,
      options?: { readonly isIdle?: boolean }
    ) => Effect.Effect<void, StoreError>
    /** Saves the result of a task until the row of its cycle, or the end, is written. */
    readonly keep: (jobId: string, fence: number, kept: Kept) => Effect.Effect<void, StoreError>
    /**
     * Puts a context under the rows from `cycle` on, and replaces the header, as a migration needs it. With `keptKeys`, it also
     * drops the kept results of all other keys, whatever their cycle.
     */
    readonly rebase: (
      jobId: string,
      fence: number,
      base: {
        readonly cycle: number
        readonly header: string
        readonly pieces: Iterable<string>
        readonly keptKeys?: ReadonlyArray<string> | undefined
      }
    ) => Effect.Effect<void, StoreError>
    /** Writes the end of the journal and gives the lease back. */
    readonly halt: (jobId: string, fence: number, end: JournalEnd) => Effect.Effect<void, StoreError>
    /** Reads the beginning and the end of a journal. Fails with `missing`. */
    readonly load: (jobId: string) => Effect.Effect<StoredJournal, StoreError>
    /** Reads the rows after cycle `after` up to `until`, in order. Default of `until`: the last cycle. Fails with `missing`. */
    readonly rows: (jobId: string, after: number, until?: number) => Stream.Stream<StoredRow, StoreError>
    /** Reads the pieces of the base at a cycle, in order. Gives none if there is no base. Fails with `missing`. */
    readonly base: (jobId: string, cycle: number) => Stream.Stream<string, StoreError>
    /** Reads the kept results of cycles that are not committed, in the order of `keep`. */
    readonly kept: (jobId: string) => Effect.Effect<ReadonlyArray<Kept>, StoreError>
    /** Reads one page of the list of jobs. Default: the first 100 of all. */
    readonly list: (options?: ListOptions) => Effect.Effect<JobPage, StoreError>
    /**
     * Leases an unfinished job and returns the new fence. Fails with `held` while another live engine holds the job, unless
     * `force` is set, and with `missing` if the job is unknown or has halted. `anew` forgets earlier attempts, and ends a
     * quarantine.
     */
    readonly lease: (
      jobId: string,
      options?: { readonly force?: boolean; readonly anew?: boolean }
    ) => Effect.Effect<number, StoreError>
    /** Gives the lease back, so that another engine can take it. `failure`: the reason why the holder could not continue. */
    readonly release: (
      jobId: string,
      fence: number,
      options?: { readonly failure?: string }
    ) => Effect.Effect<void, StoreError>
    /** Gives the lease back and quarantines the job: no engine takes it up by itself. This lease is not an attempt. */
    readonly quarantine: (jobId: string, fence: number, reason: string) => Effect.Effect<void, StoreError>
    /** Asks the holder of a job to cancel it. Fails with `missing` if the job is unknown or has halted. */
    readonly requestCancel: (jobId: string) => Effect.Effect<void, StoreError>
    /** Reads the ids of the jobs that this store holds and that somebody asked to cancel. */
    readonly cancelRequests: Effect.Effect<ReadonlyArray<string>, StoreError>
    /**
     * Tells when the oldest unfinished write was requested, in milliseconds since the epoch. Undefined if no write is under way.
     * A store whose writes never wait may leave it out.
     */
    readonly waitingSince?: Effect.Effect<number | undefined>
    /**
     * Makes a write that leaves no data behind. It fails if the write of a job would fail now. A store whose writes never fail
     * may leave it out.
     */
    readonly probe?: Effect.Effect<void, StoreError>
    /**
     * The first damage of the file that an operation met since the store was opened. Undefined if none did. Only operations that
     * need the damaged part meet the damage, so a successful write does not exclude it.
     */
    readonly damage?: Effect.Effect<StoreError | undefined>
    /**
     * The ids of the jobs whose records an operation found to be damaged since the store was opened. The file itself may be
     * sound. Up to `Limits.damagedJobs` of them. A store that cannot know may leave it out.
     */
    readonly damagedJobs?: Effect.Effect<ReadonlyArray<string>>
    /**
     * Reads everything that the store keeps, beside its other work, and notes the damage that it finds. Fails with `corrupt` or
     * `not-a-database` if there is any, with `too-large` if that takes too long, and with `failed` if it cannot read now.
     */
    readonly check?: Effect.Effect<void, StoreError>
    /** Deletes journals of finished jobs and returns their number. */
    readonly prune: (options: PruneOptions) => Effect.Effect<number, StoreError>
    /**
     * Deletes the journal of a job and of all jobs below it, also unfinished ones, and returns their number. Fails with `missing`
     * if the job is unknown, with `held` while an engine holds one of these jobs, and with `needed` if the job's parent is
     * unfinished. A failure deletes nothing.
     */
    readonly remove: (jobId: string) => Effect.Effect<number, StoreError>
  }
>()("effect-converge/store/JobStore") {}
