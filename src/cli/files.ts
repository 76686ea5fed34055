/**
 * Reads the files of the command, and says in a sentence why one cannot be read or written.
 *
 * Boundary: the file system; no error of its own.
 */
import * as Effect from "effect/Effect"
import { readFile } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { printable } from "./text.ts"

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "it may not be read",
  EPERM: "it may not be read",
  ERR_FS_FILE_TOO_LARGE: "it is too large"
}

const whyNot = (error: unknown): string => {
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  return reasons[code] ?? (code === "" ? "it cannot be read" : `it cannot be read (${code})`)
}

const writeReasons: Readonly<Record<string, string>> = {
  EISDIR: "it is a folder",
  EACCES: "it may not be written",
  EPERM: "it may not be written",
  EROFS: "it may not be written",
  ENOSPC: "there is no space left"
}

/** The reason why a file was not written, in words. */
export const whyNotWritten = (error: unknown, path: string): string => {
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  if (code === "ENOENT" || code === "ENOTDIR") return printable(`there is no folder ${dirname(resolve(path))}`)
  return writeReasons[code] ?? (code === "" ? "it cannot be written" : `it cannot be written (${code})`)
}

/** Reads the text of a file; fails with the reason in words. */
export const readText = (path: string): Effect.Effect<string, string> =>
  Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: whyNot })
