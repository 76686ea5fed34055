/**
 * Embedding: a job is an Effect, the engine a Layer.
 */
import { Engine } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { ancestors } from "./program.ts"

const program = Effect.gen(function* () {
  const result = yield* Engine.run(ancestors, { parents: { Ada: "Byron", Byron: "Jack", Jack: "Foulweather" } })
  yield* Console.log(result.status, result.output, result.hash.slice(0, 8))
}).pipe(
  // Every way a job can end is a typed error with the result so far.
  Effect.catchTag("BudgetExhausted", ({ budget, partial }) =>
    Console.log(`out of ${budget} at`, partial.context.counts())
  ),
  Effect.catchTag("AgentTimedOut", ({ agent, timeoutMs }) => Console.log(`${agent} took longer than ${timeoutMs} ms`))
)

void Effect.runPromise(program.pipe(Effect.provide(Engine.layerMemory)))
