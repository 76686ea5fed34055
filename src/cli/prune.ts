/**
 * `converge prune`: deletes the journals of jobs that ended some time ago. Boundary: the store or the server; needs no program.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { JobStore } from "../store/index.ts"
import type { Failed } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { type AServer, type Placed, placeOf } from "./place.ts"
import { asFailed, printed } from "./storedJobs.ts"
import { openExisting } from "./storeFile.ts"
import { plural } from "./text.ts"

export interface PruneOptions extends Placed {
  readonly olderThanMs: number
  readonly json: boolean
}

const inFile = (filename: string, olderThanMs: number): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const store = yield* JobStore
    return yield* store.prune({ haltedSince: (yield* Clock.currentTimeMillis) - olderThanMs })
  }).pipe(Effect.mapError(asFailed), Effect.provide(openExisting(filename)))

const onServer = (server: AServer, olderThan: number): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const { ask } = yield* Effect.promise(() => import("./serverClient.ts"))
    const { deleted } = yield* ask(server, ({ jobs }) => jobs.prune({ payload: { olderThan } }))
    return deleted
  })

export const prune = (host: Host, { json, olderThanMs, ...placed }: PruneOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const place = yield* placeOf(placed)
    const count = yield* place._tag === "File" ? inFile(place.filename, olderThanMs) : onServer(place, olderThanMs)
    return yield* printed(host, json, count, {
      json: (deleted) => ({ deleted }),
      page: (deleted, { style }) => style(deleted === 0 ? "dim" : "green", `deleted ${plural(deleted, "job")}`)
    })
  })
