/**
 * Programs for which somebody opens the console with a question: why it failed, why it is slow, what became of its tasks, and what
 * it spent. Workers import this module.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Agent, Fact, Intent, Invariant, Program } from "../../../src/index.ts"
import { mayDo } from "./held.ts"

const Item = Fact.kind("Item", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })

const Seat = Fact.kind("Seat", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })

const items = (...ids: ReadonlyArray<string>) => ids.map((id) => Item.of({ id }))

/** Throws, after other tasks have failed in a way that does not end it. */
export const panics = Program.make("panics", {
  input: Schema.Struct({}),
  seed: () => items("a", "b", "c", "last"),
  agents: [
    Agent.make("pull", {
      each: Item,
      onFailure: { error: "discard", panic: "halt" },
      execute: ({ value: { id } }) =>
        id === "last"
          ? Effect.andThen(Effect.sleep(20), Effect.sync(brokenParser))
          : Effect.fail({ _tag: "Refused", message: "the host refused", cause: { _tag: "Tls", code: "EXPIRED" } })
    })
  ]
})

function brokenParser(): never {
  throw new TypeError("no such field: price")
}

/** Each of its tasks fails in the same way, and the last of them ends it. */
export const fails = Program.make("fails", {
  input: Schema.Struct({}),
  seed: () => items("a", "b", "c"),
  agents: [
    Agent.make("pull", {
      each: Item,
      execute: () =>
        Effect.fail({ _tag: "Refused", message: "the host refused", cause: { _tag: "Tls", code: "EXPIRED" } })
    })
  ]
})

/** Tasks that wait for a permit of their agent, which never comes, beside others on the main thread. */
export const queues = Program.make("queues", {
  input: Schema.Struct({}),
  seed: () => items("a", "b", "c", "d"),
  agents: [
    Agent.make("upload", { each: Item, concurrency: 1, execute: () => Effect.never }),
    Agent.make("check", {
      each: Item,
      execute: ({ value: { id } }) => (id === "a" ? Effect.never : Effect.succeed({}))
    })
  ]
})

const spin = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

const isHeld = (view: { readonly input: unknown }): boolean =>
  (view.input as { readonly isHeld?: boolean }).isHeld === true

const failedOnce = new Set<string>()

/**
 * Tasks with every end that there is, and with `isHeld`, one that runs and two that wait, for as long as the job lives. A test can
 * hold the job before them.
 */
export const varied = Program.make("varied", {
  module: import.meta.url,
  input: Schema.Struct({ isHeld: Schema.Boolean }),
  agents: [
    Agent.make("open", {
      writes: [Item, Seat],
      execute: (view) => {
        const seats = ["1", "2", "3"].map((id) => Seat.of({ id }))
        const effect = { facts: [...items("first"), ...seats] }
        return Effect.andThen(mayDo(view.jobId, 1), Effect.as(Effect.sleep(5), effect))
      }
    }),
    Agent.make("plain", { each: Item, execute: () => Effect.as(Effect.sleep(15), {}) }),
    Agent.make("flaky", {
      each: Item,
      retry: Schedule.spaced("5 millis"),
      execute: (_, view) =>
        Effect.suspend(() => {
          if (failedOnce.has(view.jobId)) return Effect.as(Effect.sleep(15), {})
          failedOnce.add(view.jobId)
          return Effect.andThen(Effect.sleep(10), Effect.fail({ _tag: "Busy", message: "try again" }))
        })
    }),
    Agent.make("wrong", {
      each: Item,
      onFailure: "discard",
      execute: () => Effect.andThen(Effect.sleep(10), Effect.fail({ _tag: "Wrong", message: "it cannot be" }))
    }),
    Agent.make("late", { each: Item, timeout: "30 millis", onFailure: "discard", execute: () => Effect.never }),
    Agent.cpu("parse", {
      each: Item,
      execute: () => {
        spin(20)
        return {}
      }
    }),
    Agent.make("sit", {
      each: Seat,
      concurrency: 1,
      execute: (_, view) => (isHeld(view) ? Effect.never : Effect.as(Effect.sleep(25), {}))
    })
  ]
})

/** Short CPU tasks beside one that is stuck, and a fiber that waits for another: as a viewer finds them who comes late. */
export const stuck = Program.make("stuck", {
  module: import.meta.url,
  input: Schema.Struct({}),
  seed: () => [...items("a", "b", "c", "d", "stuck"), ...["1", "2"].map((id) => Seat.of({ id }))],
  agents: [
    Agent.cpu("parse", {
      each: Item,
      execute: ({ value: { id } }) => {
        spin(id === "stuck" ? 120_000 : 20)
        return {}
      }
    }),
    Agent.make("sit", { each: Seat, concurrency: 1, execute: () => Effect.never })
  ]
})

/** A CPU task that is ended for its timeout. */
export const overdue = Program.make("overdue", {
  module: import.meta.url,
  input: Schema.Struct({}),
  agents: [
    Agent.cpu("parse", {
      timeout: "600 millis",
      onFailure: "discard",
      execute: () => {
        spin(120_000)
        return {}
      }
    })
  ]
})

const Report = Fact.kind("Report", {
  schema: Schema.Struct({ id: Schema.String, words: Schema.Int }),
  id: ({ id }) => id
})

const Mail = Intent.kind("Mail", { payload: Schema.Struct({ to: Schema.String }), record: true })

/** Spends tokens, asks for a mail, loses a conflict, and ends with an invariant that does not hold. */
export const spends = Program.make("spends", {
  input: Schema.Struct({ topic: Schema.String }),
  seed: () => items("a", "b"),
  agents: [
    Agent.make("write", {
      each: Item,
      writes: [Report],
      intents: [Mail],
      execute: ({ value: { id } }) =>
        Effect.succeed({
          facts: [Report.of({ id, words: 120 })],
          intents: id === "a" ? [Mail.of({ to: "Ada" })] : [],
          usage: { tokens: 700 }
        })
    }),
    Agent.make("shorten", {
      each: Item,
      writes: [Report],
      onFailure: "discard",
      execute: ({ value: { id } }) =>
        Effect.succeed({ facts: id === "b" ? [Report.of({ id, words: 7 })] : [], usage: { tokens: 40 } })
    })
  ],
  invariants: [
    Invariant.semantic(
      "every report is short",
      (view) => view.all(Report).every(({ value }) => value.words < 100) || "a report has 120 words"
    ),
    Invariant.acceptance(
      "every item is told of",
      (view) => view.size(Item) === view.size(Report) || "an item is missing"
    ),
    Invariant.semantic("there is a report", (view) => view.size(Report) > 0 || "there is none")
  ],
  budget: { maxTokens: 10_000, maxCycles: 50 }
})

/** Two tasks that write at the same time, a word at a time, as a model does. Each word is a step at which a test can hold them. */
export const streams = Program.make("streams", {
  input: Schema.Struct({ words: Schema.Int }),
  seed: () => items("left", "right"),
  agents: [
    Agent.make("tell", {
      each: Item,
      execute: ({ value: { id } }, view) =>
        Effect.gen(function* () {
          const { words } = view.input as { readonly words: number }
          for (let word = 1; word <= words; word++) {
            yield* mayDo(view.jobId, word)
            view.progress(`${id}${word} `)
            yield* Effect.sleep(30)
          }
          return {}
        })
    })
  ]
})

export const programs = [panics, fails, queues, varied, stuck, spends, streams] as const

const wideKinds = Array.from({ length: 60 }, (_, place) =>
  Fact.kind(`Kind${place}`, { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
)

/** 40 agents and 60 kinds, in rows of eight. */
export const wide = Program.make("wide", {
  input: Schema.Struct({}),
  seed: () => wideKinds.slice(0, 8).map((kind) => kind.of({ id: "first" })),
  agents: Array.from({ length: 40 }, (_, place) => {
    const [each, next, aside] = [wideKinds[place]!, wideKinds[place + 8]!, wideKinds[20 + place]!]
    return Agent.make(`agent-${place}`, {
      each,
      reads: [wideKinds[Math.max(0, place - 5)]!],
      writes: [...new Set([next, aside])],
      execute: () => Effect.succeed({})
    })
  })
})

const longKinds = Array.from({ length: 250 }, (_, place) =>
  Fact.kind(`Kind${place}`, { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
)

/** 250 kinds and 252 agents: each kind is made of the one before, so that its graph has hundreds of columns. */
export const long = Program.make("long", {
  input: Schema.Struct({}),
  seed: () => items("a", "b", "c"),
  agents: [
    Agent.make("ask", { each: Item, execute: () => Effect.succeed({}) }),
    Agent.make("also", { each: Item, writes: [longKinds[0]!], execute: () => Effect.succeed({}) }),
    ...longKinds.map((kind, place) =>
      Agent.make(`agent-${place}`, {
        each: place === 0 ? Item : longKinds[place - 1]!,
        writes: [kind],
        execute: () => Effect.succeed({ facts: [kind.of({ n: 1 })] })
      })
    )
  ]
})

const kindAt = (place: number) => longKinds[place % longKinds.length]!

/** As many agents, each of which reads and writes kinds all over the program: most of its lines lead back. */
export const tangled = Program.make("tangled", {
  input: Schema.Struct({}),
  seed: () => [kindAt(0).of({ n: 0 })],
  agents: longKinds.map((each, place) =>
    Agent.make(`agent-${place}`, {
      each,
      reads: [1, 2].map((step) => kindAt(place * 7 + 83 * step)),
      writes: [...new Set([1, 2, 3].map((step) => kindAt(place * 11 + 61 * step)))],
      execute: () => Effect.succeed({})
    })
  )
})
