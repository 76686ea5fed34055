/**
 * A program that fills every view of the console with texts that a page must survive: markup, control characters, marks of
 * direction, halves of a pair, odd ids, long texts and deep values.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Intent, Invariant, Program } from "../../../src/index.ts"

export const markup = `<img src=x onerror="document.title='hurt'"></script><script>document.title='hurt'</script>`
/** Turns the direction of what follows, and has characters that cannot be seen. */
export const turning = "\u202Egnirts desrever\u0000 a\u200Bb \u2066x"

/** Ids by what is odd about them. */
export const oddIds = {
  "the empty one": "",
  "a dot": ".",
  "two dots": "..",
  "a slash": "a/b//c/",
  "a percent sign": "50%",
  "a percent sign that escapes": "%2F%00",
  "a number sign": "#x#/jobs",
  "a question mark": "a?b=c&fact==d?e",
  quotes: `"'\`\\"`,
  emoji: "👩‍👩‍👧 é 漢",
  spaces: "  ",
  markup,
  "marks of direction": turning,
  "half of a pair": "\ud800",
  "another half": "a\udc00b",
  "a line break": "a\nb\tc",
  "a tilde": "~x",
  "an at sign": "@7"
} as const

export const longLength = 10_485_760

/** A list in a list, so many levels deep. */
export const deep = (levels: number): unknown => {
  let value: unknown = "the end"
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { in: value }
  return value
}

const Odd = Fact.kind("Odd", { schema: Schema.Struct({ id: Schema.String, text: Schema.String }), id: ({ id }) => id })
const Big = Fact.kind("Big", {
  schema: Schema.Struct({ id: Schema.String, value: Schema.Json }),
  id: ({ id }) => id,
  conflict: "keepLast"
})

const longId = `long-${"i".repeat(20_000)}`

/** The facts that the program begins with: `length` is that of its longest text. */
const seeds = (length: number) => [
  ...Object.values(oddIds).map((id) => Odd.of({ id, text: `${id} ${turning}` })),
  Big.of({ id: "long", value: "x".repeat(length) }),
  Big.of({ id: "deep", value: deep(240) as Schema.Json }),
  Big.of({ id: "wide", value: Array.from({ length: 20_000 }, (_, n) => n) }),
  Big.of({ id: longId, value: "a value of a long id" })
]

const Input = Schema.Struct({ length: Schema.Int, ends: Schema.Literals(["asks", "fails", "converges"]) })

/** Its agents follow every odd fact, revise the long one, report, and then ask, fail or converge. */
export const hostile = Program.make("hostile <b>\u202E", {
  input: Input,
  signals: [Intent.Decision],
  seed: ({ length }) => seeds(length),
  agents: [
    Agent.make("reads <i>", {
      each: Odd,
      writes: [Odd],
      execute: ({ id, value }, view) => {
        view.progress(`${markup} ${turning}`)
        return Effect.succeed({
          facts: value.text.startsWith("from ") ? [] : [Odd.of({ id: `from ${id}`, text: `from ${markup}` })]
        })
      }
    }),
    Agent.make("revises", {
      writes: [Big],
      execute: (view) => {
        const { length } = view.input as typeof Input.Type
        return Effect.succeed({ facts: [Big.of({ id: "long", value: "y".repeat(length) })] })
      }
    }),
    Agent.make("ends", {
      execute: (view) => {
        const { ends, length } = view.input as typeof Input.Type
        if (ends === "fails") {
          const message = `${markup}\n${turning} ${"m".repeat(length)}`
          return Effect.fail({ _tag: "Odd<b>", message })
        }
        if (ends === "converges") return Effect.succeed({})
        const data = { text: "x".repeat(length), deep: deep(200) as Schema.Json, turning }
        const question = `${markup} ${turning} ${"q".repeat(10_000)}`
        return Effect.succeed({ intents: [Intent.approval({ id: `${markup}${turning}`, question, data })] })
      }
    })
  ],
  invariants: [
    Invariant.semantic("holds <u>", ({ input }) =>
      (input as typeof Input.Type).ends === "converges" ? true : `${markup} ${turning} ${"r".repeat(10_000)}`
    )
  ],
  output: (view) => ({ deep: deep(10_000), text: "o".repeat(view.input.length), turning })
})

const Short = Fact.kind("Short", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

/** A million short facts, and a job that lives, so that the server holds them. */
export const many = Program.make("many", {
  input: Schema.Struct({ count: Schema.Int }),
  signals: [Intent.Decision],
  seed: ({ count }) => Array.from({ length: count }, (_, n) => Short.of({ n })),
  kinds: [Short],
  agents: [
    Agent.make("waits", {
      execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go on", question: "Go on?" })] })
    })
  ],
  budget: { maxFacts: 2_000_000, maxContextBytes: Infinity }
})

class Broken extends Data.TaggedError("Broken")<{ readonly id: string }> {}

const Told = Intent.kind("Told", { payload: Schema.String, record: true })

/** Tells a number of things, and has a tenth as many tasks that are discarded. */
export const noisy = Program.make("noisy", {
  input: Schema.Struct({ count: Schema.Int }),
  seed: ({ count }) => Array.from({ length: count / 10 }, (_, n) => Short.of({ n })),
  agents: [
    Agent.make("tells", {
      intents: [Told],
      execute: (view) => {
        const { count } = view.input as { readonly count: number }
        return Effect.succeed({ intents: Array.from({ length: count }, (_, n) => Told.of(`the thing ${n}`)) })
      }
    }),
    Agent.make("breaks", {
      each: Short,
      onFailure: "discard",
      execute: ({ id }) => Effect.fail(new Broken({ id }))
    })
  ],
  budget: { maxFacts: 100_000 }
})

export const hostilePrograms = [hostile, many, noisy] as const
