/** Programs for the tests of the server: one for each way to end, one that waits, one whose CPU agent never ends. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { appendFileSync } from "node:fs"
import { Agent, Fact, Intent, Invariant, Program } from "../../../src/index.ts"

const Step = Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Note = Fact.kind("Note", {
  schema: Schema.Struct({ at: Schema.DateTimeUtc, text: Schema.String }),
  id: ({ text }) => text
})
const upTo = Schema.Struct({ to: Schema.Int })
const seed = () => [Step.of({ n: 0 })]

const next = Agent.make("next", {
  reads: [Step],
  writes: [Step, Note],
  execute: (view) => {
    const n = view.size(Step)
    return Effect.succeed({ facts: [Step.of({ n })], trace: `step ${n}` })
  }
})

/** Counts to a number; a note of every tenth. */
export const count = Program.make("count", {
  input: upTo,
  seed: ({ to }) => [Step.of({ n: 0 }), Note.of({ at: DateTime.makeUnsafe(0), text: `to/${to}` })],
  agents: [
    Agent.make("count", {
      each: Step,
      reads: [Note],
      writes: [Step],
      execute: ({ value: { n } }, view) => {
        const to = Number(view.all(Note)[0]?.value.text.slice(3))
        return Effect.succeed({ facts: n < to ? [Step.of({ n: n + 1 })] : [], trace: { from: n } })
      }
    })
  ],
  output: (view) => view.size(Step)
})

/** Commits two cycles and waits until it is told to end, by a Step of 99. */
export const waiting = Program.make("waiting", {
  input: Schema.Struct({}),
  seed,
  agents: [
    Agent.make("wait", {
      each: Step,
      writes: [Step],
      execute: ({ value: { n } }) => {
        if (n === 99) return Effect.succeed({})
        return n < 2 ? Effect.succeed({ facts: [Step.of({ n: n + 1 })] }) : Effect.as(Effect.sleep(600_000), {})
      }
    })
  ]
})

/** Takes facts from outside for as long as it is paused. */
export const signalled = Program.make("signalled", {
  input: Schema.Struct({}),
  signals: [Note],
  agents: [
    Agent.make("tick", {
      reads: [Step],
      writes: [Step],
      execute: (view) => Effect.delay(Effect.succeed({ facts: [Step.of({ n: view.size(Step) })] }), 20)
    })
  ],
  seed,
  budget: { maxCycles: 100_000 }
})

const Page = Fact.kind("Page", {
  schema: Schema.Struct({ n: Schema.Int, length: Schema.Int, text: Schema.String }),
  id: ({ n }) => String(n),
  retention: { latest: 1 }
})

/** Says something long, again and again, until it is cancelled. */
export const chatty = Program.make("chatty", {
  input: Schema.Struct({ length: Schema.Int }),
  seed: ({ length }) => [Page.of({ n: 0, length, text: "" })],
  agents: [
    Agent.make("chat", {
      each: Page,
      writes: [Page],
      execute: ({ value: { length, n } }) =>
        Effect.delay(Effect.succeed({ facts: [Page.of({ n: n + 1, length, text: `${n}`.padEnd(length, ".") })] }), 10)
    })
  ],
  budget: { maxCycles: 100_000 }
})

/** Takes anything, and makes nothing of it. */
export const takesJson = Program.make("takes-json", { input: Schema.Json, agents: [] })

/** Waits for somebody to say yes. */
export const asks = Program.make("asks", {
  input: Schema.Struct({}),
  agents: [Agent.make("ask", { execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" })] }) })]
})

/** Asks as many questions as it is told to, and fails at each with a long text. */
export const asksMany = Program.make("asks-many", {
  input: upTo,
  seed: ({ to }) => Array.from({ length: to }, (_, n) => Step.of({ n })),
  agents: [
    Agent.make("ask", {
      each: Step,
      execute: ({ id }) => Effect.succeed({ intents: [Intent.approval({ id: `q${id}` })] })
    }),
    Agent.make("stumble", { each: Step, onFailure: "discard", execute: () => Effect.fail("long ".repeat(1_000)) })
  ]
})

/** Wishes for what nobody performs. */
export const wishes = Program.make("wishes", {
  input: Schema.Struct({}),
  agents: [Agent.make("wish", { execute: () => Effect.succeed({ intents: [{ kind: "Wish", payload: null }] }) })]
})

const failing = (name: string, agent: Agent.Agent.Any, more: object = {}) =>
  Program.make(name, { input: Schema.Struct({}), seed, agents: [agent], ...more })

const each = (name: string, execute: () => Effect.Effect<object, unknown>, more: object = {}) =>
  Agent.make(name, { each: Step, writes: [Step], execute, ...more })

export const fails = failing(
  "fails",
  each("fail", () => Effect.fail({ _tag: "Quota", left: 0 }))
)
export const panics = failing(
  "panics",
  each("panic", () => Effect.die(new Error("a bug")))
)
export const late = failing(
  "late",
  each("late", () => Effect.never, { timeout: 20 })
)
export const exhausts = failing("exhausts", next, { budget: { maxCycles: 3 } })
export const misfits = failing(
  "misfits",
  each("misfit", () => Effect.succeed({ facts: [Step.of({ n: 0.5 })] }))
)
export const conflicts = Program.make("conflicts", {
  input: Schema.Struct({}),
  seed,
  agents: ["one", "two"].map((text, index) =>
    Agent.make(text, {
      each: Step,
      writes: [Note],
      execute: () => Effect.succeed({ facts: [Note.of({ at: DateTime.makeUnsafe(index), text: "same" })] })
    })
  )
})
export const violates = failing("violates", next, {
  budget: { maxCycles: 10 },
  invariants: [Invariant.structural("few", (view) => view.size(Step) < 3 || "too many", { reads: [Step] })]
})
export const outputPanics = Program.make("output-panics", {
  input: Schema.Struct({}),
  agents: [],
  output: (): number => {
    throw new Error("no output")
  }
})

const cpu = (name: string, execute: () => object, more: object = {}) =>
  Program.make(name, {
    module: import.meta.url,
    input: Schema.Struct({}),
    seed,
    agents: [Agent.cpu(name, { each: Step, execute, ...more })]
  })

/** A fiber agent that does not let go when it is interrupted. */
export const clinging = failing(
  "clinging",
  each("cling", () => Effect.onInterrupt(Effect.never, () => Effect.never))
)

/** A CPU agent that never ends. */
export const stuck = cpu("stuck", () => {
  for (;;);
})
/** The same, with a deadline. */
export const spins = cpu(
  "spins",
  () => {
    for (;;);
  },
  { timeout: 100 }
)
/** A CPU agent that has nothing to say. */
export const computes = cpu("computes", () => ({}))

const Place = Fact.kind("Place", { schema: Schema.Struct({ file: Schema.String }), id: ({ file }) => file })

/** A CPU agent that never ends, and adds to a file for as long as its thread lives. */
export const beating = Program.make("beating", {
  module: import.meta.url,
  input: Schema.Struct({ file: Schema.String }),
  seed: ({ file }) => [Place.of({ file })],
  agents: [
    Agent.cpu("beat", {
      each: Place,
      execute: ({ value: { file } }) => {
        for (;;) appendFileSync(file, ".")
      }
    })
  ]
})

export const crashes = cpu("crashes", () => process.exit(7))
export const grows = cpu(
  "grows",
  () => {
    const held: Array<Array<number>> = []
    for (;;) held.push(Array.from({ length: 10_000 }, (_, n) => n))
  },
  {}
)

export const inline = [
  count,
  waiting,
  signalled,
  fails,
  panics,
  late,
  exhausts,
  misfits,
  conflicts,
  violates,
  outputPanics
] as const
