/**
 * A program of which retention prunes much: facts that a later tier reads, facts that an intent waits on, and facts that nobody
 * needs any more. A CPU agent says in each cycle which facts there are. Workers load it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Program } from "../../../src/index.ts"

const Whole = Schema.Struct({ n: Schema.Int })
const id = ({ n }: { readonly n: number }): string => String(n)

export const Tick = Fact.kind("Tick", { schema: Whole, id })
export const Raw = Fact.kind("Raw", { schema: Whole, id, retention: { latest: 2 }, conflict: "keepLast" })
export const Late = Fact.kind("Late", { schema: Whole, id, retention: { latest: 2 } })
export const Done = Fact.kind("Done", { schema: Whole, id })
export const Seen = Fact.kind("Seen", {
  schema: Schema.Struct({ cycle: Schema.Int, ids: Schema.Array(Schema.String) }),
  id: ({ cycle }) => String(cycle)
})

const feed = Agent.make("feed", {
  each: Tick,
  writes: [Tick, Raw, Late],
  execute: ({ value: { n } }) =>
    Effect.succeed({
      facts: [
        ...(n < 5 ? [Tick.of({ n: n + 1 })] : []),
        ...[0, 1, 2].map((i) => Raw.of({ n: 3 * n + i })),
        ...[0, 1, 2].map((i) => Late.of({ n: 3 * n + i }))
      ]
    })
})

/** About every fourth fact it asks: about the first a person, about the others a handler. */
const ask = Agent.make("ask", {
  each: Raw,
  execute: ({ id, value: { n } }) => {
    if (n % 4 !== 0) return Effect.succeed({})
    return Effect.succeed({ intents: [n === 0 ? Intent.approval({ id }) : { kind: "Check", payload: { n } }] })
  }
})

const see = Agent.cpu("see", {
  each: Tick,
  reads: [Raw],
  writes: [Seen],
  execute: (_, view) => ({ facts: [Seen.of({ cycle: view.cycle, ids: view.all(Raw).map((fact) => fact.id) })] })
})

const last = Agent.make("last", {
  each: Late,
  writes: [Done],
  execute: ({ value }) => Effect.succeed({ facts: [Done.of(value)] })
})

export const retaining = Program.make("retaining", {
  module: import.meta.url,
  input: Schema.Struct({}),
  seed: () => [Tick.of({ n: 0 })],
  agents: [feed, ask, see, last],
  tiers: [["feed", "ask", "see"], ["last"]],
  output: (view) => view.all(Seen).map(({ value }) => value.ids.join(" "))
})

/** Answers each check with nothing. */
export const checks = Engine.handler("Check", () => Effect.void)
