/**
 * Launches a new session with an actor, or gives it up.
 *
 * Boundary: the actor and the index of live jobs; admission.ts decides when the job begins.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { letGo } from "../job/ending.ts"
import { makeActor } from "../job/jobActor.ts"
import { finishUndriven } from "../job/jobHandle.ts"
import type { JobSession } from "../job/session.ts"
import { runDetached } from "../platform/detached.ts"
import type { EngineState } from "./engineState.ts"

/** Gives a session its actor, which waits in `idle` for a place. */
export const giveActor = ({ inspect }: EngineState, session: JobSession): void => {
  const { services } = session.options
  session.actor = makeActor(session, Context.get(services, inspect), () => {
    if (session.driver === undefined && session.finished === undefined) runDetached(services, finishUndriven(session))
  })
  session.actor.start()
}

/** Lets go of a session without an actor. Its journal, if it has one, ends as cancelled. */
export const abandon = ({ live }: EngineState, session: JobSession): Effect.Effect<void> =>
  Effect.andThen(
    Effect.uninterruptible(letGo(session, "cancelled")),
    Effect.sync(() => live.delete(session.jobId))
  )
