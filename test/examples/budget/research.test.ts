/** The example of docs/examples/budget, with a model that answers at once. */
import { describe, expect, it } from "@effect/vitest"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import { findings, metered, research } from "../../../docs/examples/budget/research.ts"

/** A model whose answer costs 1,500 tokens, 10 of them out. */
const model = metered(Testing.model(() => ({ text: "42", usage: { input: 1_490, output: 10 } })))

const questions = (count: number) => Array.from({ length: count }, (_, n) => `question ${n}`)

const run = (count: number) =>
  Effect.provide(findings("everything", questions(count)), [model, Testing.layer({ clock: "caller" })])

describe("research under a budget", () => {
  it.live("answers all questions if it can pay for them", () =>
    Effect.gen(function* () {
      expect(yield* run(3)).toEqual({ topic: "everything", answers: ["42", "42", "42"], tokens: 4_500, cost: 48 })
    })
  )

  it.live("ends when the money is spent, with the answers that were paid for", () =>
    Effect.gen(function* () {
      const { answers, tokens } = yield* run(20)
      expect({ answers: answers.length, tokens }).toEqual({ answers: 6, tokens: 9_000 })
    })
  )

  it.live("is the same in every run, and pays no more than a reservation for a kill", () =>
    Effect.gen(function* () {
      const input = { topic: "everything", questions: questions(2) }
      const { hash } = yield* Testing.deterministic(research, input, { orders: 2 })
      const survived = yield* Testing.durable(research, input)
      expect(survived).toMatchObject({ status: "converged", hash })
      // Without `memoize`, an answer whose cycle was lost is asked for again.
      expect(survived.overpaid.tokens).toBeLessThanOrEqual(2 * 2_000)
    }).pipe(Effect.provide(model))
  )
})
