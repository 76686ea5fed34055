/** A program whose agents name their reasons, on fibers and on worker threads. Workers load it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

export const Word = Fact.kind("Word", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })

/** Two words that follow one another. */
export const Pair = Fact.kind("Pair", {
  schema: Schema.Struct({ a: Schema.String, b: Schema.String }),
  id: ({ a, b }) => `${a} ${b}`
})

/** The longest word so far; the words that were asked are counted. */
export const Longest = Fact.kind("Longest", {
  schema: Schema.Struct({ text: Schema.String }),
  id: () => "longest",
  conflict: (a, b) => (a.text.length > b.text.length || (a.text.length === b.text.length && a.text < b.text) ? a : b)
})

export const reasoned = Program.make("reasoned", {
  module: import.meta.url,
  input: Schema.Struct({ words: Schema.Array(Schema.String) }),
  seed: ({ words }) => words.map((text) => Word.of({ text })),
  agents: [
    Agent.cpu("pairs", {
      reads: [Word],
      writes: [Pair],
      execute: (view) => {
        const words = view.all(Word)
        return {
          facts: words.slice(1).map((b, index) => {
            const a = words[index]!
            // The second reason is first, and once too often.
            return Pair.of({ a: a.value.text, b: b.value.text }, { because: [b, a, b] })
          })
        }
      }
    }),
    Agent.make("longest", {
      each: Pair,
      reads: [Word],
      writes: [Longest, Word],
      execute: (pair, view) =>
        Effect.succeed({
          facts: [
            Longest.of({ text: pair.value.a }, { because: [pair] }),
            ...(view.size(Word) < 6 ? [Word.of({ text: `${pair.value.a}${view.size(Word)}` })] : [])
          ]
        })
    })
  ],
  output: (view) => view.all(Longest).map(({ value }) => value.text)
})

/** Names a word as the reason, or a copy of it, on a worker. */
export const copying = Program.make("copying", {
  module: import.meta.url,
  input: Schema.Struct({ isCopy: Schema.Boolean }),
  seed: () => [Word.of({ text: "a" })],
  agents: [
    Agent.cpu("copies", {
      each: Word,
      writes: [Pair],
      execute: (word, view) => ({
        facts: [
          Pair.of({ a: "a", b: "a" }, { because: [(view.input as { isCopy: boolean }).isCopy ? { ...word } : word] })
        ]
      })
    })
  ]
})
