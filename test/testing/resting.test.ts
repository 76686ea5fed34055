/** Checks that run a program end a run where its job waits for a decision: nobody decides there, and no clock goes on. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Task = Fact.kind("Task", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })

/** Asks about each task. The clock of these tests stands still, so the time limit is never reached. */
const asking = Program.make("asking", {
  input: Schema.Array(Schema.String),
  seed: (ids) => ids.map((id) => Task.of({ id })),
  agents: [
    Agent.make("asks", {
      each: Task,
      execute: ({ id }) => Effect.succeed({ intents: [Intent.approval({ id, timeout: "1 second" })] })
    })
  ]
})

const waitsFor = ['the approval "a"', 'the approval "b"']

describe("a job that waits for decisions", () => {
  it.effect("is compared as it stands by deterministic", () =>
    Effect.gen(function* () {
      const report = yield* Testing.deterministic(asking, ["a", "b"])
      expect(report).toMatchObject({ status: "awaiting", waitsFor })
    })
  )

  it.effect("is compared as it stands by confluent", () =>
    Effect.gen(function* () {
      const report = yield* Effect.provide(Testing.confluent(asking, ["a", "b"]), Engine.layerMemory)
      expect(report).toMatchObject({ facts: 2, waitsFor })
      expect(report.orders.length).toBeGreaterThan(1)
    })
  )

  it.effect("is compared as it stands by durable", () =>
    Effect.gen(function* () {
      expect(yield* Testing.durable(asking, ["a", "b"])).toMatchObject({ status: "awaiting" })
    })
  )
})
