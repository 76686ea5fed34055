/** Money and CPU tasks (B6, B7): when a budget is used up, CPU tasks that nobody has begun are withdrawn, at every site. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine, JobStore, WorkerPool } from "../../src/index.ts"
import { ended } from "../support/behaviour/harness.ts"
import { Asked, auto, begunIn, inline, worker, Worked } from "../support/behaviour/waiting.ts"

const count = 300

const on = (pool: typeof WorkerPool.layerInline) =>
  Engine.layer().pipe(Layer.provide(JobStore.layerMemory), Layer.provide(pool))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "converge-money-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

describe("CPU tasks that wait when a budget is used up", () => {
  it.live.each([
    ["one worker", worker, () => WorkerPool.layer({ size: 1 })],
    ["one worker, placed by cost", auto, () => WorkerPool.layer({ size: 1 })],
    ["a pool without threads", worker, () => WorkerPool.layerInline],
    ["this thread, beside a pool", inline, () => WorkerPool.layer({ size: 1 })]
  ] as const)(
    "do not run: %s",
    ([, program, pool]) =>
      Effect.gen(function* () {
        const file = join(yield* folder, "begun")
        const error = yield* ended(Engine.run(program, { file, count }).pipe(Effect.provide(on(pool()))))
        const begun = begunIn(file)
        expect(begun).toBeGreaterThan(0)
        expect(begun).toBeLessThan(count / 2)
        const cause = { _tag: "BudgetExhausted", budget: "cost", used: 7, limit: 5, spender: "ask" }
        expect(error).toMatchObject(cause)
        const { context, diagnostics } = error.partial
        // The tasks that had begun and the paid one are committed, and each of the others says why it did not run.
        expect(context.size(Worked)).toBe(begun)
        expect(context.size(Asked)).toBe(1)
        expect(diagnostics.length + begun + 1).toBe(count)
        for (const { agent, cause: why } of diagnostics) {
          expect(agent).toBe("work")
          expect(why).toMatchObject(cause)
        }
      }).pipe(Effect.scoped),
    60_000
  )
})
