/**
 * Builds `JobStore.layerSqlite`: the file, the thread that writes to it, the connection that reads, and the work of the clock
 * while the store is open.
 *
 * Boundary: composition. It loads when the layer is built, and with it everything that touches SQLite.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { monotonicMs } from "../../platform/monotonicMs.ts"
import { unrefClock } from "../../platform/unrefClock.ts"
import { Limits } from "../../Limits.ts"
import { JobStore, StoreError } from "../JobStore.ts"
import { StoreFile } from "../StoreFile.ts"
import { Damage } from "./damage.ts"
import { report } from "./metrics.ts"
import { WriteQueue } from "./writeQueue.ts"
import { migrate } from "./migrations.ts"
import { type Resolved, resolve, type SqliteOptions } from "./options.ts"
import { nameOwner, Renewals } from "./owner.ts"
import { asStoreError, makeReader, whileBusy } from "./reader.ts"
import { makeReadOnly } from "./readOnly.ts"
import * as SqliteClient from "./SqliteClient.ts"
import { collect, makeStore } from "./store.ts"
import { Writer } from "./writer.ts"

/** Tuning: renewals of a lease before it ends. Three are on time even if each is late by a tenth of its interval. */
const renewalsPerLease = 10 / 3

/** Makes all queued writes, releases all jobs and closes the file. */
const close = (
  writer: Writer,
  writeQueue: WriteQueue,
  { busyTimeoutMs, filename }: Resolved,
  owner: string
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const closing = yield* Effect.forkDetach(
      Effect.andThen(
        Effect.exit(writeQueue.write({ kind: "leave", owner })),
        Effect.exit(writeQueue.write({ kind: "close" }))
      )
    )
    const patience = Duration.millis(busyTimeoutMs + Limits.storeCloseTimeoutMs)
    const ended = Effect.interruptible(Effect.timeoutOption(Fiber.await(closing), patience))
    // Waits on while the thread makes progress; gives up when a whole timeout passes without an answer.
    let answered = -1
    while ((yield* ended)._tag === "None" && answered < writer.answered) answered = writer.answered
    if (writer.unanswered > 0) {
      yield* Effect.logError(`${filename}: the store's thread was ended, with ${writer.unanswered} writes not made`)
    }
    writer.terminate()
    for (const error of writeQueue.unreportedFailures) yield* Effect.logError("a write in the background failed", error)
  })

const openWriter = (
  options: Resolved,
  owner: string,
  clock: Clock.Clock,
  damage: Damage,
  services: Context.Context<never>
): Effect.Effect<{ readonly writer: Writer; readonly writeQueue: WriteQueue }, StoreError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const { busyTimeoutMs, durability, filename, maxBytes } = options
      const synchronous = durability === "full" ? "FULL" : "NORMAL"
      const writer: Writer = new Writer(
        { filename, synchronous, busyTimeoutMs, maxBytes },
        {
          now: () => monotonicMs(clock),
          noteWrite: report(services, filename, () => writer.unanswered)
        }
      )
      const writeQueue = new WriteQueue(writer, durability === "exit", damage)
      return Effect.callback<{ writer: Writer; writeQueue: WriteQueue }, StoreError>((resume) =>
        writer.open((refusal) =>
          resume(refusal === undefined ? Effect.succeed({ writer, writeQueue }) : Effect.fail(new StoreError(refusal)))
        )
      )
    }),
    ({ writeQueue, writer }) => close(writer, writeQueue, options, owner)
  )

const make = (input: SqliteOptions) =>
  Effect.gen(function* () {
    const options = yield* Effect.try({
      try: () => resolve(input),
      catch: (error) => new StoreError({ reason: "failed", message: error instanceof Error ? error.message : "" })
    })
    if (options.isReadOnly) return yield* makeReadOnly(options)
    const { busyTimeoutMs, filename, leaseMs, retention } = options
    const clock = yield* Clock.Clock
    const owner = nameOwner(leaseMs)
    const renewals = new Renewals(leaseMs)
    yield* whileBusy(busyTimeoutMs)(migrate(filename)).pipe(
      // The statements of an opening belong to no request.
      Effect.withTracerEnabled(false),
      Effect.mapError(asStoreError(filename))
    )
    const damage = new Damage()
    const { writeQueue, writer } = yield* openWriter(options, owner, clock, damage, yield* Effect.context<never>())
    const sql = yield* Effect.mapError(
      SqliteClient.make({ filename, isReadOnly: true, busyTimeoutMs: 0 }),
      asStoreError(filename)
    )
    const reader = makeReader({ sql, filename, owner, leaseMs, renewals, busyTimeoutMs, damage })
    const { file, releaseAgain, store } = makeStore({
      ...{ filename, owner, leaseMs, clock, writeQueue, reader, renewals, damage },
      isClosed: () => writer.isClosed,
      waitingSince: () => writer.waitingSince
    })

    // Sleeping work does not keep the process alive. A test's clock stays as it is.
    const isReal = clock === Context.get(Context.empty(), Clock.Clock)
    const inBackground = (what: string, work: Effect.Effect<unknown, StoreError>) =>
      work.pipe(Effect.catch((error) => Effect.logWarning(`${filename}: ${what} did not succeed`, error)))
    const every = (ms: number, work: Effect.Effect<unknown>) =>
      Effect.provideService(
        Effect.forever(Effect.andThen(work, Effect.sleep(Duration.millis(ms)))),
        Clock.Clock,
        isReal ? unrefClock(clock) : clock
      )

    yield* Effect.forkScoped(inBackground("the deletion of pruned journals", collect(writeQueue)))
    const renew = Effect.andThen(
      releaseAgain,
      Effect.suspend(() =>
        writeQueue.write({ kind: "renew", owner, leaseUntil: clock.currentTimeMillisUnsafe() + leaseMs })
      )
    )
    yield* Effect.forkScoped(every(leaseMs / renewalsPerLease, inBackground("the renewal of leases", renew)))
    if (retention !== undefined) {
      const { everyMs, keepLatest, maxAgeMs } = retention
      const prune = Effect.suspend(() => {
        const haltedSince = maxAgeMs === undefined ? undefined : clock.currentTimeMillisUnsafe() - maxAgeMs
        return store.prune({ keepLatest, haltedSince })
      })
      yield* Effect.forkScoped(every(everyMs, inBackground("the pruning of old journals", prune)))
    }

    return Context.make(JobStore, store).pipe(Context.add(StoreFile, file))
  })

/** The implementation of `layerSqlite` in index.ts. */
export const layer = (options: SqliteOptions): Layer.Layer<JobStore | StoreFile, StoreError> =>
  Layer.effectContext(make(options))
