/**
 * The programs that generated clients start (test/clients): one that counts and has facts with odd ids, and one that asks for an
 * approval. A built server loads them, so they import the package by its name.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Intent, Program } from "effect-converge"

const Step = Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Last = Fact.kind("Last", { schema: Schema.Struct({ n: Schema.Int }), id: () => "it", conflict: "keepLast" })
const Odd = Fact.kind("Odd", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })
const Note = Fact.kind("Note", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })

export const count = Program.make("count", {
  input: Schema.Struct({ to: Schema.Int }),
  kinds: [Odd],
  seed: () => [Step.of({ n: 0 }), Odd.of({ text: "\ud800" }), Odd.of({ text: "" })],
  agents: [
    Agent.make("next", {
      each: Step,
      writes: [Step, Last],
      execute: ({ value: { n } }, view) => {
        const { to } = view.input as { readonly to: number }
        return Effect.succeed({ facts: [Last.of({ n }), ...(n < to ? [Step.of({ n: n + 1 })] : [])] })
      }
    })
  ],
  output: (view) => view.size(Step)
})

export const asks = Program.make("asks", {
  input: Schema.Struct({}),
  kinds: [Note],
  signals: [Note],
  agents: [
    Agent.make("asks", {
      execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go", question: "Go on?" })] })
    })
  ]
})
