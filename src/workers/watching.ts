/**
 * The actor of a pool that is watched, below which an inspector shows the workers. A pool that nobody watches has none.
 *
 * Boundary: XState; the machine of a worker is machines/worker.machine.ts.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createActor, createMachine } from "xstate"
import { inspection } from "../platform/inspection.ts"
import { type Inspect, watched } from "../platform/watched.ts"

const poolMachine = createMachine({
  id: "workerPool",
  initial: "open",
  states: { open: { on: { CLOSE: { target: "closed" } } }, closed: { type: "final" } }
})

/**
 * Makes the actor of a pool, which ends with the scope, and gives the `inspect` option of its workers. Undefined if nobody
 * watches.
 */
export const watchPool: Effect.Effect<Inspect | undefined, never, Scope.Scope> = Effect.gen(function* () {
  const observer = yield* inspection
  if (observer === undefined) return undefined
  const services = yield* Effect.context<never>()
  const actor = createActor(poolMachine, { id: "worker pool", inspect: watched(observer, services) }).start()
  yield* Effect.addFinalizer(() => Effect.sync(() => actor.send({ type: "CLOSE" })))
  return watched(observer, services, actor)
})
