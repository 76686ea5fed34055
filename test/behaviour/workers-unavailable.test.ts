/** A pool that has no thread for a job, through no fault of its agents. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, Engine, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { NoWorkers } from "../../src/workers/WorkerPool.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { ended, noInput, num, Num } from "../support/behaviour/harness.ts"

const grow = Agent.cpu("grow", {
  each: Num,
  writes: [Num],
  onFailure: "discard",
  execute: ({ value }) => ({ facts: value.n < 4 ? [num(value.n + 1)] : [] })
})

const growing = Program.make("growing", {
  module: import.meta.url,
  input: noInput,
  seed: () => [num(0)],
  agents: [grow],
  output: (view) => view.size(Num)
})

/** An engine whose pool has threads for so many batches. */
const engineFor = (store: JobStore.JobStore["Service"], batches: number) => {
  let left = batches
  const pool = Layer.effect(
    WorkerPool.WorkerPool,
    Effect.map(WorkerPool.WorkerPool, (inline) => ({
      ...inline,
      execute: (batch: Parameters<typeof inline.execute>[0]) =>
        left-- > 0
          ? inline.execute(batch)
          : Effect.fail(new NoWorkers({ reason: "not-started", message: "no worker could be started: EMFILE" }))
    }))
  ).pipe(Layer.provide(WorkerPool.layerInline))
  return Engine.layer().pipe(Layer.provide([pool, Layer.succeed(JobStore.JobStore, store)]))
}

describe("a job for whose agents there is no thread", () => {
  it.effect(
    "ends with WorkersUnavailable and the reason, and its cycle is not committed, even if failures are discarded",
    () =>
      Effect.gen(function* () {
        const store = yield* journalStore
        const error = yield* Effect.provide(ended(Engine.run(growing, {})), engineFor(store, 2))
        expect(error).toMatchObject({
          _tag: "WorkersUnavailable",
          reason: "not-started",
          message: "no worker could be started: EMFILE",
          cycle: 2,
          partial: { status: "failed", cycles: 2, version: 3, diagnostics: [] }
        })
      })
  )

  it.effect("is left in its journal, and goes on from its last cycle as if nothing had been", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const whole = yield* Effect.provide(Engine.run(growing, {}), engineFor(store, Infinity))
      const first = yield* Effect.provide(ended(Engine.run(growing, {}, { id: "a" })), engineFor(store, 2))
      expect(first._tag).toBe("WorkersUnavailable")
      expect(yield* store.load("a")).toMatchObject({ status: undefined, isHeld: false, cycle: 2 })
      const again = yield* Effect.provide(Engine.run(growing, {}, { id: "a" }), engineFor(store, Infinity))
      expect(again).toMatchObject({ status: "converged", hash: whole.hash, output: 5 })
    })
  )
})
