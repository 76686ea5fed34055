/** A process with a pool: it should end by itself. Argument: whether the pool's scope is closed before the end. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { WorkerPool } from "../../../src/index.ts"
import { batch, execute, ledgerOf, pool, said, task } from "./harness.ts"

const work = execute(batch(ledgerOf(3), [task("square", "0"), task("square", "0")])).pipe(
  Effect.map((outcomes) => console.log(said(outcomes[0]!)))
)
const scoped = Effect.provide(work, pool(2))
const open = Effect.gen(function* () {
  const context = yield* Layer.buildWithScope(pool(2), yield* Scope.make())
  yield* Effect.provideService(work, WorkerPool.WorkerPool, Context.get(context, WorkerPool.WorkerPool))
})

await Effect.runPromise(process.argv[2] === "scoped" ? scoped : open)
