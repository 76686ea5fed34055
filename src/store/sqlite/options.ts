/**
 * The options of a store in a file, with their defaults.
 *
 * Boundary: data and arithmetic. What cannot work is told apart here, and said by the layer.
 */
import * as Duration from "effect/Duration"
import { resolve as resolvePath } from "node:path"
import { fileURLToPath } from "node:url"
import { Limits } from "../../Limits.ts"

/**
 * What an acknowledged write survives.
 *
 * - `"full"`: the loss of power, as far as the disk keeps what it says it has. Each group of writes waits for the disk
 * - `"normal"`: the end of the process, however sudden, but not the loss of power: the newest writes may be gone then, and
 *   the file is whole
 * - `"exit"`: the orderly end of the process: that the layer's scope is closed. Rows and notes are acknowledged when they have
 *   been handed over, and written in the background. A write that fails there fails the next write of its job; the beginning
 *   and the end of a journal, and its lease, are acknowledged when they have been written
 */
export type Durability = "full" | "normal" | "exit"

/** Options of `JobStore.layerSqlite`. All but `filename` have defaults. */
export interface SqliteOptions {
  /** The file, which is made if it is not there; its directory is not. A path, or a URL of `file:`. Not `":memory:"`. */
  readonly filename: string | URL
  /** What an acknowledged write survives. Default: `"full"`. */
  readonly durability?: Durability | undefined
  /** How long a write or a read waits while another connection holds the file, before it fails with `busy`. Default: 5 seconds. */
  readonly busyTimeout?: Duration.Input | undefined
  /**
   * How long a job stays held when its store is not heard of. It is renewed three times within it. A store whose process has
   * ended on this machine is known to be gone at once. At least 100 ms. Default: 10 seconds.
   */
  readonly lease?: Duration.Input | undefined
  /** MiB that the file may have; a write that needs more fails with `full`. Default: as much as there is space. */
  readonly maxSizeMb?: number | undefined
  /** Forgets journals of finished jobs by and by. Default: none is forgotten. */
  readonly retention?: Retention | undefined
}

/** Which journals of finished jobs go: those that are beyond one of the two. */
export interface Retention {
  /** Keep that many of the newest, by their end. Default: all. */
  readonly keepLatest?: number | undefined
  /** Keep those that have ended within it. Default: all. */
  readonly maxAge?: Duration.Input | undefined
  /** How often it is looked for them, the first time when the store is opened. Default: 1 hour. */
  readonly every?: Duration.Input | undefined
}

export interface Resolved {
  readonly filename: string
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

const said = (value: unknown): string => (typeof value === "string" ? JSON.stringify(value) : String(value))

const checkKeys = (name: string, value: unknown, known: ReadonlyArray<string>): void => {
  if (typeof value !== "object" || value === null) refuse(`${name} must be an object, not ${said(value)}`)
  const unknown = Object.keys(value ?? {}).find((key) => !known.includes(key))
  if (unknown !== undefined) refuse(`${name} has no option ${said(unknown)}; there are ${known.join(", ")}`)
}

const millis = (name: string, value: Duration.Input, least: number, most = Infinity): number => {
  const duration = Duration.fromInput(value)
  const ms = duration._tag === "Some" ? Duration.toMillis(duration.value) : Number.NaN
  if (ms >= least && ms <= most) return ms
  return refuse(
    `${name} must be a duration from ${least} ms${most < Infinity ? ` to ${most} ms` : ""}, not ${said(value)}`
  )
}

const fileOf = (filename: unknown): string => {
  if (filename instanceof URL || (typeof filename === "string" && filename.startsWith("file:"))) {
    const url = new URL(filename)
    if (url.protocol !== "file:") refuse(`filename must be a path or a URL of file:, not ${url.href}`)
    return fileURLToPath(url)
  }
  if (typeof filename !== "string" || filename.trim() === "")
    return refuse(`filename must be a path, not ${said(filename)}`)
  if (filename === ":memory:") return refuse("filename must be that of a file; in memory there is layerMemoryJournal")
  return resolvePath(filename)
}

/** The options with their defaults, and an absolute path. Throws a RangeError for what cannot work. */
export const resolve = (options: SqliteOptions): Resolved => {
  checkKeys("options", options, ["filename", "durability", "busyTimeout", "lease", "maxSizeMb", "retention"])
  const { busyTimeout, durability = "full", filename, lease, maxSizeMb, retention } = options
  if (!["full", "normal", "exit"].includes(durability)) {
    refuse(`durability must be "full", "normal" or "exit", not ${said(durability)}`)
  }
  if (maxSizeMb !== undefined && !(Number.isFinite(maxSizeMb) && maxSizeMb >= 1)) {
    refuse(`maxSizeMb must be a number of at least 1, not ${said(maxSizeMb)}`)
  }
  return {
    filename: fileOf(filename),
    durability,
    busyTimeoutMs: millis("busyTimeout", busyTimeout ?? Limits.storeBusyTimeoutMs, 0, Limits.storeIntervalMostMs),
    leaseMs: millis("lease", lease ?? Limits.storeLeaseMs, Limits.storeLeaseLeastMs, Limits.storeIntervalMostMs),
    maxBytes: maxSizeMb === undefined ? undefined : maxSizeMb * 1_048_576,
    retention: retention === undefined ? undefined : retentionOf(retention)
  }
}

const retentionOf = (retention: Retention): Resolved["retention"] => {
  checkKeys("retention", retention, ["keepLatest", "maxAge", "every"])
  const { every, keepLatest, maxAge } = retention
  if (keepLatest === undefined && maxAge === undefined) refuse("retention needs keepLatest, maxAge or both")
  if (keepLatest !== undefined && !(Number.isSafeInteger(keepLatest) && keepLatest >= 0)) {
    refuse(`retention.keepLatest must be a whole number of at least 0, not ${said(keepLatest)}`)
  }
  return {
    keepLatest,
    maxAgeMs: maxAge === undefined ? undefined : millis("retention.maxAge", maxAge, 0),
    everyMs: millis("retention.every", every ?? Limits.storeRetentionMs, 1, Limits.storeIntervalMostMs)
  }
}
