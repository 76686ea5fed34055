/**
 * Halts jobs in every way and prints, as JSON, which of their sessions the garbage collector still finds when nothing but
 * their results is held. Run by g13 with `node --expose-gc`.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Engine } from "../../../src/index.ts"
import { JobSession } from "../../../src/job/session.ts"
import { counter, engine, stuck, turns } from "./harness.ts"

declare const gc: () => void

const sessions = new Map<string, WeakRef<JobSession>>()
const close = JobSession.prototype.close
JobSession.prototype.close = function (this: JobSession, status) {
  sessions.set(this.jobId, new WeakRef(this))
  return close.call(this, status)
}

const ends = Effect.gen(function* () {
  const converged = yield* Engine.run(counter(5), {}, { id: "converged" })
  const exhausted = yield* Effect.flip(Engine.run(counter(5), {}, { id: "exhausted", budget: { maxCycles: 2 } }))
  const running = yield* Engine.start(stuck().program, {}, { id: "cancelled" })
  const reader = yield* Effect.forkChild(Effect.exit(running.result), { startImmediately: true })
  yield* running.cancel
  yield* Fiber.join(reader)
  const waiting = yield* Effect.forkChild(Engine.run(stuck().program, {}, { id: "interrupted" }), {
    startImmediately: true
  })
  yield* turns(10)
  yield* Fiber.interrupt(waiting)
  return [converged, exhausted]
})

const main = Effect.gen(function* () {
  const held = yield* ends
  for (let round = 0; round < 20; round++) {
    yield* turns(5)
    gc()
  }
  const alive = [...sessions].filter(([, session]) => session.deref() !== undefined).map(([id]) => id)
  return { held: held.length, seen: [...sessions.keys()], alive }
})

console.log(JSON.stringify(await Effect.runPromise(Effect.provide(main, engine()))))
