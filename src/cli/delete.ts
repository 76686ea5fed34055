/**
 * `converge delete`: deletes one job of a store, or of a server, with its journal and all jobs below it.
 *
 * It cannot be taken back, so the command asks on a terminal, and needs `--yes` elsewhere. A job that an engine runs is refused.
 * Boundary: the store, or a server's typed client; needs no program.
 */
import * as Effect from "effect/Effect"
import { JobStore } from "../store/index.ts"
import { confirm, isInteractive, ofProcess, type Terminal } from "./confirm.ts"
import { CommandFailed, ExitCode, type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { type AServer, placeOf } from "./place.ts"
import { asFailed, type JobOptions, printed } from "./storedJobs.ts"
import { jobIdOf, openExisting } from "./storeFile.ts"
import { oneLine, plural, printable } from "./text.ts"

export interface DeleteOptions extends JobOptions {
  /** Whether to delete without a question. */
  readonly yes: boolean
}

const inFile = (filename: string, jobId: string): Effect.Effect<number, Failed> =>
  JobStore.use(({ remove }) => remove(jobId)).pipe(
    Effect.mapError((error) => {
      const failed = asFailed(error)
      if (error.reason !== "held") return failed
      // The same advice as a server's.
      return new CommandFailed({ message: `${failed.message}: cancel it first`, exitCode: ExitCode.failed })
    }),
    Effect.provide(openExisting(filename))
  )

const onServer = (server: AServer, id: string): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const { ask } = yield* Effect.promise(() => import("./serverClient.ts"))
    const { deleted } = yield* ask(server, ({ jobs }) => jobs.delete({ params: { id } }))
    return deleted
  })

export const deleteJob = (
  host: Host,
  options: DeleteOptions,
  terminal: Terminal = ofProcess
): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const jobId = yield* jobIdOf(options.args, options.id)
    const place = yield* placeOf(options)
    const name = place._tag === "File" ? place.filename : place.url
    if (!options.yes && !(yield* agreed(jobId, name, terminal))) {
      yield* host.warn("converge: nothing was deleted")
      return ExitCode.failed
    }
    const count = yield* place._tag === "File" ? inFile(place.filename, jobId) : onServer(place, jobId)
    return yield* printed(host, options.json, count, {
      json: (deleted) => ({ deleted }),
      page: (deleted, { style }) => style("green", `deleted ${plural(deleted, "job")}`)
    })
  })

/** Asks whether to delete a job. Without a person to ask, it fails. */
const agreed = (jobId: string, place: string, terminal: Terminal): Effect.Effect<boolean, UsageError> =>
  isInteractive(terminal)
    ? confirm(`Delete the job ${oneLine(jobId)} of ${printable(place)}, its journal, and all jobs below it?`, terminal)
    : Effect.fail(
        new UsageError({ message: "a deleted job cannot be brought back: give --yes, where nobody can be asked" })
      )
