/** The example of docs/examples/budget, with a model that answers at once. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as LanguageModel from "effect/ai/LanguageModel"
import { Engine } from "effect-converge"
import { findings, metered } from "../../../docs/examples/budget/research.ts"

/** A model whose answer costs 1,500 tokens, 10 of them out. */
const model = Layer.effect(
  LanguageModel.LanguageModel,
  LanguageModel.make({
    generateText: () =>
      Effect.succeed([
        { type: "text", text: "42" },
        {
          type: "finish",
          reason: "stop",
          usage: {
            inputTokens: { uncached: undefined, total: 1_490, cacheRead: undefined, cacheWrite: undefined },
            outputTokens: { total: 10, text: undefined, reasoning: undefined }
          },
          response: undefined
        }
      ]),
    streamText: () => Stream.empty
  })
)

const run = (count: number) =>
  Effect.provide(
    findings(
      "everything",
      Array.from({ length: count }, (_, n) => `question ${n}`)
    ),
    [metered(model), Engine.layerMemory]
  )

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
})
