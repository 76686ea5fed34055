/**
 * Support tickets that a language model sorts, and of which the urgent ones ask a person whether to call back. The model is a
 * service of Effect's: which one it is, the program doesn't know.
 */
import { Agent, Fact, Intent, Program } from "effect-converge"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

const Input = Schema.Struct({ tenant: Schema.String, tickets: Schema.Record(Schema.String, Schema.String) })

export const Ticket = Fact.kind("Ticket", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: ({ id }) => id
})

/** The shape that the model is asked for. An answer that does not fit is no answer: the model is asked again. */
const Sorted = Schema.Struct({
  topic: Schema.Literals(["billing", "delivery", "other"]),
  isUrgent: Schema.Boolean,
  summary: Schema.String.check(Schema.isMinLength(1))
})

export const Triage = Fact.kind("Triage", {
  schema: Schema.Struct({ ticket: Schema.String, ...Sorted.fields }),
  id: ({ ticket }) => ticket
})

/** The decision of a person of the tenant about an urgent ticket. */
const Callback = Fact.kind("Callback", {
  schema: Schema.Struct({ ticket: Schema.String, isWanted: Schema.Boolean, by: Schema.String }),
  id: ({ ticket }) => ticket
})

/** Three more times, unless the model's provider says that it is in vain. A timeout is tried again, too. */
const again = Schedule.exponential("50 millis").pipe(
  Schedule.upTo({ times: 3 }),
  Schedule.setInputType<unknown>(),
  Schedule.while(({ input }) => !AiError.isAiError(input) || input.isRetryable)
)

export const sort = Agent.make("sort", {
  each: Ticket,
  writes: [Triage],
  // The limit of one attempt. Its requests are interrupted then.
  timeout: "10 seconds",
  retry: again,
  // The answer is kept as soon as it is there: after a crash nobody pays for it twice.
  memoize: true,
  execute: ({ value: { id, text } }, view) =>
    Effect.map(
      LanguageModel.generateObject({
        objectName: "sorted",
        prompt: `Sort this ticket of a customer by topic and urgency, and sum it up in a few words.\n\n${text}`,
        schema: Sorted
      }),
      ({ usage, value }) => ({
        facts: [Triage.of({ ticket: id, ...value })],
        // Counted against the budget's maxTokens, and part of the result's usage.
        usage: { tokens: (usage.inputTokens.total ?? 0) + (usage.outputTokens.total ?? 0) }
      })
    ).pipe(
      // The lines and the span of a call say whose it is. They have job, cycle, agent and ticket anyway.
      Effect.annotateLogs("tenant", (view.input as typeof Input.Type).tenant),
      Effect.annotateSpans("tenant", (view.input as typeof Input.Type).tenant)
    )
})

export const ask = Agent.make("ask", {
  each: Triage,
  execute: ({ value: { isUrgent, summary, ticket } }) =>
    Effect.succeed(
      isUrgent
        ? {
            intents: [
              Intent.approval({ id: ticket, question: `Call back? The customer ${summary}`, timeout: "2 days" })
            ]
          }
        : {}
    )
})

export const decided = Agent.make("decided", {
  each: Intent.Decision,
  writes: [Callback],
  execute: ({ value: { approval, approved, by } }) =>
    Effect.succeed({ facts: [Callback.of({ ticket: approval, isWanted: approved, by })] })
})

export const support = Program.make("support", {
  input: Input,
  seed: ({ tickets }) => Object.entries(tickets).map(([id, text]) => Ticket.of({ id, text })),
  agents: [sort, ask, decided],
  budget: { maxTokens: 100_000, maxDuration: "5 minutes" },
  output: (view) => ({
    sorted: view.all(Triage).map(({ value }) => value),
    callbacks: view.all(Callback).map(({ value }) => value)
  })
})
