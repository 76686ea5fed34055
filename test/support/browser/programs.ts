/** Programs for the tests of the console: each is what somebody opens it for. Workers import this module. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Intent, Program } from "../../../src/index.ts"
import { mayDo } from "./held.ts"

const Door = Fact.kind("Door", {
  schema: Schema.Struct({ name: Schema.String, state: Schema.String }),
  id: ({ name }) => name,
  conflict: "keepLast"
})

const turns = (name: string, from: string, to: string) =>
  Agent.make(name, {
    each: Door,
    writes: [Door],
    execute: ({ value }) => Effect.succeed({ facts: value.state === from ? [Door.of({ ...value, state: to })] : [] })
  })

/** Two agents that undo each other's work. */
export const oscillates = Program.make("oscillates", {
  input: Schema.Struct({}),
  seed: () => [Door.of({ name: "front", state: "open" }), Door.of({ name: "back", state: "stays" })],
  agents: [turns("closer", "open", "shut"), turns("opener", "shut", "open")],
  budget: { maxCycles: 60 }
})

const Page = Fact.kind("Page", {
  schema: Schema.Struct({ url: Schema.String, depth: Schema.Int }),
  id: ({ url }) => url
})

/** Fails on one of its pages. */
export const crawls = Program.make("crawls", {
  input: Schema.Struct({}),
  seed: () => [Page.of({ url: "https://example.com/", depth: 0 })],
  agents: [
    Agent.make("fetch", {
      each: Page,
      writes: [Page],
      execute: ({ value: { depth, url } }) =>
        url.endsWith("/2/1")
          ? Effect.fail({ _tag: "HttpError", message: "the server answered 503", status: 503 })
          : Effect.succeed({
              facts:
                depth === 3
                  ? []
                  : [1, 2].map((n) => Page.of({ url: `${url}${depth === 0 ? "" : "/"}${n}`, depth: depth + 1 }))
            })
    })
  ]
})

const Item = Fact.kind("Item", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })

/** Quick work on all items but one, which never ends. */
export const sticks = Program.make("sticks", {
  module: import.meta.url,
  input: Schema.Struct({}),
  seed: () => ["a", "b", "stuck", "c"].map((id) => Item.of({ id })),
  agents: [
    Agent.cpu("parse", {
      each: Item,
      execute: ({ value: { id } }) => {
        if (id === "stuck") for (;;);
        return {}
      }
    })
  ]
})

const Sent = Fact.kind("Sent", { schema: Schema.Struct({ to: Schema.String }), id: ({ to }) => to })

/** Asks before it sends. */
export const sends = Program.make("sends", {
  input: Schema.Struct({}),
  signals: [Intent.Decision],
  agents: [
    Agent.make("ask", {
      execute: () =>
        Effect.succeed({
          intents: [Intent.approval({ id: "send", question: "Send the letter to Ada?", data: { to: "Ada", pages: 3 } })]
        })
    }),
    Agent.make("send", {
      each: Intent.Decision,
      writes: [Sent],
      execute: ({ value: { approved } }) => Effect.succeed({ facts: approved ? [Sent.of({ to: "Ada" })] : [] })
    })
  ]
})

const Said = Fact.kind("Said", {
  schema: Schema.Struct({ text: Schema.String }),
  id: ({ text }) => text.slice(0, 80)
})

/** Ids and texts that a page must show without harm. */
export const hostileTexts = [
  `<img src=x onerror="document.title='hurt'">`,
  "</script><script>document.title='hurt'</script>",
  "\u202Egnirts desrever",
  "..",
  ".",
  "a/b?c#d%zz",
  "   ",
  "\u0000 nul",
  "x".repeat(100_000),
  "",
  "\ud800",
  "a\udc00b"
]

export const speaks = Program.make("speaks", {
  input: Schema.Struct({}),
  seed: () => hostileTexts.map((text) => Said.of({ text })),
  agents: [Agent.make("listen", { each: Said, writes: [], execute: () => Effect.succeed({}) })]
})

const Step = Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

/** Counts to a number, a cycle for each, and reports as it goes. Each number is a step at which a test can hold it. */
export const counts = Program.make("counts", {
  input: Schema.Struct({ to: Schema.Int, ms: Schema.Int }),
  seed: () => [Step.of({ n: 0 })],
  agents: [
    Agent.make("count", {
      each: Step,
      writes: [Step],
      execute: ({ value: { n } }, view) =>
        Effect.gen(function* () {
          const { ms, to } = view.input as { readonly to: number; readonly ms: number }
          yield* mayDo(view.jobId, n)
          view.progress(`${n} `)
          yield* Effect.sleep(ms)
          return { facts: n < to ? [Step.of({ n: n + 1 })] : [] }
        })
    })
  ],
  output: (view) => view.size(Step)
})

const Price = Fact.kind("Price", {
  schema: Schema.Struct({ of: Schema.String, cents: Schema.Int }),
  id: (price) => price.of
})

const prices = (name: string, cents: number) =>
  Agent.make(name, {
    each: Item,
    writes: [Price],
    execute: ({ value: { id } }) => Effect.succeed({ facts: [Price.of({ of: id, cents })] })
  })

/** Two agents that do not agree. */
export const disagrees = Program.make("disagrees", {
  input: Schema.Struct({}),
  seed: () => [Item.of({ id: "pen" })],
  agents: [prices("shop", 120), prices("list", 150)]
})

const Question = Fact.kind("Question", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })

const told =
  "A cache helps where the same pages are asked for again.\n\n- Keep **whole answers**, not rows.\n- Forget them by time."

/** Two agents that write an answer word by word, as language models do. */
export const answers = Program.make("answers", {
  input: Schema.Struct({ ms: Schema.Int }),
  seed: () => [Question.of({ id: "Do we need a cache?" })],
  agents: ["drafts", "doubts"].map((name) =>
    Agent.make(name, {
      each: Question,
      execute: (_, view) =>
        Effect.gen(function* () {
          const { ms } = view.input as { readonly ms: number }
          for (const word of `${told} ${told}`.split(/(?<= )/)) {
            view.progress(word)
            yield* Effect.sleep(ms)
          }
          return {}
        })
    })
  )
})

export const programs = [oscillates, crawls, sticks, sends, speaks, counts, disagrees, answers] as const
