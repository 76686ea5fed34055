/**
 * The part of `converge show` that only a running server knows: the tasks of the moment, and a job without a journal.
 *
 * Boundary: the server's typed client in, its answers out.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { eventsOf } from "../client/follow.ts"
import type { Failed } from "./exitCode.ts"
import { heldJob } from "./heldJob.ts"
import type { AServer } from "./place.ts"
import { ask, connect } from "./serverClient.ts"
import { failedOf } from "./serverError.ts"
import type { TasksNow } from "./tasksNow.ts"

/** The tasks of a job that run and wait at this moment. */
export const tasksNow = (server: AServer, id: string): Effect.Effect<TasksNow, Failed> =>
  ask(server, ({ insight }) => insight.tasks({ params: { id } }))

/** The headline of a job that an engine runs, and whether it is about to pause: the server knows this of the moment. */
export const standingNow = (
  server: AServer,
  id: string
): Effect.Effect<{ readonly headline: string; readonly isPausing: boolean }, Failed> =>
  ask(server, ({ insight, jobs }) =>
    Effect.gen(function* () {
      const params = { id }
      const { headline } = yield* insight.diagnosis({ params, query: {} })
      const { pausing = false } = yield* jobs.get({ params, query: { brief: "true" } })
      return { headline, isPausing: pausing }
    })
  )

/** The log of a job that has ended, from a server that keeps no journals; undefined of another job. */
export const ended = (server: AServer, id: string, after: number) =>
  Effect.gen(function* () {
    const { result } = yield* ask(server, ({ jobs }) => jobs.get({ params: { id }, query: {} }))
    if (result === null) return undefined
    const { jobs } = yield* connect(server)
    return Stream.mapError(eventsOf(jobs, id, after), (error) => failedOf(server, error))
  })

/** A job of a server that keeps no journals. */
export const held = (server: AServer, id: string, isAll: boolean) =>
  Effect.map(heldJob(server, id, isAll), (found) => ({ _tag: "Held" as const, held: found }))
