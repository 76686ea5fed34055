/**
 * `converge watch`: follows a job that another process runs, of a file or of a server, and ends with it. Boundary: composition.
 */
import * as Effect from "effect/Effect"
import type { Failed } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { lazily } from "./lazily.ts"
import { placeOf } from "./place.ts"
import type { JobOptions } from "./storedJobs.ts"
import { jobIdOf } from "./storeFile.ts"

export interface WatchOptions extends JobOptions {
  readonly facts: boolean
  readonly strict: boolean
  readonly quiet: boolean
}

export const watch = (host: Host, options: WatchOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const jobId = yield* jobIdOf(options.args, options.id)
    const place = yield* placeOf(options)
    return yield* place._tag === "Server"
      ? lazily(
          () => import("./serverRun.ts"),
          ({ followOnServer }) => followOnServer(host, place, jobId, options)
        )
      : lazily(
          () => import("./storeWatch.ts"),
          ({ followInFile }) => followInFile(host, place.filename, jobId, options)
        )
  })
