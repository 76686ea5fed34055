/**
 * `--store`: the file that jobs are kept in, and the messages about a file or a job that cannot be used.
 *
 * Boundary: opens the store; a failure becomes an error of the command.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { existsSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import type { StartError } from "../outcome/JobError.ts"
import {
  type Durability,
  JobStore,
  layerSqlite,
  type SqliteOptions,
  type StoreError,
  type StoreFile
} from "../store/index.ts"
import { CommandFailed, ExitCode, type Failed, UsageError } from "./exitCode.ts"
import { ServerError } from "./serverError.ts"
import { printable } from "./text.ts"

/** Makes the file if it is not there. `retentionMs`: how long it keeps the journals of ended jobs; undefined means for good. */
export const open = (
  filename: string,
  durability?: Durability,
  retentionMs?: number
): Layer.Layer<JobStore | StoreFile, Failed> =>
  openUnless(
    filename,
    { durability, retention: retentionMs === undefined ? undefined : { maxAge: retentionMs } },
    whyNot
  )

/** Refuses a file that is not there. */
export const openExisting = (filename: string, durability?: Durability): Layer.Layer<JobStore | StoreFile, Failed> =>
  openUnless(filename, { durability }, whyNotThere)

/** For commands that only look: changes neither the file nor its folder. */
export const openForReading = (filename: string): Layer.Layer<JobStore | StoreFile, Failed> =>
  openUnless(filename, { readOnly: true }, whyNotThere)

const openUnless = (
  filename: string,
  options: Omit<SqliteOptions, "filename">,
  refusal: (filename: string) => string | undefined
): Layer.Layer<JobStore | StoreFile, Failed> =>
  Layer.unwrap(
    Effect.suspend(() => {
      if (filename.trim() === "") return Effect.fail(new UsageError({ message: "--store needs the path of a file" }))
      const why = refusal(filename)
      if (why !== undefined) return Effect.fail(notOpened(`${filename}: ${why}`))
      return Effect.succeed(
        layerSqlite({ filename: resolve(filename), ...options }).pipe(
          Layer.catch((error) => Layer.effectContext(Effect.fail(openFailure(error))))
        )
      )
    })
  )

const notOpened = (message: string): UsageError =>
  new UsageError({ message: `cannot open the store ${printable(message)}` })

const whyNotThere = (filename: string): string | undefined =>
  whyNot(filename) ?? (existsSync(filename) ? undefined : "there is no such file")

/** The message about a path that cannot be a store, as far as the file system tells. */
const whyNot = (filename: string): string | undefined => {
  if (filename === ":memory:") return "it has to be a file; without --store nothing is kept"
  const folder = dirname(resolve(filename))
  if (!isFolder(folder)) return `there is no folder ${folder}`
  if (!existsSync(filename) || statSync(filename).isFile()) return undefined
  return isFolder(filename) ? "it is a folder" : "it is not a file"
}

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory()

/**
 * The error for a file that was not opened. The reason `failed` means that another path, or another file at that path, would
 * do. Other reasons, such as a file in use or no space, keep their own error.
 */
const openFailure = (error: StoreError): Failed =>
  error.reason === "failed" ? notOpened(error.message) : storeFailure(error)

/** The message of a store's error. */
export const storeFailure = (error: StoreError): Failed => {
  if (error instanceof ServerError) return error.failed
  const { message, reason } = error
  const text = printable(message)
  switch (reason) {
    case "missing":
    case "exists":
    case "not-a-database":
    case "read-only":
      return new UsageError({ message: text })
    case "corrupt":
    case "held":
    case "needed":
      return new CommandFailed({ message: text, exitCode: ExitCode.failed })
    default:
      return new CommandFailed({ message: text })
  }
}

/** The error for a job that was not started, taken up or looked at. `what`: the step that failed, or "" to leave it out. */
export const startFailure = (what: string, error: StartError | InvalidProgram): Failed => {
  const message = what === "" ? printable(error.message) : `${what}: ${printable(error.message)}`
  switch (error._tag) {
    case "StoreError": {
      const failure = storeFailure(error)
      return failure._tag === "UsageError"
        ? new UsageError({ message })
        : new CommandFailed({ message, exitCode: failure.exitCode })
    }
    case "JournalCorrupt":
    case "ProgramChanged":
      return new CommandFailed({ message, exitCode: ExitCode.failed })
    case "AdmissionRejected":
      return new CommandFailed({ message })
    default:
      return new UsageError({ message })
  }
}

const moduleName = /\.[cm]?[jt]sx?$/
const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile()

/** Whether an argument is a module: a path that says so, a file of code, or a package of this folder. */
export const isModule = (text: string): boolean =>
  /^(?:\.{0,2}[\\/]|[A-Za-z]:[\\/]|file:)/.test(text) ||
  (moduleName.test(text) && isFile(resolve(text))) ||
  (text !== "" && existsSync(resolve("node_modules", text)))

/** The job that the arguments name: as the last of them, or by `--id`. Only the path of its module may stand before it. */
export const jobIdOf = (args: ReadonlyArray<string>, id: string | undefined): Effect.Effect<string, UsageError> => {
  const refuse = (message: string) => Effect.fail(new UsageError({ message: printable(message) }))
  const rest = id === undefined ? args.slice(0, -1) : args
  const found = id ?? args[args.length - 1]
  if (found === undefined) return refuse("which job? Give its id")
  const given = [...rest, found].map((arg) => JSON.stringify(arg)).join(", ")
  if (rest.length > 1) return refuse(`too many arguments, one job at a time: ${given}`)
  return rest.every(isModule)
    ? Effect.succeed(found)
    : refuse(`one job at a time, and not ${given}: the first is no module`)
}
