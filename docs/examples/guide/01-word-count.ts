/**
 * A fact and an agent: the words of some lines.
 */
import { Agent, Engine, Fact, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

// A kind names a type of fact. `id` says when two values are about the same thing.
const Line = Fact.kind("Line", {
  schema: Schema.Struct({ number: Schema.Int, text: Schema.String }),
  id: ({ number }) => String(number)
})

const Word = Fact.kind("Word", {
  schema: Schema.Struct({ text: Schema.String }),
  id: ({ text }) => text
})

// An agent proposes facts. This one has a task for each new Line, and adds its words.
const split = Agent.make("split", {
  each: Line,
  writes: [Word],
  execute: (line) => {
    const words = new Set(line.value.text.toLowerCase().match(/\p{L}+/gu))
    return Effect.succeed({ facts: [...words].map((text) => Word.of({ text })) })
  }
})

// A program says how a job begins (`seed`), who works (`agents`), and what is asked of the end (`output`).
export const words = Program.make("words", {
  input: Schema.Array(Schema.String),
  seed: (lines) => lines.map((text, index) => Line.of({ number: index + 1, text })),
  agents: [split],
  output: (view) => view.all(Word).map(({ id }) => id)
})

export const wordsOf = (lines: ReadonlyArray<string>) =>
  Engine.run(words, lines).pipe(Effect.provide(Engine.layerMemory))
