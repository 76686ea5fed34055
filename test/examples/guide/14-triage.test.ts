/**
 * How to test a program: no network, no waiting, no threads.
 */
import { describe, expect, it } from "@effect/vitest"
import { Engine, JobStore, Program, WorkerPool } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { triage } from "../../../docs/examples/guide/14-triage.ts"

/** A model that is too busy so many times, and then goes by a word of the prompt. */
const fakeModel = (failures: number) => {
  let asked = 0
  const busy = AiError.make({ module: "Fake", method: "generateText", reason: new AiError.RateLimitError({}) })
  return Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: ({ prompt }) =>
        Effect.suspend(() =>
          asked++ < failures
            ? Effect.fail(busy)
            : Effect.succeed([{ type: "text", text: JSON.stringify(prompt).includes("paid") ? "money" : "other" }])
        ),
      streamText: () => Stream.empty
    })
  )
}

/** CPU agents and joins run on the main thread, and nothing is stored. */
const engine = Engine.layer().pipe(Layer.provide([WorkerPool.layerInline, JobStore.layerMemory]))

const input = { messages: { m1: "I paid twice" }, teams: { money: "accounting" } }

describe("triage", () => {
  it.effect("assigns a message to the team of its topic", () =>
    Effect.gen(function* () {
      const { diagnostics, output } = yield* Engine.run(triage, input)
      expect({ output, diagnostics }).toEqual({ output: { m1: "accounting" }, diagnostics: [] })
    }).pipe(Effect.provide([engine, fakeModel(0)]))
  )

  it.effect("asks a busy model again after a minute, by a clock that the test moves", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(triage, input)
      const result = yield* Effect.forkChild(job.result)
      yield* TestClock.adjust("59 seconds")
      expect(result.pollUnsafe()).toBe(undefined)
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(result)).output).toEqual({ m1: "accounting" })
    }).pipe(Effect.provide([engine, fakeModel(1)]))
  )

  it.effect("gives up after the fourth attempt, with the error of the model", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(triage, input)
      const failed = yield* Effect.forkChild(Effect.flip(job.result))
      yield* TestClock.adjust("10 minutes")
      expect(yield* Fiber.join(failed)).toMatchObject({ _tag: "AgentFailed", agent: "sort" })
    }).pipe(Effect.provide([engine, fakeModel(Infinity)]))
  )

  it.effect("has the same facts at the end, whatever comes last", () =>
    Effect.gen(function* () {
      expect(Program.warnings(triage)).toEqual([])
      const { orders } = yield* Testing.confluent(triage, input)
      expect(orders.length).toBeGreaterThan(1)
    }).pipe(Effect.provide([engine, fakeModel(0)]))
  )
})
