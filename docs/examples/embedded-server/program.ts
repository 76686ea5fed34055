/**
 * Support tickets that a language model sorts. The model is a service of Effect's: which one it is, the program doesn't know.
 */
import { Agent, Fact, Program } from "effect-converge"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

const Ticket = Fact.kind("Ticket", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: ({ id }) => id
})

/** What the model is asked for. An answer that does not fit is no answer: the model is asked again. */
const Sorted = Schema.Struct({
  topic: Schema.Literals(["billing", "delivery", "other"]),
  isUrgent: Schema.Boolean,
  summary: Schema.String.check(Schema.isMinLength(1))
})

const Triage = Fact.kind("Triage", {
  schema: Schema.Struct({ ticket: Schema.String, ...Sorted.fields }),
  id: ({ ticket }) => ticket
})

/** Three more times, unless the model's provider says that it is in vain. A timeout is tried again, too. */
const again = Schedule.exponential("50 millis").pipe(
  Schedule.upTo({ times: 3 }),
  Schedule.setInputType<unknown>(),
  Schedule.while(({ input }) => !AiError.isAiError(input) || input.isRetryable)
)

const sort = Agent.make("sort", {
  each: Ticket,
  writes: [Triage],
  // Of one attempt. What an attempt asked for is interrupted then.
  timeout: "10 seconds",
  retry: again,
  // The answer is kept as soon as it is there: after a crash nobody pays for it twice.
  memoize: true,
  execute: ({ value: { id, text } }) =>
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
    )
})

export const support = Program.make("support", {
  input: Schema.Struct({ tickets: Schema.Record(Schema.String, Schema.String) }),
  seed: ({ tickets }) => Object.entries(tickets).map(([id, text]) => Ticket.of({ id, text })),
  agents: [sort],
  budget: { maxTokens: 100_000, maxDuration: "5 minutes" },
  output: (view) => view.all(Triage).map(({ value }) => value)
})
