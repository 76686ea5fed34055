/** G3 and the host's stack: its size decides no output, as long as no agent catches what it throws. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { WorkerPool } from "../../src/index.ts"
import { bottomless } from "../support/behaviour/bottomless.ts"
import { discarded, engineOn, runInline, runToEnd } from "../support/core/run.ts"

describe("an agent that overflows the stack", () => {
  it.live(
    "has panicked, and the job has one hash with every size of stack, and without threads",
    () =>
      Effect.gen(function* () {
        const inline = yield* runInline(bottomless, {})
        expect(discarded(inline.result)).toEqual([["endless", "AgentPanicked"]])
        expect(inline.result.output).toEqual([{ of: "limited", depth: 500 }])
        for (const stackSizeMb of [1, 8]) {
          const engine = engineOn(WorkerPool.layer({ size: 1, stackSizeMb, execArgv: [] }))
          const { events, result } = yield* Effect.provide(runToEnd(bottomless, {}), engine)
          expect([result.hash, result.output]).toEqual([inline.result.hash, inline.result.output])
          expect(JSON.stringify(events)).toBe(JSON.stringify(inline.events))
        }
      }),
    60_000
  )
})
