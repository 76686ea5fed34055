/**
 * Research under a budget: each question is asked of a language model of effect/ai, politely and for no more than the job may
 * cost. When the money is spent, the job ends, and the answers that were paid for are there.
 */
import { Agent, Engine, Fact, Program } from "effect-converge"
import { MeteredModel } from "effect-converge/ai"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as LanguageModel from "effect/ai/LanguageModel"

const Input = Schema.Struct({ topic: Schema.String, questions: Schema.Array(Schema.String) })

const Question = Fact.kind("Question", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })

const Answer = Fact.kind("Answer", {
  schema: Schema.Struct({ question: Schema.String, text: Schema.String }),
  id: ({ question }) => question
})

const answer = Agent.make("answer", {
  each: Question,
  writes: [Answer],
  // Four calls at a time, in all jobs of the engine together, and 50 ms between two of them.
  concurrency: { limit: 4, gap: "50 millis" },
  execute: ({ value: question }, view) =>
    Effect.gen(function* () {
      const { topic } = view.input as typeof Input.Type
      // This line of the log names job, cycle, agent and question.
      yield* Effect.logDebug("asks the model")
      const { text } = yield* LanguageModel.generateText({ prompt: `About ${topic}: ${question.text}` })
      return { facts: [Answer.of({ question: question.text, text })] }
    })
})

export const research = Program.make("research", {
  input: Input,
  seed: ({ questions }) => questions.map((text) => Question.of({ text })),
  agents: [answer],
  budget: { maxTokens: 10_000, maxCost: 500 },
  output: {
    schema: Schema.Struct({ topic: Schema.String, answers: Schema.Array(Schema.String) }),
    from: (view) => ({ topic: view.input.topic, answers: view.all(Answer).map(({ value }) => value.text) })
  }
})

/** A meter before a model: it reserves 2,000 tokens and 20 cents for each call, and pays what the model says it used. */
export const metered = (model: Layer.Layer<LanguageModel.LanguageModel>) =>
  MeteredModel.layer({
    reserve: { tokens: 2_000, cost: 20 },
    price: ({ inputTokens, outputTokens }) =>
      Math.ceil(((inputTokens.total ?? 0) + 4 * (outputTokens.total ?? 0)) / 100)
  }).pipe(Layer.provide(model))

/** The result of the job, also if the money was spent before all questions were answered. */
export const findings = (topic: string, questions: ReadonlyArray<string>) =>
  Engine.run(research, { topic, questions }).pipe(
    Effect.map(({ output, usage }) => ({ ...output, tokens: usage.tokens, cost: usage.cost })),
    Effect.catchTag("BudgetExhausted", ({ partial: { context, usage } }) =>
      Effect.succeed({ ...Program.output(research, context), tokens: usage.tokens, cost: usage.cost })
    )
  )
