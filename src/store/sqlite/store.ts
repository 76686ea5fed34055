/**
 * The port, over the writer and the reader.
 *
 * Boundary: says which op, or which query, is behind each operation of the port; the times that leases need come from here.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { JobStore, type NewJob, StoreError } from "../JobStore.ts"
import type { StoreFile } from "../StoreFile.ts"
import { backup } from "./backup.ts"
import type { WriteQueue } from "./writeQueue.ts"
import type { Op } from "./protocol.ts"
import type { Reader } from "./reader.ts"

export interface StoreParts {
  readonly filename: string
  readonly owner: string
  readonly leaseMs: number
  readonly clock: Clock.Clock
  readonly writeQueue: WriteQueue
  readonly reader: Reader
  readonly isClosed: () => boolean
  readonly waitingSince: () => number | undefined
}

const lengthOf = (op: Op): number => {
  if (op.kind === "append") return op.text.length + op.extra.length
  return op.kind === "note" || op.kind === "keep" ? op.text.length : 0
}

/** Repeats a write that does a part of its work at a time, until there is none left. Gives the sum. */
const untilNothing = (part: Effect.Effect<number, StoreError>, sum = 0): Effect.Effect<number, StoreError> =>
  Effect.flatMap(part, (count) => (count === 0 ? Effect.succeed(sum) : untilNothing(part, sum + count)))

const refuse = (message: string): Effect.Effect<never, StoreError> =>
  Effect.fail(new StoreError({ reason: "failed", message }))

/** Deletes what forgotten journals left. */
export const collect = (writeQueue: WriteQueue): Effect.Effect<void, StoreError> =>
  Effect.asVoid(untilNothing(writeQueue.write({ kind: "collect" })))

/** Both services of a store in a file. */
export interface MadeStore {
  readonly store: JobStore["Service"]
  readonly file: StoreFile["Service"]
  /** Lets go of the jobs that could not be let go of when that was asked for. */
  readonly releaseAgain: Effect.Effect<void>
}

type Upload = Extract<Op, { kind: "create" }>["upload"]

const createOp = (
  { createdAt, hash, header, jobId, parent, program, text }: NewJob,
  upload: Upload,
  lease: { readonly owner: string; readonly leaseUntil: number }
): Op => ({ kind: "create", jobId, program, parent, createdAt, text: text(), hash, header: header(), upload, ...lease })

/** Lets go of jobs: at once, or when the file takes writes again. */
const makeReleases = (writeQueue: WriteQueue) => {
  /** Leases that could not be released because the file refused the write; job id → fence. */
  const unreleased = new Map<string, number>()
  const release = (jobId: string, fence: number): Effect.Effect<void, StoreError> =>
    writeQueue
      .conclude(jobId, () => ({ kind: "release", jobId, fence }))
      .pipe(
        Effect.tap(() => Effect.sync(() => unreleased.delete(jobId))),
        Effect.tapError(({ reason }) =>
          Effect.sync(() => {
            if (reason === "fenced" || reason === "missing" || reason === "closed") unreleased.delete(jobId)
            else unreleased.set(jobId, fence)
          })
        )
      )
  const releaseOne = (jobId: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const fence = unreleased.get(jobId)
      return fence === undefined ? Effect.void : Effect.ignore(release(jobId, fence))
    })
  const releaseAgain = Effect.suspend(() =>
    unreleased.size === 0
      ? Effect.void
      : Effect.forEach([...unreleased.keys()], releaseOne, { concurrency: "unbounded", discard: true })
  )
  return { release, releaseOne, releaseAgain }
}

/** The writes and reads of the port, each with the op or the query behind it. */
export const makeStore = (parts: StoreParts): MadeStore => {
  const { clock, filename, writeQueue, isClosed, leaseMs, owner, reader } = parts
  const now = () => clock.currentTimeMillisUnsafe()
  const lease = () => ({ owner, leaseUntil: now() + leaseMs })

  const whileOpen = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    Effect.suspend(() =>
      isClosed()
        ? Effect.fail(new StoreError({ reason: "closed", message: `${filename}: the store has been closed` }))
        : effect
    )
  /** A read sees all that was acknowledged. */
  const read = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    whileOpen(Effect.andThen(writeQueue.settled, effect))
  const readStream = <A>(stream: () => Stream.Stream<A, StoreError>): Stream.Stream<A, StoreError> =>
    Stream.unwrap(read(Effect.sync(stream)))

  const { release, releaseAgain, releaseOne } = makeReleases(writeQueue)

  const store = JobStore.of({
    isDurable: true,
    create: (job) => {
      const { base, jobId } = job
      const op = (upload: Upload): Op => createOp(job, upload, lease())
      return base === undefined ? writeQueue.begin(jobId, () => op(undefined)) : writeQueue.withPieces(jobId, base, op)
    },
    append: (jobId, fence, { cycle, extra, hash, text }) =>
      writeQueue.append(
        jobId,
        () => ({ kind: "append", jobId, fence, cycle, text: text(), hash, extra: extra() }),
        lengthOf
      ),
    note: (jobId, fence, text) => writeQueue.append(jobId, () => ({ kind: "note", jobId, fence, text }), lengthOf),
    keep: (jobId, fence, kept) => writeQueue.append(jobId, () => ({ kind: "keep", jobId, fence, ...kept }), lengthOf),
    rebase: (jobId, fence, { cycle, header, pieces }) =>
      writeQueue.withPieces(
        jobId,
        () => pieces,
        (upload) => ({ kind: "rebase", jobId, fence, cycle, header, upload })
      ),
    halt: (jobId, fence, { haltedAt, status, text }) =>
      writeQueue.conclude(jobId, () => ({ kind: "halt", jobId, fence, status, haltedAt, text: text() })),
    load: (jobId) => read(reader.load(jobId)),
    rows: (jobId, after, until) => readStream(() => reader.rows(jobId, after, until)),
    base: (jobId, cycle) => readStream(() => reader.base(jobId, cycle)),
    kept: (jobId) => read(reader.kept(jobId)),
    list: (options) => read(reader.list(options)),
    lease: (jobId, options) =>
      Effect.andThen(
        releaseOne(jobId),
        writeQueue.begin(jobId, () => ({
          kind: "lease",
          jobId,
          isForced: options?.force === true,
          now: now(),
          ...lease()
        }))
      ),
    release,
    requestCancel: (jobId) => writeQueue.write({ kind: "cancel", jobId }),
    cancelRequests: whileOpen(reader.cancelRequests),
    waitingSince: Effect.sync(parts.waitingSince),
    prune: ({ haltedSince, keepLatest }) =>
      keepLatest !== undefined && !(Number.isSafeInteger(keepLatest) && keepLatest >= 0)
        ? refuse(`keepLatest must be a whole number of at least 0, not ${keepLatest}`)
        : Effect.tap(untilNothing(writeQueue.write({ kind: "prune", haltedSince, keepLatest })), () =>
            collect(writeQueue)
          )
  })
  const file: StoreFile["Service"] = {
    filename,
    backup: (to) => read(backup(filename, to)),
    vacuum: Effect.asVoid(writeQueue.write({ kind: "vacuum" }))
  }
  return { store, file, releaseAgain }
}
