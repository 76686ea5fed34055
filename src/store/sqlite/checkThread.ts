/**
 * The thread that checks the structure of a file. It answers once: with the first problem that SQLite finds, or with null.
 *
 * Boundary: a connection that only reads; the entry of a thread, without Effect, so that it starts fast.
 */
import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"
import type { Refusal } from "../refusals.ts"
import { refusalOf } from "./refusal.ts"

// The cast is safe: only checkApart.ts starts this thread.
const filename = workerData as string

const check = (): Refusal | null => {
  try {
    const database = new DatabaseSync(filename, { readOnly: true })
    // The quick check reads every page, and leaves out whether each index has all rows of its table.
    const problem = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]
    database.close()
    return problem === "ok" ? null : { reason: "corrupt", message: `${filename}: ${String(problem)}` }
  } catch (error) {
    return refusalOf(error, filename)
  }
}

parentPort?.postMessage(check())
