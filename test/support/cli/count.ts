/** Programs for the tests of the command line: jobs that converge, one for each way to end, on fibers and threads. */
import { Agent, Fact, Invariant, Program } from "../../../src/index.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Number = Fact.kind("Number", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => `n/${n}` })
const Square = Fact.kind("Square", {
  schema: Schema.Struct({ of: Schema.Int, n: Schema.Int }),
  id: ({ of }) => String(of)
})

const input = Schema.Struct({
  upTo: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(5)))
})

const count = (upTo: number) =>
  Agent.make("count", {
    each: Number,
    writes: [Number],
    execute: (fact) =>
      Effect.succeed({
        facts: fact.value.n < upTo ? [Number.of({ n: fact.value.n + 1 })] : [],
        trace: { from: fact.value.n }
      })
  })

const square = Agent.cpu("square", {
  each: Number,
  writes: [Square],
  execute: (fact) => ({ facts: [Square.of({ of: fact.value.n, n: fact.value.n * fact.value.n })] })
})

/** Counts to 5, and squares all numbers in a second tier, on threads. */
export const squares = Program.make("squares", {
  module: import.meta.url,
  input,
  seed: () => [Number.of({ n: 1 })],
  agents: [count(5), square],
  tiers: [["count"], ["square"]],
  output: (view) => ({ sum: view.all(Square).reduce((sum, { value }) => sum + value.n, 0) })
})

/** Counts to the input's `upTo`. */
const counter = (name: string, budget: number) =>
  Program.make(name, {
    input,
    seed: ({ upTo }) => [Number.of({ n: 1 - upTo })],
    agents: [count(0)],
    budget: { maxCycles: budget },
    output: (view) => view.size(Number)
  })

export const counting = counter("counting", 100_000)
export const exhausted = counter("exhausted", 3)

class Broken extends Schema.TaggedError<Broken>()("Broken", { part: Schema.String }) {}

/** Fails in its second cycle; its first cycle's facts stay. */
export const failing = Program.make("failing", {
  input,
  seed: () => [Number.of({ n: 1 })],
  agents: [
    count(3),
    Agent.make("break", {
      each: Number,
      execute: (fact) => (fact.value.n === 2 ? Effect.fail(new Broken({ part: "axle" })) : Effect.succeed({}))
    })
  ]
})

/** Discards twelve effects, and converges. */
export const discarding = Program.make("discarding", {
  input,
  seed: () => Array.from({ length: 12 }, (_, n) => Number.of({ n })),
  agents: [
    Agent.make("refuse", {
      each: Number,
      onFailure: "discard",
      execute: (fact) => Effect.fail(new Broken({ part: `\u001b[31m${fact.value.n}` }))
    })
  ],
  invariants: [Invariant.acceptance("there are numbers", (view) => view.size(Number) > 0 || "there are none")]
})

/** Wishes for what nobody performs. */
export const unheard = Program.make("unheard", {
  input,
  agents: [Agent.make("tells", { execute: () => Effect.succeed({ intents: [{ kind: "Tell", payload: null }] }) })]
})

/** Has a bug, and hides it. */
export const hiding = Program.make("hiding", {
  input,
  seed: () => [Number.of({ n: 1 })],
  agents: [
    Agent.make("breaks", {
      each: Number,
      onFailure: { panic: "discard" },
      execute: () => Effect.die(new TypeError("broken"))
    })
  ]
})

/** The same programs once more: a module may export one twice. */
export const all = [squares, counting]
