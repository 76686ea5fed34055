/**
 * Watches a durable store for as long as the engine lives. It looks for requests to cancel live jobs, for ends that could not be
 * written yet, and for unfinished jobs that no engine holds.
 *
 * Invariant: a failure of the store ends no watch; the next look follows after the interval. Boundary: fibers in the engine's
 * scope.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Schedule from "effect/Schedule"
import { cancel } from "../job/jobHandle.ts"
import { Limits } from "../Limits.ts"
import type { Program } from "../program/Program.ts"
import type { EngineState } from "./engineState.ts"
import { resumeNext } from "./resuming.ts"

/** Watches the store. Unfinished jobs of `programs` are resumed with the services of the engine's layer. */
export const watchStore = (
  engine: EngineState,
  programs: ReadonlyArray<Program.Any>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { live, owed, services, store } = engine
    const cancelAsked = Effect.flatMap(store.cancelRequests, (ids) =>
      Effect.forEach(
        ids.flatMap((id) => live.findStarted(id) ?? []),
        cancel,
        { concurrency: "unbounded", discard: true }
      )
    )
    const watched = Effect.catchCause(Effect.andThen(cancelAsked, owed.settleAll), (cause) =>
      Effect.logWarning("the store could not be asked", cause)
    )
    yield* Effect.forkScoped(Effect.repeat(watched, Schedule.spaced(Limits.cancelPollMs)))
    if (programs.length === 0) return
    const scan = Effect.catchCause(Effect.provideContext(resumeNext(engine, programs), services), (cause) =>
      Effect.logWarning("unfinished jobs could not be looked for", cause)
    )
    yield* Effect.forkScoped(Effect.repeat(scan, Schedule.spaced(Limits.resumeScanMs)))
  })
