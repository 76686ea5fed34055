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
import { fileOnly, type Placed } from "./place.ts"
import { onStore } from "./storedJobs.ts"
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

const ofThisMachine = (does: string): string => `this command ${does} a file. Give --store on the machine that has it`

const line = (done: string, path: string, size: number) => `${done} ${printable(path)}, ${bytes(size)}`

export const backup = (host: Host, options: BackupOptions): Effect.Effect<number, Failed> => {
  const filename = resolve(options.to)
  const copied = StoreFile.use((file) => Effect.mapError(file.backup(filename), failure)).pipe(
    Effect.map(() => ({ filename, bytes: statSync(filename).size }))
  )
  return Effect.flatMap(fileOnly(options, ofThisMachine("copies")), (store) =>
    onStore(host, options, openForReading(store), copied, {
      json: (copy) => copy,
      page: (copy, { style }) => style("green", line("✔ made", copy.filename, copy.bytes))
    })
  )
}

export const restore = (host: Host, { force, from, json, ...placed }: RestoreOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const store = yield* fileOnly(placed, `${ofThisMachine("replaces")}, while the server is stopped`)
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
