/** A program whose facts have many causes and many facts after them, over several steps; and one that takes facts from outside. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"
import { mayDo } from "./held.ts"

const Text = Fact.kind("Text", {
  schema: Schema.Struct({ name: Schema.String, words: Schema.Array(Schema.String) }),
  id: ({ name }) => name
})
const Word = Fact.kind("Word", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })
const Length = Fact.kind("Length", {
  schema: Schema.Struct({ of: Schema.String, letters: Schema.Int }),
  id: ({ of }) => of
})
const Group = Fact.kind("Group", {
  schema: Schema.Struct({ letters: Schema.Int, words: Schema.Array(Schema.String) }),
  id: ({ letters }) => `of ${letters} letters`,
  conflict: "keepLast"
})
const Verdict = Fact.kind("Verdict", {
  schema: Schema.Struct({ on: Schema.String, isLarge: Schema.Boolean }),
  id: ({ on }) => on,
  conflict: "keepLast"
})

const Total = Fact.kind("Total", {
  schema: Schema.Struct({ words: Schema.Int }),
  id: () => "all",
  conflict: "keepLast"
})

/** Splits texts into words, measures and groups them, judges each group, and counts all words. */
export const words = Program.make("words", {
  input: Schema.Struct({ words: Schema.Array(Schema.String) }),
  seed: ({ words }) => [
    Text.of({ name: "letter", words }),
    Text.of({ name: "reply", words: words.slice(0, 3).map((word) => `${word}s`) })
  ],
  agents: [
    Agent.make("split", {
      each: Text,
      writes: [Word],
      execute: ({ value: { words } }) => Effect.succeed({ facts: words.map((text) => Word.of({ text })) })
    }),
    Agent.make("measure", {
      each: Word,
      writes: [Length],
      execute: ({ value: { text } }) => Effect.succeed({ facts: [Length.of({ of: text, letters: text.length })] })
    }),
    Agent.make("group", {
      reads: [Length],
      writes: [Group],
      execute: (view) => {
        const all = view.all(Length)
        const letters = [...new Set(all.map(({ value }) => value.letters))].sort((a, b) => a - b)
        return Effect.succeed({
          facts: letters.map((count) => {
            const same = all.filter(({ value }) => value.letters === count)
            return Group.of({ letters: count, words: same.map(({ value }) => value.of) }, { because: same })
          })
        })
      }
    }),
    Agent.make("total", {
      reads: [Length],
      writes: [Total],
      execute: (view) => Effect.succeed({ facts: [Total.of({ words: view.size(Length) })] })
    }),
    Agent.make("judge", {
      each: Group,
      writes: [Verdict],
      execute: ({ id, value: { words } }) =>
        Effect.succeed({ facts: [Verdict.of({ on: id, isLarge: words.length > 3 })] })
    })
  ]
})

const Note = Fact.kind("Note", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: ({ id }) => id
})

/** Takes notes from outside, for as long as a test holds its own. */
export const notes = Program.make("notes", {
  input: Schema.Struct({}),
  signals: [Note],
  agents: [
    Agent.make("write", {
      writes: [Note],
      execute: (view) => Effect.as(mayDo(view.jobId, 1), { facts: [Note.of({ id: "own", text: "the agent's" })] })
    })
  ]
})

export const programs = [words, notes] as const

/** Words of several lengths: as many as asked for. */
export const manyWords = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, n) => `${"abcdefgh".slice(0, 1 + (n % 5))}${n}`)
