/**
 * A backup of a server's store: its bytes, written to a file of this machine.
 *
 * Invariant: the file gets its name only when it is whole and SQLite finds its structure sound. Boundary: the server's client
 * in, a file out.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import { open, rename, rm } from "node:fs/promises"
import process from "node:process"
import { type StoreError, StoreFile } from "../store/index.ts"
import { CommandFailed, ExitCode, type Failed, UsageError } from "./exitCode.ts"
import { whyNotWritten } from "./files.ts"
import type { AServer } from "./place.ts"
import { connect } from "./serverClient.ts"
import { failedOf, stranger } from "./serverError.ts"
import { asFailed } from "./storedJobs.ts"
import { openForReading } from "./storeFile.ts"
import { printable } from "./text.ts"

const refuse = (filename: string, why: string): UsageError =>
  new UsageError({ message: `${printable(filename)}: ${why}` })

/** Writes the bytes of a stream to a new file, and has the disk keep them. */
const written = (partial: string, filename: string, bytes: Stream.Stream<Uint8Array, Failed>) => {
  const attempt = <A>(run: () => PromiseLike<A>) =>
    Effect.tryPromise({ try: run, catch: (error) => refuse(filename, whyNotWritten(error, filename)) })
  return Effect.acquireUseRelease(
    attempt(() => open(partial, "wx")),
    (file) =>
      Effect.andThen(
        Stream.runForEach(bytes, (piece) => attempt(() => file.writeFile(piece))),
        attempt(() => file.sync())
      ),
    (file) => Effect.ignore(attempt(() => file.close()))
  )
}

/** The failure of a copy that cannot be opened. The user does not know its name. */
const unopened = (server: AServer, partial: string, error: StoreError | Failed): Failed => {
  if (error._tag === "StoreError" ? error.reason === "not-a-database" : error._tag === "UsageError")
    return stranger(server)
  const failed = asFailed(error)
  return new CommandFailed({ message: failed.message.replaceAll(partial, "the copy"), exitCode: ExitCode.failed })
}

/** Refuses a copy that is not a sound store. */
const checked = (server: AServer, partial: string): Effect.Effect<void, Failed> =>
  Effect.gen(function* () {
    const problems = yield* StoreFile.use((file) => file.check)
    const [first] = problems
    if (first === undefined) return
    const message = `the copy that the server sent is damaged: ${printable(first)}`
    return yield* new CommandFailed({ message, exitCode: ExitCode.failed })
  }).pipe(
    Effect.provide(openForReading(partial)),
    Effect.mapError((error) => unopened(server, partial, error))
  )

/** Makes a file of the store of a server. The path is absolute. */
export const backupOf = (server: AServer, filename: string): Effect.Effect<void, Failed> => {
  if (existsSync(filename)) return Effect.fail(refuse(filename, "the file exists already"))
  const partial = `${filename}.${process.pid}.partial`
  const removed = Effect.ignore(Effect.tryPromise(() => rm(partial, { force: true })))
  return Effect.gen(function* () {
    const client = yield* connect(server)
    const sent = yield* Effect.mapError(client.journals.backup(), (error) => failedOf(server, error))
    yield* written(
      partial,
      filename,
      Stream.mapError(sent, (error) => failedOf(server, error))
    )
    yield* checked(server, partial)
    yield* Effect.tryPromise({
      try: () => rename(partial, filename),
      catch: (error) => refuse(filename, whyNotWritten(error, filename))
    })
  }).pipe(Effect.ensuring(removed))
}
