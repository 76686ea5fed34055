/**
 * Watching a job that the command line runs: the console for it, on a free port of this machine, and a Stately inspector's
 * relay.
 *
 * Boundary: composition of layers; run.ts decides when.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { MinimumLogLevel } from "effect/References"
import type * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type * as Engine from "../engine/Engine.ts"
import type { Program } from "../program/Program.ts"
import type { Server as ServerService } from "../server/Server.ts"
import type { JobStore } from "../store/index.ts"
import type { WorkerPool } from "../workers/index.ts"
import { CommandFailed, type Failed, UsageError } from "./exitCode.ts"

/**
 * The path of a store that lasts as long as the scope. The console asks a journal for the past of a job, so a job that is
 * watched has one, also if nobody keeps it.
 */
export const temporaryStore: Effect.Effect<string, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "converge-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => join(folder, "jobs.db")
)

/** Serves the console, and gives the address of a job's page. The server ends with the scope. */
export const serveConsole = (
  programs: ReadonlyArray<Program.Any>
): Effect.Effect<(jobId: string) => string, Failed, Engine.Engine | JobStore | WorkerPool | Scope.Scope> =>
  Effect.gen(function* () {
    const { layer, Server } = yield* Effect.promise(() => import("../server/Server.ts"))
    // The cast: the compiler does not know the services of imported programs. They are there, or an agent that lacks one panics.
    const server = layer({ port: 0, programs, drainMs: 0 }) as Layer.Layer<
      ServerService,
      unknown,
      Engine.Engine | JobStore | WorkerPool
    >
    const context = yield* Effect.mapError(
      // The progress of the command tells what the server would log of the job.
      Layer.build(Layer.provide(server, Layer.succeed(MinimumLogLevel, "Warn"))),
      (error) => new CommandFailed({ message: `--inspect: the page cannot be served: ${String(error)}` })
    )
    const { url } = yield* Effect.provideContext(Server, context)
    return (jobId) => `${url}/inspector#/jobs/${encodeURIComponent(jobId)}/overview`
  })

/** A layer that shows an engine's jobs and workers on a relay, if an address of one is given. */
export const relayOf = (url: string | undefined): Layer.Layer<never, UsageError> =>
  url === undefined
    ? Layer.empty
    : Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("../inspector/Inspector.ts")),
          ({ layerStately }) =>
            layerStately({ url }).pipe(
              Layer.catch((error) =>
                Layer.effectDiscard(Effect.fail(new UsageError({ message: `--inspect-stately: ${error.message}` })))
              )
            )
        )
      )
