/**
 * A program to test: messages that a language model sorts, and a reminder after an hour.
 */
import { Agent, Fact, Program } from "effect-converge"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

const Message = Fact.kind("Message", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: ({ id }) => id
})

const Topic = Fact.kind("Topic", {
  schema: Schema.Struct({ message: Schema.String, topic: Schema.String }),
  id: ({ message }) => message
})

const Team = Fact.kind("Team", {
  schema: Schema.Struct({ topic: Schema.String, team: Schema.String }),
  id: ({ topic }) => topic
})

const Assigned = Fact.kind("Assigned", {
  schema: Schema.Struct({ message: Schema.String, team: Schema.String }),
  id: ({ message }) => message
})

const sort = Agent.make("sort", {
  each: Message,
  writes: [Topic],
  timeout: "10 seconds",
  retry: Schedule.spaced("1 minute").pipe(Schedule.upTo({ times: 3 })),
  execute: ({ value: { id, text } }) =>
    Effect.map(LanguageModel.generateText({ prompt: `One word for the topic of: ${text}` }), (answer) => ({
      facts: [Topic.of({ message: id, topic: answer.text.trim() })]
    }))
})

const assign = Agent.join("assign", {
  left: [Topic, ({ topic }) => topic],
  right: [Team, ({ topic }) => topic],
  writes: [Assigned],
  execute: ({ value: { message } }, { value: { team } }) => ({ facts: [Assigned.of({ message, team })] })
})

export const triage = Program.make("triage", {
  module: import.meta.url,
  input: Schema.Struct({
    messages: Schema.Record(Schema.String, Schema.String),
    teams: Schema.Record(Schema.String, Schema.String)
  }),
  seed: ({ messages, teams }) => [
    ...Object.entries(messages).map(([id, text]) => Message.of({ id, text })),
    ...Object.entries(teams).map(([topic, team]) => Team.of({ topic, team }))
  ],
  agents: [sort, assign],
  output: (view) => Object.fromEntries(view.all(Assigned).map(({ value }) => [value.message, value.team]))
})
