/**
 * `converge backup` and `converge restore`: a store's file as a whole.
 *
 * Boundary: calls the store, prints one line; a failure becomes an error of the command.
 */
import * as Effect from "effect/Effect"
import { statSync } from "node:fs"
import { resolve } from "node:path"
import { restoreSqlite, type StoreError, StoreFile } from "../store/index.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { lazily } from "./lazily.ts"
import { type AServer, fileOnly, type Placed, placeOf } from "./place.ts"
import { printed } from "./storedJobs.ts"
import { look } from "./jobRun.ts"
import { openForReading, storeFailure } from "./storeFile.ts"
import { bytes, printable } from "./text.ts"

interface BackupOptions extends Placed {
  readonly to: string
  readonly json: boolean
}

interface RestoreOptions extends Placed {
  readonly from: string
  readonly force: boolean
  readonly json: boolean
}

/** The error for a failed backup. The reason `failed` means that another name or file would do; others keep their own error. */
const failure = (error: StoreError): Failed =>
  error.reason === "failed" ? new UsageError({ message: printable(error.message) }) : storeFailure(error)

const line = (done: string, path: string, size: number) => `${done} ${printable(path)}, ${bytes(size)}`

const ofFile = (store: string, filename: string): Effect.Effect<void, Failed> =>
  StoreFile.use((file) => Effect.mapError(file.backup(filename), failure)).pipe(Effect.provide(openForReading(store)))

const ofServer = (server: AServer, filename: string): Effect.Effect<void, Failed> =>
  lazily(
    () => import("./serverBackup.ts"),
    ({ backupOf }) => backupOf(server, filename)
  )

export const backup = (host: Host, options: BackupOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const place = yield* placeOf(options)
    const filename = resolve(options.to)
    yield* place._tag === "File" ? ofFile(place.filename, filename) : ofServer(place, filename)
    return yield* printed(
      host,
      options.json,
      { filename, bytes: statSync(filename).size },
      {
        json: (copy) => copy,
        page: (copy, { style }) => style("green", line("✔ made", copy.filename, copy.bytes))
      }
    )
  }).pipe(Effect.scoped)

const ofThisMachine =
  "this command replaces a file, while no server has it open. Give --store on the machine that has it"

export const restore = (host: Host, { force, from, json, ...placed }: RestoreOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const store = yield* fileOnly(placed, ofThisMachine)
    yield* restoreSqlite({ from, filename: store, replace: force }).pipe(
      Effect.mapError((error) =>
        error.reason === "exists"
          ? new UsageError({ message: `${error.message}: --force replaces it` })
          : failure(error)
      )
    )
    const restored = { filename: resolve(store), from: resolve(from), bytes: statSync(store).size }
    const text = json
      ? JSON.stringify(restored)
      : look().style("green", line("✔ restored", restored.filename, restored.bytes))
    yield* host.write(`${text}\n`)
    return 0
  }).pipe(Effect.scoped)
