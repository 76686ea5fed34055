/**
 * `converge delete`: deletes one job of a store, or of a server, with its journal and all jobs below it.
 *
 * It cannot be taken back, so the command asks on a terminal, and needs `--yes` elsewhere. A job that an engine runs is refused.
 * Boundary: the store, or a server's typed client; needs no program.
 */
import * as Effect from "effect/Effect"
import { JobStore } from "../store/index.ts"
import { confirm, isInteractive, ofProcess, type Terminal } from "./confirm.ts"
import { ExitCode, type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { ask } from "./remote.ts"
import { change, type Page } from "./storedJobs.ts"
import { jobIdOf } from "./storeFile.ts"
import { oneLine, plural, printable } from "./text.ts"

export interface DeleteOptions {
  readonly args: ReadonlyArray<string>
  readonly id: string | undefined
  readonly store: string | undefined
  readonly server: string | undefined
  /** Whether to delete without a question. */
  readonly yes: boolean
  readonly json: boolean
}

interface Deleted {
  readonly deleted: number
}

const line = ({ deleted }: Deleted, { style }: Page): string => style("green", `deleted ${plural(deleted, "job")}`)

export const deleteJob = (
  host: Host,
  options: DeleteOptions,
  terminal: Terminal = ofProcess
): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const { json, server, store } = options
    const jobId = yield* jobIdOf(options.args, options.id)
    if (store !== undefined && server !== undefined) {
      return yield* new UsageError({ message: "give --store or --server, and not both" })
    }
    if (!options.yes && !(yield* agreed(jobId, store ?? "the server", terminal))) {
      yield* host.warn("converge: nothing was deleted")
      return ExitCode.failed
    }
    if (store === undefined) {
      return yield* ask(host, options, ({ jobs }) => jobs.delete({ params: { id: jobId } }), line)
    }
    const remove = Effect.map(
      JobStore.use(({ remove }) => remove(jobId)),
      (deleted): Deleted => ({ deleted })
    )
    return yield* change(host, { store, json }, remove, (found) => found, line)
  })

/** Asks whether to delete a job. Without a person to ask, it fails. */
const agreed = (jobId: string, place: string, terminal: Terminal): Effect.Effect<boolean, UsageError> =>
  isInteractive(terminal)
    ? confirm(`Delete the job ${oneLine(jobId)} of ${printable(place)}, its journal, and all jobs below it?`, terminal)
    : Effect.fail(
        new UsageError({ message: "a deleted job cannot be brought back: give --yes, where nobody can be asked" })
      )
