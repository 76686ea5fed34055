/**
 * Research by language models that check each other: a planner asks questions, researchers answer them, a critic sends answers
 * back, a writer makes a report of what was accepted, and somebody approves it or asks for changes.
 */
import { Agent, Fact, Intent, Program } from "effect-converge"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

const Input = Schema.Struct({ topic: Schema.String })

/** Answers of a researcher to one question, the last one included, and drafts of one report. */
const maxRounds = 3
const maxDrafts = 3

const Text = Schema.String.check(Schema.isMinLength(1))

/** The shapes that the models are asked for. An answer of another shape is a typed error, and is asked for again. */
const Plan = Schema.Struct({ questions: Schema.Array(Text).check(Schema.isMinLength(1), Schema.isMaxLength(5)) })
const Answer = Schema.Struct({ text: Text, sources: Schema.Array(Text) })
const Review = Schema.Struct({ isAccepted: Schema.Boolean, remark: Schema.String })
const Written = Schema.Struct({ text: Text })

// The round is part of the identity. An answer that replaced the one before would lose what the critic said of it.
export const Task = Fact.kind("Task", {
  schema: Schema.Struct({ question: Schema.String, round: Schema.Int, remark: Schema.String }),
  id: ({ question, round }) => `${round}: ${question}`
})
export const Finding = Fact.kind("Finding", {
  schema: Schema.Struct({ question: Schema.String, round: Schema.Int, ...Answer.fields }),
  id: ({ question, round }) => `${round}: ${question}`
})
export const Verdict = Fact.kind("Verdict", {
  schema: Schema.Struct({ question: Schema.String, round: Schema.Int, ...Review.fields }),
  id: ({ question, round }) => `${round}: ${question}`
})

export const Draft = Fact.kind("Draft", {
  schema: Schema.Struct({ version: Schema.Int, text: Schema.String }),
  id: ({ version }) => `draft ${version}`
})
const Published = Fact.kind("Published", {
  schema: Schema.Struct({ draft: Schema.String, text: Schema.String, by: Schema.String }),
  id: ({ draft }) => draft
})

/** The common options of all agents that ask a model. An answer is kept before its cycle commits, so a crash does not cost it. */
const asking = {
  timeout: "1 minute",
  memoize: true,
  concurrency: 4,
  // Unless the provider says that it is in vain, which a spent budget is, too.
  retry: Schedule.exponential("50 millis").pipe(
    Schedule.upTo({ times: 2 }),
    Schedule.setInputType<unknown>(),
    Schedule.while(({ input }) => !AiError.isAiError(input) || input.isRetryable)
  )
} as const

export const plan = Agent.make("plan", {
  ...asking,
  writes: [Task],
  execute: (view) =>
    Effect.map(
      LanguageModel.generateObject({
        objectName: "plan",
        schema: Plan,
        prompt: `Which questions must be answered to report on this topic?\n\n${(view.input as typeof Input.Type).topic}`
      }),
      // A question that the model asks twice would be one fact proposed twice, which is refused.
      ({ value }) => ({
        facts: [...new Set(value.questions)].map((question) => Task.of({ question, round: 1, remark: "" }))
      })
    )
})

const research = Agent.make("research", {
  ...asking,
  each: Task,
  writes: [Finding],
  execute: ({ value: { question, remark, round } }) =>
    Effect.map(
      LanguageModel.generateObject({
        objectName: "answer",
        schema: Answer,
        prompt: `Answer this question, and name your sources.\n\n${question}\n\nRemark on your last answer: ${remark || "none"}`
      }),
      ({ value }) => ({ facts: [Finding.of({ question, round, ...value })] })
    )
})

export const criticise = Agent.make("criticise", {
  ...asking,
  each: Finding,
  writes: [Verdict],
  execute: ({ value: { question, round, sources, text } }) =>
    Effect.map(
      LanguageModel.generateObject({
        objectName: "review",
        schema: Review,
        prompt: `Is this an answer that can be relied upon?\n\n${question}\n\n${text}\n\nSources: ${sources.join(", ") || "none"}`
      }),
      ({ value }) => ({ facts: [Verdict.of({ question, round, ...value })] })
    )
})

// The rounds are bounded here. Without that, two models that never agree would talk until the budget is spent.
export const sendBack = Agent.make("sendBack", {
  each: Verdict,
  writes: [Task],
  execute: ({ value: { isAccepted, question, remark, round } }) =>
    Effect.succeed(
      isAccepted || round === maxRounds ? {} : { facts: [Task.of({ question, round: round + 1, remark })] }
    )
})

/** The findings that the critic accepted, as one text. */
const accepted = (
  findings: ReadonlyArray<Fact.FactOf<typeof Finding>>,
  verdicts: ReadonlyArray<Fact.FactOf<typeof Verdict>>
) => {
  const good = new Set(verdicts.filter(({ value }) => value.isAccepted).map(({ id }) => id))
  return findings.filter(({ id }) => good.has(id)).map(({ value }) => value)
}

const writing = (topic: string, findings: ReturnType<typeof accepted>, wish: string) =>
  Effect.map(
    LanguageModel.generateObject({
      objectName: "report",
      schema: Written,
      prompt: `Report on: ${topic}\n\n${findings.map(({ question, text }) => `${question} ${text}`).join("\n")}\n\nWish: ${wish || "none"}`
    }),
    ({ value }) => value.text
  )

// In a later tier: it begins when no finding can come any more.
const write = Agent.make("write", {
  ...asking,
  reads: [Finding, Verdict],
  writes: [Draft],
  execute: (view) => {
    const { topic } = view.input as typeof Input.Type
    const findings = accepted(view.all(Finding), view.all(Verdict))
    return Effect.map(writing(topic, findings, ""), (text) => ({ facts: [Draft.of({ version: 1, text })] }))
  }
})

const ask = Agent.make("ask", {
  each: Draft,
  execute: ({ id, value: { text } }) =>
    Effect.succeed({
      intents: [Intent.approval({ id, question: "Publish this report?", data: { text }, timeout: "7 days" })]
    })
})

// The decision of a person is a fact, and the wish for changes is its reason.
const decided = Agent.make("decided", {
  ...asking,
  each: Intent.Decision,
  reads: [Draft, Finding, Verdict],
  writes: [Draft, Published],
  execute: ({ value: { approval, approved, by, reason } }, view) =>
    Effect.gen(function* () {
      const draft = view.all(Draft).find(({ id }) => id === approval)
      if (draft === undefined) return {}
      const { text, version } = draft.value
      if (approved) return { facts: [Published.of({ draft: draft.id, text, by })] }
      if (version === maxDrafts || by === "timeout") return {}
      const { topic } = view.input as typeof Input.Type
      const findings = accepted(view.all(Finding), view.all(Verdict))
      return { facts: [Draft.of({ version: version + 1, text: yield* writing(topic, findings, reason) })] }
    })
})

export const inquiry = Program.make("inquiry", {
  input: Input,
  agents: [plan, research, criticise, sendBack, write, ask, decided],
  tiers: [
    ["plan", "research", "criticise", "sendBack"],
    // Before its readers, so that nobody looks for a draft that is still being written.
    ["write"],
    ["ask", "decided"]
  ],
  budget: { maxTokens: 50_000, maxCost: 2_000 },
  output: {
    schema: Schema.Struct({
      topic: Schema.String,
      /** Null: every draft was refused. */
      report: Schema.NullOr(Schema.String),
      approvedBy: Schema.NullOr(Schema.String),
      drafts: Schema.Int,
      sources: Schema.Array(Schema.String),
      /** Questions without an answer that the critic accepted. */
      open: Schema.Array(Schema.String)
    }),
    from: (view) => {
      const findings = accepted(view.all(Finding), view.all(Verdict))
      const answered = new Set(findings.map(({ question }) => question))
      const questions = view.all(Task).flatMap(({ value }) => (value.round === 1 ? [value.question] : []))
      const published = view.all(Published)[0]?.value
      return {
        topic: view.input.topic,
        report: published?.text ?? null,
        approvedBy: published?.by ?? null,
        drafts: view.size(Draft),
        sources: [...new Set(findings.flatMap(({ sources }) => sources))].toSorted(),
        open: questions.filter((question) => !answered.has(question))
      }
    }
  }
})
