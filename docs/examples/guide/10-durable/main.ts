/**
 * Runs the job on a store in a file. Kill it, start it again, and it goes on.
 *
 * `node docs/examples/guide/10-durable/main.ts jobs.db`
 */
import { Engine, JobStore, WorkerPool } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import process from "node:process"
import { steps } from "./program.ts"

const filename = process.argv[2] ?? "jobs.db"

const main = Effect.gen(function* () {
  // The id makes it the same job. The second start finds it in the store, and takes it up after its last committed cycle.
  const { hash, output } = yield* Engine.run(steps, { steps: 50 }, { id: "fifty-steps" })
  yield* Console.log(`ends with ${output}, hash ${hash}`)
  const file = yield* JobStore.StoreFile
  yield* file.backup(`${filename}.backup`)
})

const store = JobStore.layerSqlite({ filename })

const engine = Engine.layer().pipe(Layer.provide(WorkerPool.layer()), Layer.provideMerge(store))

await Effect.runPromise(Effect.provide(main, engine))
