/**
 * The port, over the queue of writes and the reader.
 *
 * Boundary: maps each operation of the port to its op or query, and gives leases their times.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { JobStore, type NewJob, StoreError } from "../JobStore.ts"
import type { StoreFile } from "../StoreFile.ts"
import { monotonicMs } from "../../platform/monotonicMs.ts"
import { backup } from "./backup.ts"
import { sentCopy } from "./sentCopy.ts"
import { checkApart } from "./checkApart.ts"
import { checkFile } from "./checkFile.ts"
import type { Damage } from "./damage.ts"
import type { WriteQueue } from "./writeQueue.ts"
import type { Renewals } from "./owner.ts"
import type { Op } from "./protocol.ts"
import type { Reader } from "./reader.ts"

export interface StoreParts {
  readonly filename: string
  readonly owner: string
  readonly leaseMs: number
  readonly clock: Clock.Clock
  /** The leases of other stores that `reader` has seen. */
  readonly renewals: Renewals
  readonly writeQueue: WriteQueue
  readonly reader: Reader
  readonly damage: Damage
  readonly isClosed: () => boolean
  /** Milliseconds of the monotonic clock. */
  readonly waitingSince: () => number | undefined
}

/** Repeats a write that does its work in parts until none is left. Gives the sum of the counts. */
const untilNothing = (part: Effect.Effect<number, StoreError>, sum = 0): Effect.Effect<number, StoreError> =>
  Effect.flatMap(part, (count) => (count === 0 ? Effect.succeed(sum) : untilNothing(part, sum + count)))

const refuse = (message: string): Effect.Effect<never, StoreError> =>
  Effect.fail(new StoreError({ reason: "failed", message }))

/** Deletes all rows of removed journals. */
export const collect = (writeQueue: WriteQueue): Effect.Effect<void, StoreError> =>
  Effect.asVoid(untilNothing(writeQueue.write({ kind: "collect" })))

/** Both services of a store in a file. */
export interface MadeStore {
  readonly store: JobStore["Service"]
  readonly file: StoreFile["Service"]
  /** Tries again to release the leases whose release failed. */
  readonly releaseAgain: Effect.Effect<void>
}

type Upload = Extract<Op, { kind: "create" }>["upload"]
type Lease = Pick<Extract<Op, { kind: "create" }>, "owner" | "now" | "leaseUntil">

const createOp = (
  { attributes, createdAt, hash, header, jobId, parent, program, text }: NewJob,
  upload: Upload,
  lease: Lease
): Op => {
  const texts = { text: text(), hash, header: header() }
  return { kind: "create", jobId, program, parent, attributes, createdAt, ...texts, upload, ...lease }
}

type Release = Parameters<JobStore["Service"]["release"]>[2]

/** Releases leases: at once, or later if the file refuses the write. */
const makeReleases = (writeQueue: WriteQueue) => {
  /** Leases that could not be released because the file refused the write; job id → fence and failure. */
  const unreleased = new Map<string, readonly [number, Release]>()
  const release = (jobId: string, fence: number, options: Release): Effect.Effect<void, StoreError> =>
    writeQueue
      .conclude(jobId, () => ({ kind: "release", jobId, fence, failure: options?.failure }))
      .pipe(
        Effect.tap(() => Effect.sync(() => unreleased.delete(jobId))),
        Effect.tapError(({ reason }) =>
          Effect.sync(() => {
            if (reason === "fenced" || reason === "missing" || reason === "closed") unreleased.delete(jobId)
            else unreleased.set(jobId, [fence, options])
          })
        )
      )
  const releaseOne = (jobId: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const left = unreleased.get(jobId)
      return left === undefined ? Effect.void : Effect.ignore(release(jobId, ...left))
    })
  const releaseAgain = Effect.suspend(() =>
    unreleased.size === 0
      ? Effect.void
      : Effect.forEach([...unreleased.keys()], releaseOne, { concurrency: "unbounded", discard: true })
  )
  return { release, releaseOne, releaseAgain }
}

/** The writes of a journal, each as the op behind it. */
const makeWrites = (writeQueue: WriteQueue, lease: () => Lease) =>
  ({
    create: (job) => {
      const { base, jobId } = job
      const op = (upload: Upload): Op => createOp(job, upload, lease())
      return base === undefined ? writeQueue.begin(jobId, () => op(undefined)) : writeQueue.withPieces(jobId, base, op)
    },
    append: (jobId, fence, { cycle, extra, hash, text }) =>
      writeQueue.append(jobId, () => ({ kind: "append", jobId, fence, cycle, text: text(), hash, extra: extra() })),
    note: (jobId, fence, text, options) =>
      writeQueue.append(jobId, () => ({ kind: "note", jobId, fence, text, isIdle: options?.isIdle === true })),
    keep: (jobId, fence, kept) => writeQueue.append(jobId, () => ({ kind: "keep", jobId, fence, ...kept })),
    rebase: (jobId, fence, { cycle, header, keptKeys, pieces }) =>
      writeQueue.withPieces(
        jobId,
        () => pieces,
        (upload) => ({ kind: "rebase", jobId, fence, cycle, header, keptKeys, upload })
      ),
    halt: (jobId, fence, { haltedAt, status, text }) =>
      writeQueue.conclude(jobId, () => ({ kind: "halt", jobId, fence, status, haltedAt, text: text() })),
    quarantine: (jobId, fence, reason) =>
      writeQueue.conclude(jobId, () => ({ kind: "quarantine", jobId, fence, reason })),
    requestCancel: (jobId) => writeQueue.write({ kind: "cancel", jobId }),
    prune: ({ haltedSince, keepLatest }) =>
      keepLatest !== undefined && !(Number.isSafeInteger(keepLatest) && keepLatest >= 0)
        ? refuse(`keepLatest must be a whole number of at least 0, not ${keepLatest}`)
        : Effect.tap(untilNothing(writeQueue.write({ kind: "prune", haltedSince, keepLatest })), () =>
            collect(writeQueue)
          )
  }) satisfies Partial<JobStore["Service"]>

/** Both services, over the queue of writes and the reader. */
export const makeStore = (parts: StoreParts): MadeStore => {
  const { clock, damage, filename, writeQueue, isClosed, leaseMs, owner, reader, renewals } = parts
  const now = () => clock.currentTimeMillisUnsafe()
  const lease = (): Lease => {
    const at = now()
    return { owner, now: at, leaseUntil: at + leaseMs }
  }

  const whileOpen = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    Effect.suspend(() =>
      isClosed()
        ? Effect.fail(new StoreError({ reason: "closed", message: `${filename}: the store has been closed` }))
        : effect
    )
  /** Reads after all acknowledged writes have been made. */
  const read = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    whileOpen(Effect.andThen(writeQueue.settled, effect))
  const readStream = <A>(stream: () => Stream.Stream<A, StoreError>): Stream.Stream<A, StoreError> =>
    Stream.unwrap(read(Effect.sync(stream)))

  const { release, releaseAgain, releaseOne } = makeReleases(writeQueue)

  const writes = makeWrites(writeQueue, lease)

  const store = JobStore.of({
    isDurable: true,
    ...writes,
    prune: (options) => Effect.tap(writes.prune(options), () => Effect.sync(() => damage.forgetAll())),
    load: (jobId) => read(reader.load(jobId)),
    rows: (jobId, after, until) => readStream(() => reader.rows(jobId, after, until)),
    base: (jobId, cycle) => readStream(() => reader.base(jobId, cycle)),
    kept: (jobId) => read(reader.kept(jobId)),
    list: (options) => read(reader.list(options)),
    lease: (jobId, options) => {
      const isForced = options?.force === true
      const isAnew = options?.anew === true
      const silent = () => renewals.silent(monotonicMs(clock))
      const op = (): Op => ({ kind: "lease", jobId, isForced, isAnew, silent: silent(), ...lease() })
      return Effect.andThen(releaseOne(jobId), writeQueue.begin(jobId, op))
    },
    release,
    remove: (jobId) => {
      const silent = () => renewals.silent(monotonicMs(clock))
      const op = (): Op => ({ kind: "remove", jobId, silent: silent(), owner, now: now(), leaseMs })
      const removed = Effect.suspend(() => writeQueue.write(op()))
      return Effect.tap(Effect.andThen(releaseAgain, removed), () => {
        damage.forget(jobId)
        return collect(writeQueue)
      })
    },
    cancelRequests: whileOpen(reader.cancelRequests),
    waitingSince: Effect.sync(() => {
      const since = parts.waitingSince()
      // The time of day minus the length of the wait, which is right even if the clock was set meanwhile.
      return since === undefined ? undefined : now() - (monotonicMs(clock) - since)
    }),
    probe: Effect.asVoid(writeQueue.write({ kind: "probe" })),
    damage: Effect.sync(() => damage.met && new StoreError(damage.met)),
    damagedJobs: Effect.sync(() => [...damage.jobs]),
    check: checkApart(filename, damage)
  })
  const file: StoreFile["Service"] = {
    filename,
    backup: (to) => read(backup(filename, to)),
    copy: Effect.andThen(read(Effect.void), sentCopy(filename)),
    check: read(checkFile(filename, false)),
    vacuum: Effect.asVoid(writeQueue.write({ kind: "vacuum" }))
  }
  return { store, file, releaseAgain }
}
