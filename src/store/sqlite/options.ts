/**
 * The options of a store in a file, with their defaults.
 *
 * Boundary: data and arithmetic. Throws for options that cannot work; the layer turns that into its error.
 */
import type * as Duration from "effect/Duration"
import { resolve as resolvePath } from "node:path"
import { fileURLToPath } from "node:url"
import { Limits } from "../../Limits.ts"
import {
  complaintOf,
  duration,
  isTrueOrFalse,
  millisOf,
  must,
  nested,
  number,
  oneOf,
  type Rules,
  whole
} from "../../values/options.ts"

/**
 * The events that an acknowledged write survives.
 *
 * - `"full"`: a loss of power, if the disk keeps what it confirmed. Each group of writes waits for the disk
 * - `"normal"`: any end of the process, however sudden. After a loss of power the newest writes may be gone; the file is whole
 * - `"exit"`: an orderly end of the process, which closes the layer's scope. Rows and notes are acknowledged when they are
 *   queued, and written in the background. If such a write fails, the next write of its job fails. The beginning and the end
 *   of a journal, and its lease, are acknowledged when they are written
 */
export type Durability = "full" | "normal" | "exit"

/** Options of `JobStore.layerSqlite`. All but `filename` have defaults. */
export interface SqliteOptions {
  /** A path or a `file:` URL, not `":memory:"`. The file is created if it does not exist; its directory is not. */
  readonly filename: string | URL
  /**
   * Opens an existing file, and changes neither the file nor its directory. Both may be write-protected. Every write fails with
   * `read-only`, so jobs can be read, but not started or resumed. Default: false.
   */
  readonly readOnly?: boolean | undefined
  /** The events that an acknowledged write survives. Default: `"full"`. */
  readonly durability?: Durability | undefined
  /** The longest wait of a write or a read while another connection holds the file. Then it fails with `busy`. Default: 5 s. */
  readonly busyTimeout?: Duration.Input | undefined
  /**
   * The time after which a job is free if its store no longer renews the lease. A store renews a lease three times within that
   * time. If the store's process has ended on this machine, the job is free at once. A change of the clock does not free the job
   * of a live process on this machine, and does not keep the job of another machine held. At least 100 ms. Default: 10 seconds.
   */
  readonly lease?: Duration.Input | undefined
  /** The largest size of the file, in MiB. A write that needs more fails with `full`. Default: no limit but the disk. */
  readonly maxSizeMb?: number | undefined
  /** Deletes old journals of finished jobs at intervals. Default: none is deleted. */
  readonly retention?: Retention | undefined
}

/** Selects the journals of finished jobs to delete: those that exceed `keepLatest` or `maxAge`. */
export interface Retention {
  /** Keep this number of finished jobs, those that halted last. Default: all. */
  readonly keepLatest?: number | undefined
  /** Keep jobs that halted within this time. Default: all. */
  readonly maxAge?: Duration.Input | undefined
  /** The interval between two deletions; the first is when the store opens. Default: 1 hour. */
  readonly every?: Duration.Input | undefined
}

export interface Resolved {
  readonly filename: string
  readonly isReadOnly: boolean
  readonly durability: Durability
  readonly busyTimeoutMs: number
  readonly leaseMs: number
  readonly maxBytes: number | undefined
  readonly retention:
    | { readonly keepLatest: number | undefined; readonly maxAgeMs: number | undefined; readonly everyMs: number }
    | undefined
}

const refuse = (message: string): never => {
  throw new RangeError(`JobStore.layerSqlite: ${message}`)
}

const rules: Rules<SqliteOptions> = {
  filename: must("a path or a URL of file:", (value) => isPath(value) || value instanceof URL, true),
  readOnly: isTrueOrFalse,
  durability: oneOf("full", "normal", "exit"),
  busyTimeout: duration(0, Limits.storeIntervalMostMs),
  lease: duration(Limits.storeLeaseLeastMs, Limits.storeIntervalMostMs),
  maxSizeMb: number(1),
  retention: nested<Retention>({
    keepLatest: whole(0),
    maxAge: duration(),
    every: duration(1, Limits.storeIntervalMostMs)
  })
}

const isPath = (value: unknown): value is string => typeof value === "string" && value.trim() !== ""

const fileOf = (filename: string | URL): string => {
  if (filename instanceof URL || filename.startsWith("file:")) {
    const url = new URL(filename)
    if (url.protocol !== "file:") refuse(`filename must be a path or a URL of file:, not ${url.href}`)
    return fileURLToPath(url)
  }
  if (filename === ":memory:") return refuse("filename must name a file; for a store in memory use layerMemoryJournal")
  return resolvePath(filename)
}

/** Adds the defaults and makes the path absolute. Throws a RangeError for options that cannot work. */
export const resolve = (options: SqliteOptions): Resolved => {
  const complaint = complaintOf(options, rules)
  if (complaint !== undefined) refuse(complaint.message)
  const { busyTimeout, durability = "full", filename, lease, maxSizeMb, readOnly = false, retention } = options
  if (readOnly && retention !== undefined) refuse("retention deletes journals, so it cannot be used with readOnly")
  return {
    filename: fileOf(filename),
    isReadOnly: readOnly,
    durability,
    busyTimeoutMs: busyTimeout === undefined ? Limits.storeBusyTimeoutMs : millisOf(busyTimeout),
    leaseMs: lease === undefined ? Limits.storeLeaseMs : millisOf(lease),
    maxBytes: maxSizeMb === undefined ? undefined : maxSizeMb * 1_048_576,
    retention: retention === undefined ? undefined : retentionOf(retention)
  }
}

const retentionOf = ({ every, keepLatest, maxAge }: Retention): Resolved["retention"] => {
  if (keepLatest === undefined && maxAge === undefined) refuse("retention needs keepLatest, maxAge or both")
  return {
    keepLatest,
    maxAgeMs: maxAge === undefined ? undefined : millisOf(maxAge),
    everyMs: every === undefined ? Limits.storeRetentionMs : millisOf(every)
  }
}
