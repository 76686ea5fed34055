/**
 * `Testing.model`: a language model that answers from a script, and the recorder that writes one.
 */
import { describe, expect, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Testing } from "../../src/testing/index.ts"

const Topic = Schema.Struct({ topic: Schema.String })

/** Asks in all three ways. */
const calls = Effect.gen(function* () {
  const text = yield* LanguageModel.generateText({ prompt: "say hello" })
  const object = yield* LanguageModel.generateObject({ prompt: "name a topic", schema: Topic })
  const parts = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "tell a story" }))
  return {
    text: [text.text, text.usage.inputTokens.total, text.usage.outputTokens.total],
    object: [object.value, object.usage.inputTokens.total, object.usage.outputTokens.total],
    story: parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : [])),
    used: parts.flatMap((part) => (part.type === "finish" ? [part.usage.outputTokens.total] : []))
  }
})

const answers = {
  text: ["hello you", 2, 2],
  object: [{ topic: "money" }, 7, 1],
  story: ["once ", "upon ", "a time"].flatMap((piece) => piece.match(/\S+\s*/g) ?? []),
  used: [9]
}

const script: ReadonlyArray<Testing.ModelAnswer | string> = [
  "hello you",
  { object: { topic: "money" }, usage: { input: 7, output: 1 } },
  { text: "once upon a time", usage: { input: 3, output: 9 } }
]

describe("Testing.model", () => {
  it.effect("answers texts, objects and streams in order, with a usage", () =>
    Effect.gen(function* () {
      expect(yield* Effect.provide(calls, Testing.model(script))).toEqual(answers)
    })
  )

  it.effect("tells a function the prompt, the format and the name of the object that is asked for", () =>
    Effect.gen(function* () {
      const asked: Array<Testing.ModelCall> = []
      const model = Testing.model((call) => {
        asked.push(call)
        return { object: { topic: "money" } }
      })
      yield* Effect.provide(
        Effect.andThen(
          LanguageModel.generateObject({ prompt: "name a topic", objectName: "topic", schema: Topic }),
          LanguageModel.generateText({ prompt: "say hello" })
        ),
        model
      )
      expect(asked).toEqual([
        { prompt: "name a topic", format: "object", objectName: "topic" },
        { prompt: "say hello", format: "text", objectName: "" }
      ])
    })
  )

  it.effect("is played again from what a recorder wrote, whatever the order of the calls", () =>
    Effect.gen(function* () {
      const written: Array<Testing.ModelAnswer> = []
      const recorder = Layer.provide(Testing.modelRecorder(written), Testing.model(script))
      expect(yield* Effect.provide(calls, recorder)).toEqual(answers)
      expect(written.map(({ prompt }) => prompt)).toEqual(["say hello", "name a topic", "tell a story"])
      const kept = (JSON.parse(JSON.stringify(written)) as ReadonlyArray<Testing.ModelAnswer>).toReversed()
      expect(yield* Effect.provide(calls, Testing.model(kept))).toEqual(answers)
    })
  )

  it.effect("fails as the script says, and shows the prompt for which it has no answer", () =>
    Effect.gen(function* () {
      const ask = LanguageModel.generateText({ prompt: "say hello" })
      const busy = new AiError.RateLimitError({})
      const failed = yield* Effect.flip(
        Effect.provide(
          ask,
          Testing.model(() => ({ error: busy }))
        )
      )
      expect(failed.reason._tag).toBe("RateLimitError")
      const none = yield* Effect.sandbox(
        Effect.provide(ask, Testing.model([{ prompt: "say goodbye", text: "bye" }]))
      ).pipe(Effect.flip)
      expect(String(none.reasons.map((reason) => ("defect" in reason ? reason.defect : reason)))).toContain(
        `no answer to "say hello"`
      )
    })
  )
})
