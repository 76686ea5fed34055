/**
 * A store that only reads a file: `JobStore.layerSqlite({ filename, readOnly: true })`.
 *
 * A connection that reads a write-ahead log makes two files beside the database. Without a log, no process writes. The store
 * then opens the file as immutable, which makes no files and needs no right to write. When a process begins to write, and so
 * makes a log, the store opens the file again in the ordinary way.
 *
 * Invariant: the store changes neither the file nor its directory. If another process writes, reading may make files beside
 * the log. Boundary: composition, and the refusal of each write.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { existsSync, statSync } from "node:fs"
import { JobStore, StoreError } from "../JobStore.ts"
import { StoreFile } from "../StoreFile.ts"
import { backup } from "./backup.ts"
import { checkFile } from "./checkFile.ts"
import { Damage } from "./damage.ts"
import { view } from "./migrations.ts"
import type { Resolved } from "./options.ts"
import { nameOwner, Renewals } from "./owner.ts"
import { sentCopy } from "./sentCopy.ts"
import { asStoreError, makeReader, type Reader, whileBusy } from "./reader.ts"
import * as SqliteClient from "./SqliteClient.ts"

/** Whether a log beside the file may hold changes. A reader can leave an empty log. */
const hasLog = (filename: string): boolean => existsSync(`${filename}-wal`)

const hasContent = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0

const open = (options: Resolved, owner: string, isImmutable: boolean) =>
  Effect.gen(function* () {
    const { busyTimeoutMs, filename, leaseMs } = options
    const sql = yield* SqliteClient.make({ filename, isReadOnly: true, isImmutable, busyTimeoutMs: 0 })
    yield* whileBusy(busyTimeoutMs)(view(sql, filename))
    return makeReader({
      sql,
      filename,
      owner,
      leaseMs,
      renewals: new Renewals(leaseMs),
      busyTimeoutMs,
      damage: new Damage()
    })
  }).pipe(Effect.mapError(asStoreError(options.filename)))

/** Opens the file in its present state. If a write-protected directory makes the log unreadable, the log must be empty. */
const openLogged = (options: Resolved, owner: string) =>
  open(options, owner, false).pipe(
    Effect.catch((error) =>
      error.reason === "read-only" && !hasContent(`${options.filename}-wal`)
        ? open(options, owner, true)
        : Effect.fail(error)
    )
  )

/** Both services. */
export const makeReadOnly = (
  options: Resolved
): Effect.Effect<Context.Context<JobStore | StoreFile>, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const { filename } = options
    const owner = nameOwner(options.leaseMs)
    const scope = yield* Effect.scope
    if (!existsSync(filename)) {
      return yield* new StoreError({ reason: "failed", message: `${filename}: there is no such file` })
    }
    const logged = yield* Effect.cached(Scope.provide(openLogged(options, owner), scope))
    const quiet = hasLog(filename) ? yield* logged : yield* open(options, owner, true)
    const reader = Effect.suspend(() => (hasLog(filename) ? logged : Effect.succeed(quiet)))
    return Context.make(JobStore, readOnlyStore(filename, reader)).pipe(
      Context.add(StoreFile, {
        filename,
        backup: (to) => backup(filename, to, !hasLog(filename)),
        copy: Effect.suspend(() => sentCopy(filename, !hasLog(filename))),
        check: checkFile(filename, !hasLog(filename)),
        vacuum: refuse(filename)
      })
    )
  })

const refuse = (filename: string): Effect.Effect<never, StoreError> =>
  Effect.fail(new StoreError({ reason: "read-only", message: `${filename}: the store was opened for reading only` }))

const readOnlyStore = (filename: string, reader: Effect.Effect<Reader, StoreError>): JobStore["Service"] => {
  const refused = refuse(filename)
  const read = <A>(use: (reader: Reader) => Effect.Effect<A, StoreError>) => Effect.flatMap(reader, use)
  const stream = <A>(use: (reader: Reader) => Stream.Stream<A, StoreError>) => Stream.unwrap(Effect.map(reader, use))
  return {
    isDurable: true,
    create: () => refused,
    append: () => refused,
    note: () => refused,
    keep: () => refused,
    rebase: () => refused,
    halt: () => refused,
    lease: () => refused,
    release: () => refused,
    quarantine: () => refused,
    requestCancel: () => refused,
    prune: () => refused,
    remove: () => refused,
    load: (jobId) => read((reader) => reader.load(jobId)),
    rows: (jobId, after, until) => stream((reader) => reader.rows(jobId, after, until)),
    base: (jobId, cycle) => stream((reader) => reader.base(jobId, cycle)),
    kept: (jobId) => read((reader) => reader.kept(jobId)),
    list: (options) => read((reader) => reader.list(options)),
    cancelRequests: Effect.succeed([])
  }
}
