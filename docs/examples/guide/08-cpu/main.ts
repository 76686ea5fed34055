/**
 * Starts the job: a module of its own, which no thread imports.
 *
 * `node docs/examples/guide/08-cpu/main.ts`
 */
import { Engine, JobStore, WorkerPool } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { primes } from "./program.ts"

const main = Effect.gen(function* () {
  const { output } = yield* Engine.run(primes, { upTo: 100_000, parts: 8 })
  yield* Console.log(`${output} primes`)
})

const engine = Engine.layer().pipe(Layer.provide([WorkerPool.layer({ size: 2 }), JobStore.layerMemory]))

await Effect.runPromise(Effect.provide(main, engine))
