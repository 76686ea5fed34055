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
import { inspection, type InspectionObserver } from "../platform/inspection.ts"
import type { EngineState } from "./engineState.ts"

/** The observers of watched jobs. A child job is watched as its parent is. */
const observers = new WeakMap<JobSession, InspectionObserver>()

/** Gives a session its actor, which waits in `idle` for a place. `parentId`: the id of the job that it is a child of. */
export const giveActor = (engine: EngineState, session: JobSession, parentId: string | undefined): void => {
  const { services } = session.options
  const parent = parentId === undefined ? undefined : engine.live.findStarted(parentId)
  const observer =
    Context.get(services, inspection) ??
    (parent === undefined ? undefined : observers.get(parent)) ??
    Context.get(engine.services, inspection)
  if (observer !== undefined) observers.set(session, observer)
  session.actor = makeActor(session, { observer, parent: parent?.actor }, () => {
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
