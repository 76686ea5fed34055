/**
 * Errors of SQLite as refusals in the words of the port.
 *
 * Boundary: plain values, for both threads. Looks at the file system to explain why a file does not open.
 */
import { accessSync, constants, statSync } from "node:fs"
import { dirname } from "node:path"
import type { StoreErrorReason } from "../JobStore.ts"
import type { Refusal } from "../refusals.ts"

/** SQLite's primary result codes (sqlite.org/rescode.html) that have a reason of their own in the port. */
const reasons: ReadonlyMap<number, StoreErrorReason> = new Map([
  [5, "busy"],
  [6, "busy"],
  [8, "read-only"],
  [11, "corrupt"],
  [13, "full"],
  [18, "too-large"],
  [26, "not-a-database"]
])

const inputOutput = 10
const cannotOpen = 14
/** No space for the memory that connections share, which is a file beside the database. */
const noSpaceForSharedMemory = 10 | (19 << 8)

const sentences: Readonly<Partial<Record<StoreErrorReason, string>>> = {
  busy: "another connection holds it for longer than the store waits",
  "read-only": "it, or its directory, cannot be written to",
  corrupt: "its structure is damaged",
  full: "there is no space for it, or it has reached its quota",
  "too-large": "a text is longer than SQLite can keep",
  "not-a-database": "it is not a SQLite database"
}

const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The refusal for an error that SQLite threw while it used a file. */
export const refusalOf = (error: unknown, filename: string): Refusal => {
  const code = codeOf(error)
  if (code === undefined) return { reason: "failed", message: `${filename}: ${textOf(error)}` }
  const primary = code & 0xff
  if (primary === cannotOpen) return unopenable(error, filename)
  if (primary === inputOutput && !may(filename, constants.F_OK)) {
    return { reason: "failed", message: `${filename}: it is no longer there (${textOf(error)}, code ${code})` }
  }
  const reason = code === noSpaceForSharedMemory ? "full" : (reasons.get(primary) ?? "failed")
  const sentence = sentences[reason]
  const detail = `${textOf(error)}, code ${code}`
  return { reason, message: sentence === undefined ? `${filename}: ${detail}` : `${filename}: ${sentence} (${detail})` }
}

const may = (path: string, mode: number): boolean => {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

const isFolder = (path: string): boolean => may(path, constants.F_OK) && statSync(path).isDirectory()

/** The file system explains why SQLite cannot open a file: SQLite itself does not tell. */
const unopenable = (error: unknown, filename: string): Refusal => {
  const folder = dirname(filename)
  const failed = (message: string): Refusal => ({ reason: "failed", message: `${filename}: ${message}` })
  if (!isFolder(folder)) return failed(`there is no folder ${folder}`)
  const exists = may(filename, constants.F_OK)
  if (isFolder(filename)) return failed("it is a folder")
  if (!may(folder, constants.W_OK) || (exists && !may(filename, constants.W_OK))) {
    return { reason: "read-only", message: `${filename}: ${sentences["read-only"]} (${textOf(error)})` }
  }
  return failed(`${textOf(error)}, code ${cannotOpen}`)
}

/** Whether every other write of the same transaction would fail for this reason too. */
export const failsWholeGroup = (reason: StoreErrorReason): boolean =>
  reason === "busy" || reason === "read-only" || reason === "corrupt" || reason === "not-a-database"
