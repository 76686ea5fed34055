/**
 * A process whose job pays for calls and never commits: it says what it has paid, and waits to be killed. Argument: the file.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { writeSync } from "node:fs"
import { Engine, JobStore, WorkerPool } from "../../../src/index.ts"
import { paying } from "./paying.ts"

const [filename = ""] = process.argv.slice(2)

const engine = Engine.layer().pipe(
  Layer.provide(JobStore.layerSqlite({ filename })),
  Layer.provide(WorkerPool.layerInline)
)

const program = paying((step, n) =>
  step === "reserved" && n < 3
    ? Effect.void
    : Effect.andThen(
        Effect.sync(() => void writeSync(1, `${step} ${n}\n`)),
        Effect.never
      )
)

void Effect.runPromise(Effect.provide(Engine.run(program, {}, { id: "payer" }), engine))
