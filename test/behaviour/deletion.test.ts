/** A job whose journal is deleted: an engine that lost it cannot bring it back, and its id is free. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Intent, Program } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { reasonOf } from "../support/store/harness.ts"

const child = Program.make("child", { input: Schema.Struct({}), agents: [] })

const waits = Program.make("waits", {
  input: Schema.Struct({}),
  agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" })] }) })]
})

const asks = Program.make("asks", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("asks", {
      execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" }), Intent.child(child, {})] })
    })
  ],
  output: (view) => view.all(Intent.ChildResult).map(({ value }) => value.status)
})

const yes = Intent.Decision.of({ approval: "go", approved: true, by: "Ada", reason: "" })

describe("a job whose journal is deleted", () => {
  it.effect("ends where it runs, at its next commit, and stays deleted", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(waits, {}, { id: "a" })
        yield* job.until("awaiting")
        expect(yield* reasonOf(store.remove("a"))).toBe("held")
        // Another engine takes the job over, and lets go of it.
        yield* store.release("a", yield* store.lease("a", { force: true }))
        expect(yield* store.remove("a")).toBe(1)
        yield* Effect.ignore(job.signal([yes]))
        expect(yield* Effect.flip(job.result)).toMatchObject({ _tag: "StoreFailed", reason: "missing" })
      }).pipe(Effect.provide(engineOnStore(store)))
      expect((yield* store.list()).jobs).toEqual([])
    })
  )

  it.effect("can begin anew under the same id, with children of its own", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const run = Effect.gen(function* () {
        const job = yield* Engine.start(asks, {}, { id: "a" })
        yield* job.until("awaiting")
        yield* job.signal([yes])
        return yield* job.result
      })
      yield* Effect.gen(function* () {
        const first = yield* run
        expect(first.output).toEqual(["converged"])
        const ids = (yield* store.list()).jobs.map(({ jobId }) => jobId)
        expect(ids).toHaveLength(2)
        expect(yield* store.remove("a")).toBe(2)
        const again = yield* run
        expect([again.output, again.hash]).toEqual([["converged"], first.hash])
        expect((yield* store.list()).jobs.map(({ jobId }) => jobId).toSorted()).toEqual(ids.toSorted())
      }).pipe(Effect.provide(engineOnStore(store, { children: [child] })))
    })
  )
})
