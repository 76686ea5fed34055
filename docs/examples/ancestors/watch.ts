/**
 * Watching and steering: the handle of a live job, its event log, and where a fact comes from.
 */
import { Engine, Provenance } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ancestors } from "./program.ts"

const program = Effect.gen(function* () {
  const job = yield* Engine.start(ancestors, { parents: { Ada: "Byron", Byron: "Jack" } })
  yield* Stream.runForEach(job.events, (event) => Console.log(event.seq, event.cycle, event._tag))
  const { context } = yield* job.result
  const tree = Provenance.explain(context, { kind: "Ancestor", id: "Ada < Jack" })
  if (tree !== undefined) yield* Console.log(Provenance.format(tree))
})

void Effect.runPromise(program.pipe(Effect.provide(Engine.layerMemory)))
