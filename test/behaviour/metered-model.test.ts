/**
 * Models of effect/ai behind a meter (B9): calls reserve room and pay what the model says it used, whatever becomes of them. The
 * limit holds for a thousand calls at a time, with retries, failures and streams, and the bill is that of the model.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Response from "effect/ai/Response"
import { MeteredModel } from "../../src/ai/index.ts"
import { Agent, type AgentEffect, type Budget, Engine, Program } from "../../src/index.ts"
import { ended, engine, entry, Entry, eventsOf, noInput, Num, nums, turns } from "../support/behaviour/harness.ts"

const usage = (tokens: number) => ({
  inputTokens: { uncached: undefined, total: tokens - 10, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 10, text: undefined, reasoning: undefined }
})

const unsaid = {
  inputTokens: { uncached: undefined, total: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined }
}

const finish = (tokens: number): Response.FinishPartEncoded => ({
  type: "finish",
  reason: "stop",
  usage: usage(tokens),
  response: undefined
})

/**
 * The result of the next call: `{"answer": ...}`, an answer of another structure, a refusal, a failure in the middle, or an
 * answer whose usage has no totals.
 */
type Script = (prompt: string) => "answers" | "babbles" | "refuses" | "breaks" | "omits"

/** A model that does what its script says of a prompt, and keeps its own bill. A call costs 40 to 60 tokens. */
const scripted = (script: Script) => {
  const bill = { tokens: 0, calls: 0, atOnce: 0, most: 0 }
  const costOf = () => 40 + (bill.calls % 21)
  const failed = (reason: AiError.AiErrorReason) => AiError.make({ module: "Scripted", method: "call", reason })
  const promptOf = ({ prompt }: LanguageModel.ProviderOptions) => JSON.stringify(prompt)
  const begin = Effect.sync(() => {
    bill.calls++
    bill.most = Math.max(bill.most, ++bill.atOnce)
  })
  const model = LanguageModel.make({
    generateText: (options) =>
      Effect.gen(function* () {
        yield* begin
        const does = script(promptOf(options))
        yield* turns(1 + (bill.calls % 3))
        bill.atOnce--
        if (does === "refuses") return yield* failed(new AiError.RateLimitError({}))
        const cost = costOf()
        bill.tokens += cost
        if (does === "breaks") {
          const reported = { promptTokens: cost - 10, completionTokens: 10 }
          return yield* failed(new AiError.InvalidOutputError({ description: "cut off", usage: reported }))
        }
        return [
          { type: "text", text: does === "babbles" ? "well, ..." : `{"answer":"yes"}` },
          does === "omits" ? { ...finish(cost), usage: unsaid } : finish(cost)
        ]
      }),
    streamText: (options) =>
      Stream.unwrap(
        Effect.gen(function* () {
          yield* begin
          const does = script(promptOf(options))
          yield* turns(1)
          bill.atOnce--
          const cost = costOf()
          bill.tokens += cost
          const parts: Array<Response.StreamPartEncoded> = [
            { type: "text-start", id: "t" },
            { type: "text-delta", id: "t", delta: "yes" },
            { type: "text-end", id: "t" }
          ]
          return does === "breaks"
            ? Stream.concat(
                Stream.fromArray(parts),
                Stream.fail(failed(new AiError.UnknownError({ description: "lost" })))
              )
            : Stream.fromArray([...parts, does === "omits" ? { ...finish(cost), usage: unsaid } : finish(cost)])
        })
      )
  })
  const layer = (options: Partial<MeteredModel.MeterOptions> = {}) =>
    MeteredModel.layer({ reserve: { tokens: 60 }, ...options }).pipe(
      Layer.provide(Layer.effect(LanguageModel.LanguageModel, model))
    )
  return { bill, layer }
}

/** An agent that asks about each number. */
const asking = <E>(
  count: number,
  ask: (n: number) => Effect.Effect<AgentEffect.AgentEffect<typeof Entry>, E, LanguageModel.LanguageModel>,
  options: { readonly budget?: Budget.Budget; readonly retries?: number } = {}
) =>
  Program.make("asking", {
    input: noInput,
    agents: [
      Agent.make("asks", {
        each: Num,
        writes: [Entry],
        retry: options.retries === undefined ? undefined : Schedule.recurs(options.retries),
        onFailure: "discard",
        execute: ({ value: { n } }) => ask(n)
      })
    ],
    seed: () => nums(1, count),
    budget: options.budget
  })

const answer = (n: number) => ({ facts: [entry(String(n))] })

const text = (n: number) => Effect.as(LanguageModel.generateText({ prompt: `text ${n}` }), answer(n))

const Answer = Schema.Struct({ answer: Schema.String })

const object = (n: number) =>
  Effect.as(LanguageModel.generateObject({ prompt: `object ${n}`, schema: Answer }), answer(n))

const stream = (n: number) => Effect.as(Stream.runDrain(LanguageModel.streamText({ prompt: `stream ${n}` })), answer(n))

const interrupted = (n: number) =>
  Effect.as(Stream.runDrain(Stream.take(LanguageModel.streamText({ prompt: `cut ${n}` }), 1)), answer(n))

/** Some calls of each kind, and some of each that go wrong at first. */
const mixed = (n: number) =>
  n % 4 === 0 ? stream(n) : n % 4 === 1 ? object(n) : n % 8 === 2 ? interrupted(n) : text(n)

const seen = new Map<string, number>()
const mishaps: Script = (prompt) => {
  const times = (seen.get(prompt) ?? 0) + 1
  seen.set(prompt, times)
  const n = Number(/ (\d+)/.exec(prompt)?.[1])
  if (times > 1 + (n % 2) || prompt.includes("cut ")) return "answers"
  if (n % 3 === 0) return "breaks"
  if (n % 5 === 0) return "refuses"
  return n % 7 === 0 && prompt.includes("object") ? "babbles" : "answers"
}

describe("a thousand calls at a time", () => {
  it.live("pay for no more than the limit, and everything that was paid for is in the context", () =>
    Effect.gen(function* () {
      seen.clear()
      const { bill, layer } = scripted(mishaps)
      const limit = 20_000
      const program = asking(1_000, mixed, { budget: { maxTokens: limit }, retries: 4 })
      const job = yield* Effect.provide(Engine.start(program, {}), layer())
      const error = yield* ended(job.result)
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "tokens", limit, spender: "asks" })
      // The count is at least the bill: streams that were cut count as they were reserved.
      const counted = error.partial.usage.tokens
      expect(bill.tokens).toBeLessThanOrEqual(counted)
      expect(counted).toBeLessThanOrEqual(limit)
      expect(counted).toBeGreaterThan(limit - 120)
      expect(bill.most).toBeGreaterThan(10)
      const succeeded = (yield* eventsOf(job)).filter(({ _tag }) => _tag === "TaskSucceeded")
      expect(error.partial.context.size(Entry)).toBe(succeeded.length)
      expect(succeeded.length).toBeGreaterThan(100)
    }).pipe(Effect.provide(engine({ fiberConcurrency: 1_000 })))
  )

  it.live("are billed as the model bills them: retries, failures and streams", () =>
    Effect.gen(function* () {
      seen.clear()
      const { bill, layer } = scripted(mishaps)
      const whole = (n: number) => (n % 4 === 0 ? stream(n) : n % 4 === 1 ? object(n) : text(n))
      // A stream that breaks reports nothing: it counts as reserved. So only those that do not break are compared.
      const exact = (n: number) => (n % 4 === 0 && n % 3 === 0 ? text(n) : whole(n))
      const result = yield* Effect.provide(
        Engine.run(asking(1_000, exact, { retries: 4 }), {}),
        layer({ price: ({ outputTokens }) => outputTokens.total ?? 0 })
      )
      expect(result.usage.tokens).toBe(bill.tokens)
      expect(result.context.size(Entry)).toBe(1_000)
      expect(result.usage.cost).toBeGreaterThan(10_000)
    }).pipe(Effect.provide(engine({ fiberConcurrency: 1_000 })))
  )
})

describe("a call", () => {
  it.effect("pays what was reserved where the model reports nothing, and nothing where the provider refused", () =>
    Effect.gen(function* () {
      const one = (
        does: ReturnType<Script>,
        ask: typeof text | typeof stream,
        options?: Partial<MeteredModel.MeterOptions>
      ) => {
        const { layer } = scripted(() => does)
        return Effect.map(
          Effect.provide(
            Engine.run(asking<AiError.AiError>(1, ask), {}),
            layer({ reserve: { tokens: 99, cost: 7 }, ...options })
          ),
          ({ usage: { cost, tokens } }) => [tokens, cost]
        )
      }
      expect(yield* one("refuses", text)).toEqual([0, 0])
      expect(yield* one("refuses", text, { isFree: () => false })).toEqual([99, 7])
      expect(yield* one("breaks", stream)).toEqual([99, 7])
      expect(yield* one("breaks", text)).toEqual([41, 7])
      expect(yield* one("babbles", object)).toEqual([41, 7])
      expect(yield* one("answers", text, { price: () => 3 })).toEqual([41, 3])
      expect(yield* one("answers", interrupted)).toEqual([99, 7])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("pays what was reserved where a usage has no totals, and its price is not asked for", () =>
    Effect.gen(function* () {
      const priced: Array<unknown> = []
      const price: MeteredModel.MeterOptions["price"] = (usage) => {
        priced.push(usage)
        return usage.outputTokens.total ?? 0
      }
      for (const ask of [text, object, stream]) {
        const { layer } = scripted(() => "omits")
        const result = yield* Effect.provide(
          Engine.run(asking<AiError.AiError>(1, ask), {}),
          layer({ reserve: { tokens: 99, cost: 7 }, price })
        )
        expect([result.usage.tokens, result.usage.cost]).toEqual([99, 7])
      }
      expect(priced).toEqual([])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("reserves what its options say", () =>
    Effect.gen(function* () {
      const { layer } = scripted(() => "answers")
      const asked: Array<unknown> = []
      const reserve = ({ prompt }: MeteredModel.CallOptions) => {
        asked.push(prompt)
        return { tokens: 1_000 }
      }
      const error = yield* ended(
        Effect.provide(Engine.run(asking(1, text, { budget: { maxTokens: 999 } }), {}), layer({ reserve }))
      )
      expect(error).toMatchObject({ _tag: "BudgetExhausted", used: 0, limit: 999 })
      expect(asked).toEqual(["text 1"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("that is refused fails with an AiError, which an agent may catch", () =>
    Effect.gen(function* () {
      const { bill, layer } = scripted(() => "answers")
      const reasons: Array<string> = []
      const careful = (n: number) =>
        Effect.catchTag(text(n), "AiError", ({ message, reason }) =>
          Effect.sync(() => {
            reasons.push(`${reason._tag}: ${message}`)
            return answer(n)
          })
        )
      const result = yield* Effect.provide(Engine.run(asking(3, careful, { budget: { maxTokens: 60 } }), {}), layer())
      expect(result.status).toBe("converged")
      expect(bill.calls).toBe(1)
      expect(reasons[0]).toMatch(
        /^QuotaExhaustedError: MeteredModel\.generateText: no room for 60 more under the budget/
      )
    }).pipe(Effect.provide(engine()))
  )

  it.effect("outside of a job passes", () =>
    Effect.gen(function* () {
      const { bill, layer } = scripted(() => "answers")
      const both = Effect.andThen(text(1), stream(2))
      expect(yield* Effect.provide(both, layer())).toEqual(answer(2))
      expect(bill.calls).toBe(2)
    })
  )
})
