/**
 * The part of a record that only a server can tell: an unfinished job at this moment, and the programs that are served.
 *
 * Boundary: the server's typed client in, one value out.
 */
import * as Effect from "effect/Effect"
import type { Present } from "../server/jobRecord.ts"
import type { ProgramInfo } from "../server/shapes.ts"
import type { AServer } from "./place.ts"
import { ask } from "./serverClient.ts"

/**
 * The state, the tasks and the times of a job. Undefined where the server cannot tell them, as one of an earlier version: why a
 * job cannot be read at all is said where its journal is read.
 */
export const presentOf = (server: AServer, id: string): Effect.Effect<Present | undefined> =>
  ask(server, ({ insight, jobs }) => {
    const params = { id }
    const asked = {
      job: jobs.get({ params, query: { brief: "true" } }),
      tasks: insight.tasks({ params }),
      work: insight.work({ params, query: { agents: "true" } })
    }
    return Effect.all(asked, { concurrency: "unbounded" })
  }).pipe(Effect.orElseSucceed(() => undefined))

/** The programs that a server serves, as far as it tells them. */
export const servedBy = (server: AServer): Effect.Effect<ReadonlyArray<typeof ProgramInfo.Type>> =>
  ask(server, ({ programs }) => programs.list()).pipe(
    Effect.map(({ programs }) => programs),
    Effect.orElseSucceed(() => [])
  )
