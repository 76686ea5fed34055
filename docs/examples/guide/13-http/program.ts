/**
 * A program that is served: words of texts. The schema of its output makes the client's type, and the API's document.
 */
import { Agent, Fact, Fold, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export const Text = Fact.kind("Text", {
  schema: Schema.Struct({ title: Schema.String, text: Schema.String }),
  id: ({ title }) => title
})

const Word = Fact.kind("Word", {
  schema: Schema.Struct({ word: Schema.String, title: Schema.String, times: Schema.Int }),
  id: ({ title, word }) => `${word} in ${title}`
})

const Times = Fact.kind("Times", {
  schema: Schema.Struct({ word: Schema.String, times: Schema.Int }),
  id: ({ word }) => word,
  conflict: "keepLast"
})

const split = Agent.make("split", {
  each: Text,
  writes: [Word],
  execute: ({ value: { text, title } }) => {
    const words = Map.groupBy(text.toLowerCase().match(/\p{L}+/gu) ?? [], (word) => word)
    return Effect.succeed({ facts: [...words].map(([word, all]) => Word.of({ word, title, times: all.length })) })
  }
})

const count = Agent.fold("count", {
  over: Word,
  by: ({ word }) => word,
  into: Times,
  aggregate: Fold.sum(Word, ({ times }) => times),
  as: (word, times) => ({ word, times })
})

export const concordance = Program.make("concordance", {
  input: Schema.Struct({ texts: Schema.Record(Schema.String, Schema.String) }),
  seed: ({ texts }) => Object.entries(texts).map(([title, text]) => Text.of({ title, text })),
  signals: [Text],
  agents: [split, count],
  output: {
    schema: Schema.Record(Schema.String, Schema.Int),
    from: (view) => Object.fromEntries(view.all(Times).map(({ value }) => [value.word, value.times]))
  }
})
