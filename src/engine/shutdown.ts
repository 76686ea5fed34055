/**
 * Shuts an engine down: it admits no more jobs, lets running jobs go on for a while, and cancels the rest.
 *
 * Invariant: jobs of a durable store are left in their journals, to be resumed, unless a caller has cancelled them (G11).
 * Boundary: runs as the finalizer of the engine's scope, and returns when all started jobs have let go.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { cancel } from "../job/jobHandle.ts"
import type { EngineState } from "./engineState.ts"
import { isAdmitted, leaveUnlessCancelled } from "./sessionMarks.ts"

/** Shuts an engine down. Jobs with places may go on for `drainTimeout`. */
export const shutDown = (engine: EngineState, drainTimeout: Duration.Input): Effect.Effect<void> =>
  Effect.suspend(() => {
    engine.admission.close()
    const drainMs = Duration.toMillis(Duration.fromInputUnsafe(drainTimeout))
    return engine.live.size === 0 ? Effect.void : drain(engine, drainMs)
  })

const drain = Effect.fnUntraced(function* ({ live, store }: EngineState, drainMs: number) {
  if (drainMs > 0) {
    const ended = Effect.forEach(
      [...live.all].filter(isAdmitted),
      (session) => Effect.exit(Deferred.await(session.done)),
      { concurrency: "unbounded", discard: true }
    )
    yield* Effect.timeoutOption(ended, drainMs)
  }
  // A job whose seeds are still being planted has no actor yet. Its start finds the engine closed, and lets go of it.
  const { started } = live
  if (store.isDurable) for (const session of started) leaveUnlessCancelled(session)
  yield* Effect.forEach(started, cancel, { concurrency: "unbounded", discard: true })
})
