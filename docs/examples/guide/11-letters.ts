/**
 * Intents, approvals and signals: a letter that is sent when an editor has agreed, to readers who sign up until then.
 */
import { Agent, Engine, Fact, Intent, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Draft = Fact.kind("Draft", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: ({ id }) => id
})

/** Comes from outside, while the job runs. */
export const Reader = Fact.kind("Reader", { schema: Schema.Struct({ mail: Schema.String }), id: ({ mail }) => mail })

const Sent = Fact.kind("Sent", {
  schema: Schema.Struct({ draft: Schema.String, mail: Schema.String }),
  id: ({ draft, mail }) => `${draft} to ${mail}`
})

/** A wish to act on the world. An agent gives it, a handler performs it, and its answers are facts. */
export const Send = Intent.kind("Send", {
  payload: Schema.Struct({ draft: Schema.String, mail: Schema.String, text: Schema.String }),
  answers: [Sent]
})

const ask = Agent.make("ask", {
  each: Draft,
  execute: ({ value: { id, text } }) =>
    Effect.succeed({ intents: [Intent.approval({ id, question: `Send "${text}"?`, timeout: "2 days" })] })
})

const Agreed = Fact.kind("Agreed", {
  schema: Schema.Struct({ draft: Schema.String, text: Schema.String }),
  id: ({ draft }) => draft
})

// A join has two sides. So three kinds are two joins: first the drafts with the decisions on them...
const agree = Agent.join("agree", {
  left: [Draft, ({ id }) => id],
  right: [Intent.Decision, ({ approval, approved }) => (approved ? approval : [])],
  writes: [Agreed],
  execute: ({ value: { id, text } }) => ({ facts: [Agreed.of({ draft: id, text })] })
})

// ...then every agreed draft with every reader, once, whichever came last.
const send = Agent.join("send", {
  left: [Agreed, () => true],
  right: [Reader, () => true],
  intents: [Send],
  execute: ({ value: { draft, text } }, { value: { mail } }) => ({ intents: [Send.of({ draft, mail, text })] })
})

export const letters = Program.make("letters", {
  module: import.meta.url,
  input: Schema.Struct({ id: Schema.String, text: Schema.String }),
  seed: (draft) => [Draft.of(draft)],
  signals: [Reader],
  agents: [ask, agree, send],
  output: (view) => view.all(Sent).map(({ id }) => id)
})

/** Performs the intent. It may be called again after a crash, with the same key: the post office has to know the key. */
export const post = (deliver: (key: string, mail: string, text: string) => Effect.Effect<void>) =>
  Engine.handler(Send, ({ idempotencyKey, payload: { draft, mail, text } }) =>
    Effect.as(deliver(idempotencyKey, mail, text), [Sent.of({ draft, mail })])
  )

/** Steers a job as an application would: readers sign up, and the editor decides. */
export const publish = Effect.gen(function* () {
  const job = yield* Engine.start(letters, { id: "may", text: "Spring is here" }, { id: "letter-1" })
  yield* job.until("awaiting")
  yield* job.signal([Reader.of({ mail: "ada@example.org" }), Reader.of({ mail: "bob@example.org" })])
  for (const { id } of yield* job.approvals) {
    yield* job.signal([Intent.Decision.of({ approval: id, approved: true, by: "editor", reason: "good" })])
  }
  return (yield* job.result).output
})
