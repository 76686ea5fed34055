/** A job that rests between its work, and agents that say how many of their tasks run at a time. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Intent, Program } from "../../../src/index.ts"

const Link = Fact.kind("Link", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Text = Fact.kind("Text", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Note = Fact.kind("Note", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })

/** Links are fetched four at a time and summed up three at a time of twelve; then somebody is asked, and the others follow. */
export const rests = Program.make("rests", {
  input: Schema.Struct({ links: Schema.Int, ms: Schema.Int }),
  seed: ({ links }) => Array.from({ length: links }, (_, place) => Link.of({ id: `link-${place}` })),
  signals: [Intent.Decision],
  agents: [
    Agent.make("fetch", {
      each: Link,
      writes: [Text],
      concurrency: 4,
      execute: ({ value: { id } }, view) => {
        const { ms } = view.input as { readonly ms: number }
        return Effect.as(Effect.sleep(ms), { facts: [Text.of({ id })] })
      }
    }),
    Agent.make("sum up", {
      each: Text,
      writes: [Note],
      concurrency: 12,
      execute: ({ value: { id } }, view) => {
        const { ms } = view.input as { readonly ms: number }
        return Effect.as(Effect.sleep(ms / 2), { facts: [Note.of({ id })] })
      }
    }),
    Agent.make("ask", {
      execute: () => Effect.succeed({ intents: [Intent.approval({ id: "more", question: "Fetch more?", data: {} })] })
    }),
    Agent.make("go on", {
      each: Intent.Decision,
      writes: [Link],
      concurrency: { gap: "1 milli" },
      execute: () =>
        Effect.as(Effect.sleep(20), { facts: [Link.of({ id: "one more" }), Link.of({ id: "and another" })] })
    })
  ]
})
