/** G3, wherever CPU agents run: on workers, on the main thread, or now here and now there. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { WorkerPool } from "../../src/index.ts"
import { engineOn, runInline, runToEnd } from "../support/core/run.ts"
import { placed } from "../support/behaviour/placed.ts"

describe("a job whose agents may run anywhere", () => {
  it.live(
    "has one hash, event log and output for any number of workers, and while the pool learns where they are cheaper",
    () =>
      Effect.gen(function* () {
        const inline = yield* runInline(placed, { lanes: 8 })
        const expected = JSON.stringify([inline.result.hash, inline.events, inline.result.output])
        for (const size of [1, 2, 4]) {
          const engine = yield* Layer.build(engineOn(WorkerPool.layer({ size, execArgv: [] })))
          for (let run = 0; run < 4; run++) {
            const { events, result } = yield* Effect.provide(runToEnd(placed, { lanes: 8 }), engine)
            expect(JSON.stringify([result.hash, events, result.output]), `${size} workers, run ${run}`).toBe(expected)
          }
        }
      }).pipe(Effect.scoped),
    60_000
  )
})
