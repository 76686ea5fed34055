/**
 * Copies a file that is in use.
 *
 * SQLite copies it on a thread of Node's own, in one step. The copy has the rows that were committed when it began, and no
 * later ones. Nobody holds the jobs of a copy, so it has no leases (decision 169). It gets its name only when it is complete.
 *
 * Boundary: opens and closes its own connection; failures have the reasons of the port.
 */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { existsSync } from "node:fs"
import { open, rename, rm } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { backup as copy, DatabaseSync } from "node:sqlite"
import { StoreError } from "../JobStore.ts"
import { refusalOf } from "./refusal.ts"
import { immutable } from "./SqliteClient.ts"

/** Copies all pages in one step: the largest count that SQLite takes. */
const allPages = 2_147_483_647

/** Copies a file. `isImmutable`: no process writes to the file, so reading it makes no file beside it. */
export const backup = (from: string, to: string, isImmutable = false): Effect.Effect<void, StoreError> =>
  Effect.suspend(() => {
    const target = resolve(to)
    return existsSync(target)
      ? Effect.fail(new StoreError({ reason: "failed", message: `${target}: the file exists already` }))
      : copyTo(from, target, isImmutable, Effect.void)
  })

/** A damaged file has a damaged copy, which is still worth more than none. */
const isDamage = ({ reason }: StoreError): boolean => reason === "corrupt" || reason === "not-a-database"

/** Ends the leases in a copy: the stores that they name use the file that was copied. */
const endLeases = (partial: string, target: string): Effect.Effect<void, StoreError> =>
  Effect.acquireUseRelease(
    Effect.try({
      try: () => new DatabaseSync(partial),
      catch: (error) => new StoreError(refusalOf(error, target))
    }),
    (database) =>
      Effect.try({
        try: () => {
          const isStore = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'converge_jobs'").get()
          if (isStore === undefined) return
          database.exec("UPDATE converge_jobs SET owner = NULL, lease_until = NULL WHERE owner IS NOT NULL")
        },
        catch: (error) => new StoreError(refusalOf(error, target))
      }),
    (database) => Effect.sync(() => database.close())
  ).pipe(Effect.catchIf(isDamage, () => Effect.void))

/** Copies a file to an absolute path. `makeWay` runs when the copy is on the disk, before it gets its name. */
export const copyTo = (
  from: string,
  target: string,
  isImmutable: boolean,
  makeWay: Effect.Effect<void, StoreError>
): Effect.Effect<void, StoreError> => {
  const partial = `${target}.${randomUUID()}.partial`
  const attempt = <A>(run: () => PromiseLike<A>) =>
    Effect.tryPromise({ try: run, catch: (error) => new StoreError(refusalOf(error, target)) })
  const connection = Effect.acquireRelease(
    Effect.try({
      try: () => new DatabaseSync(isImmutable ? immutable(from) : from, { readOnly: true }),
      catch: (error) => new StoreError(refusalOf(error, from))
    }),
    (database) => Effect.sync(() => database.close())
  )
  // A synced directory keeps the new name on the disk. Some systems cannot open directories, hence `ignore`.
  const keepName = Effect.ignore(
    Effect.acquireUseRelease(
      attempt(() => open(dirname(target))),
      (directory) => attempt(() => directory.sync()),
      (directory) => Effect.ignore(attempt(() => directory.close()))
    )
  )
  return Effect.gen(function* () {
    const database = yield* connection
    yield* attempt(() => copy(database, partial, { rate: allPages }))
    yield* endLeases(partial, target)
    yield* makeWay
    yield* attempt(() => rename(partial, target))
    yield* keepName
  }).pipe(
    Effect.scoped,
    Effect.onError(() => Effect.ignore(attempt(() => rm(partial, { force: true })))),
    Effect.uninterruptible
  )
}
