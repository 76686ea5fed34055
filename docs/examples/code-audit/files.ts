/**
 * `Files`, and the reading of one file, over Effect's FileSystem service.
 *
 * Boundary: the only file of the audit that touches the file system. Whatever it answers becomes facts: an error is an
 * answer like any other, so nothing here fails.
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { posix } from "node:path"
import { configFile, readConfig } from "./configs.ts"
import type { ProblemCode } from "./facts.ts"
import { parseManifest } from "./manifest.ts"
import type { Files } from "./resolve.ts"
import type { Tsconfig } from "./tsconfig.ts"

/** Bytes above which a file is not read: its text alone would outweigh all others. */
export const readBytesMax = 16_000_000

/** The result of reading a file: its text, or what was wrong. */
export interface ReadFile {
  readonly source: { readonly bytes: number; readonly text: string } | undefined
  readonly problems: ReadonlyArray<{ readonly code: ProblemCode; readonly message: string }>
}

/** A path with forward slashes, which Node takes on every platform. */
export const toPosix = (path: string): string => path.replaceAll("\\", "/")

/** Something that was not understood of a package.json or tsconfig.json. */
export interface ConfigProblem {
  readonly path: string
  readonly message: string
}

/** The files that resolution asks about, and what of their configuration was not understood so far. */
export const makeFiles = (
  fs: FileSystem.FileSystem
): Files & { readonly problems: () => ReadonlyArray<ConfigProblem> } => {
  const notes = new Map<string, Set<string>>()
  const note = (path: string, message: string): void => {
    const known = notes.get(path)
    if (known === undefined) notes.set(path, new Set([message]))
    else known.add(message)
  }
  const text = (path: string): Effect.Effect<string | undefined> =>
    fs.readFileString(path).pipe(Effect.orElseSucceed(() => undefined))
  const kind: Files["kind"] = (path) =>
    fs.stat(path).pipe(
      Effect.map((info) => (info.type === "File" ? "file" : info.type === "Directory" ? "directory" : "absent")),
      Effect.orElseSucceed(() => "absent" as const)
    )
  const manifest: Files["manifest"] = (directory) => {
    const path = posix.join(directory, "package.json")
    return Effect.map(text(path), (content) => {
      const found = content === undefined ? undefined : parseManifest(content)
      if (content !== undefined && found === undefined) note(path, "not a JSON object: what it says is not known")
      for (const field of found?.tooDeep ?? []) note(path, `${JSON.stringify(field)} nests too deep and is passed over`)
      return found
    })
  }
  const tsconfigs = new Map<string, Tsconfig>()
  return {
    kind,
    manifest,
    configFile: (directory) => configFile({ kind }, directory),
    tsconfig: Effect.fnUntraced(function* (path) {
      const known = tsconfigs.get(path)
      if (known !== undefined) return known
      const config = yield* readConfig({ kind, manifest, text, note }, path)
      tsconfigs.set(path, config)
      return config
    }),
    realPath: (path) =>
      fs.realPath(path).pipe(
        Effect.map(toPosix),
        Effect.orElseSucceed(() => path)
      ),
    problems: () => [...notes].map(([path, messages]) => ({ path, message: [...messages].join("; ") }))
  }
}

/** Reads a file once, and tells whether it held still meanwhile. */
export const readSource = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<ReadFile, never, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const before = yield* Effect.option(fs.stat(path))
  if (Option.isNone(before)) return failed("missing", "there is no such file")
  if (before.value.type === "Directory") return failed("directory", "a directory, not a file")
  if (before.value.type !== "File") return failed("unreadable", "not a regular file")
  const size = sizeOf(before.value)
  if (size > readBytesMax) {
    return failed("too-large", `${megabytes(size)} MB: files above ${megabytes(readBytesMax)} MB are not read`)
  }
  const read = yield* Effect.result(fs.readFile(path))
  if (read._tag === "Failure") return failed("unreadable", `cannot be read: ${reasonOf(read.failure.reason)}`)
  const bytes = read.success
  const after = yield* Effect.option(fs.stat(path))

  const problems: Array<ReadFile["problems"][number]> = []
  const held =
    Option.isSome(after) &&
    sizeOf(after.value) === size &&
    bytes.length === size &&
    modifiedAt(after.value) === modifiedAt(before.value)
  if (!held)
    problems.push({ code: "changed-while-read", message: "changed while it was read: what follows may be half old" })
  if (bytes.length === 0) problems.push({ code: "empty", message: "an empty file" })
  const { text, isUtf8 } = decode(bytes)
  if (!isUtf8) problems.push({ code: "not-utf8", message: "not valid UTF-8: the bytes in question were replaced" })
  return { source: { bytes: bytes.length, text }, problems }
})

const failed = (code: ProblemCode, message: string): ReadFile => ({ source: undefined, problems: [{ code, message }] })

const sizeOf = (info: FileSystem.File.Info): number => ByteSize.toNumberUnsafe(info.size)

const modifiedAt = (info: FileSystem.File.Info): number =>
  Option.match(info.mtime, { onNone: () => 0, onSome: (time) => time.getTime() })

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1).replace(/\.0$/, "")

/** The tag alone: messages of the system hold absolute paths, and facts must not. */
const reasonOf = (reason: { readonly _tag: string }): string => reason._tag

const decode = (bytes: Uint8Array): { readonly text: string; readonly isUtf8: boolean } => {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), isUtf8: true }
  } catch {
    // Lone surrogates cannot come of this: the decoder replaces what it cannot read.
    return { text: new TextDecoder("utf-8").decode(bytes), isUtf8: false }
  }
}
