/**
 * Checks of programs that pay for language models: the bill is compared, a kill may make it larger, and a budget without room for
 * that is found.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Schema from "effect/Schema"
import { MeteredModel } from "../../src/ai/index.ts"
import { Agent, Fact, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Question = Fact.kind("Question", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Answer = Fact.kind("Answer", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: ({ id }) => id
})

const asking = (memoize: boolean) =>
  Program.make("asking", {
    input: Schema.Array(Schema.String),
    seed: (ids) => ids.map((id) => Question.of({ id })),
    agents: [
      Agent.make("ask", {
        each: Question,
        writes: [Answer],
        memoize,
        execute: ({ id }) =>
          Effect.map(LanguageModel.generateText({ prompt: id }), ({ text }) => ({ facts: [Answer.of({ id, text })] }))
      })
    ]
  })

/** A model that costs 2 for each call, of the 10 that are reserved for it. */
const model = (answer: () => string) =>
  MeteredModel.layer({ reserve: { tokens: 100, cost: 10 }, price: () => 2 }).pipe(
    Layer.provide(Testing.model(() => ({ text: answer(), usage: { input: 3, output: 1 } })))
  )

const plain = model(() => "an answer")
const two = ["a", "b"]

describe("a program that pays", () => {
  it.effect("is deterministic, with its bill, and confluent", () =>
    Effect.gen(function* () {
      expect(yield* Testing.deterministic(asking(true), two)).toMatchObject({ status: "converged" })
      const { orders } = yield* Effect.provide(Testing.confluent(asking(true), two), Testing.layer())
      expect(orders.length).toBeGreaterThan(1)
    }).pipe(Effect.provide(plain))
  )

  it.effect("is durable, and pays a call that a kill interrupted as it was reserved", () =>
    Effect.gen(function* () {
      const report = yield* Testing.durable(asking(true), two)
      expect(report).toMatchObject({ status: "converged", overpaid: { tokens: 100, cost: 10 } })
      // Without `memoize`, answers that were there are paid again.
      const again = yield* Testing.durable(asking(false), two)
      expect(again.overpaid.cost).toBeGreaterThan(10)
    }).pipe(Effect.provide(plain))
  )

  it.effect("is found if only its bill differs", () =>
    Effect.gen(function* () {
      let calls = 0
      const dearer = MeteredModel.layer({ reserve: { tokens: 100, cost: 1_000 }, price: () => ++calls }).pipe(
        Layer.provide(Testing.model(() => "an answer"))
      )
      const found = yield* Effect.flip(Effect.provide(Testing.deterministic(asking(true), two), dearer))
      expect(found).toMatchObject({ what: "result", way: "alike", expected: { cost: 3 }, found: { cost: 7 } })
    })
  )

  it.effect("is found if its budget has no room for calls side by side, or for a kill", () =>
    Effect.gen(function* () {
      const budget = { maxCost: 13 }
      const order = yield* Effect.flip(
        Testing.deterministic(asking(true), two, { budget: { maxCost: 11 }, orders: 20 })
      )
      expect(order).toMatchObject({ _tag: "NotDeterministic", way: "another order", agent: "ask", cycle: 1 })
      expect(order.message).toContain("Give the budget more room")
      const kill = yield* Effect.flip(Testing.durable(asking(true), two, { budget }))
      expect(kill).toMatchObject({ _tag: "NotDurable", agent: "ask", cycle: 1 })
      expect(kill.message).toContain("the budget needs room for it")
    }).pipe(Effect.provide(plain))
  )
})
