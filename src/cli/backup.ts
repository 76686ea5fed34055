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
import { show } from "./storedJobs.ts"
import { look } from "./jobRun.ts"
import { storeFailure } from "./storeFile.ts"
import { bytes, printable } from "./text.ts"

interface BackupOptions {
  readonly to: string
  readonly store: string
  readonly json: boolean
}

interface RestoreOptions {
  readonly from: string
  readonly store: string
  readonly force: boolean
  readonly json: boolean
}

/** The error for a failed backup. The reason `failed` means that another name or file would do; others keep their own error. */
const failure = (error: StoreError): Failed =>
  error.reason === "failed" ? new UsageError({ message: printable(error.message) }) : storeFailure(error)

const line = (done: string, path: string, size: number) => `${done} ${printable(path)}, ${bytes(size)}`

export const backup = (host: Host, options: BackupOptions): Effect.Effect<number, Failed> => {
  const filename = resolve(options.to)
  const copied = StoreFile.use((file) => Effect.mapError(file.backup(filename), failure)).pipe(
    Effect.map(() => ({ filename, bytes: statSync(filename).size }))
  )
  return show(
    host,
    options,
    copied,
    (copy) => copy,
    (copy, { style }) => style("green", line("✔ made", copy.filename, copy.bytes))
  )
}

export const restore = (host: Host, { force, from, json, store }: RestoreOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
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
