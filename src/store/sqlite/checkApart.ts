/**
 * Checks the structure of a file on a thread of its own, beside everything else that the store does.
 *
 * While the check runs, the write-ahead log is not cut, because the check reads the file as it was at its begin.
 *
 * Boundary: owns `new Worker` for this thread. A thread that is interrupted ends when SQLite returns.
 */
import * as Effect from "effect/Effect"
import { statSync } from "node:fs"
import { Worker } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import { liveThreads } from "../../platform/liveThreads.ts"
import { missingThreadFile } from "../../platform/threadFiles.ts"
import { StoreError } from "../JobStore.ts"
import type { Refusal } from "../refusals.ts"
import type { Damage } from "./damage.ts"

const entry = new URL(import.meta.url.endsWith(".ts") ? "./checkThread.ts" : "./checkThread.js", import.meta.url)

const failed = (filename: string, error: unknown): Refusal => ({
  reason: "failed",
  message: `${filename}: the thread that checks has ended: ${missingThreadFile(entry) ?? (error instanceof Error ? error.message : String(error))}`
})

/** Returns the first problem of a file; null for a sound one. */
const problemOf = (filename: string): Effect.Effect<Refusal | null> =>
  Effect.callback((resume) => {
    let problem: Refusal | null = null
    let worker: Worker
    try {
      worker = new Worker(entry, { name: "converge-check", workerData: filename, execArgv: [] })
    } catch (error) {
      return resume(Effect.succeed(failed(filename, error)))
    }
    worker.unref()
    liveThreads.noteStart()
    // The cast is safe: only checkThread.ts has the other end.
    worker.on("message", (found: Refusal | null) => (problem = found))
    worker.on("error", (error) => (problem = failed(filename, error)))
    worker.on("exit", () => {
      liveThreads.noteEnd()
      resume(Effect.succeed(problem))
    })
    return Effect.sync(() => void worker.terminate())
  })

/** Checks a file, and notes its damage. Fails if the file is damaged, or too large to be checked while it is in use. */
export const checkApart = (filename: string, damage: Damage): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    const { size } = statSync(filename, { throwIfNoEntry: false }) ?? { size: 0 }
    if (size > Limits.storeCheckBytes) {
      const mib = Math.round(size / 1_048_576)
      return yield* new StoreError({ reason: "too-large", message: `${filename}: ${mib} MiB take too long` })
    }
    const problem = yield* problemOf(filename)
    if (problem === null) return
    damage.note(problem)
    return yield* new StoreError(problem)
  })
