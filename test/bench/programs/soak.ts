/**
 * Jobs of the soak: agents that misbehave on their threads. Whether and how an agent misbehaves follows from its facts
 * alone, so the same job ends the same way on any pool. Workers load this module.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../converge.ts"
import { spin } from "../work.ts"

/** The deeds of an item's agent. The last three end its thread. */
export const deeds = ["work", "throw", "invalid", "timeout", "exit", "memory"] as const

const Item = Fact.kind("Item", {
  schema: Schema.Struct({ n: Schema.Int, deed: Schema.Literals(deeds), steps: Schema.Int, left: Schema.Int }),
  id: ({ left, n }) => `${n}/${left}`
})

/** An item of its own, since to fill a heap takes longer than any deadline that the others need. */
const Hoard = Fact.kind("Hoard", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

const Done = Fact.kind("Done", {
  schema: Schema.Struct({ n: Schema.Int, left: Schema.Int, value: Schema.Int }),
  id: ({ left, n }) => `${n}/${left}`
})

const misbehave = (deed: (typeof deeds)[number]): { readonly facts: readonly [] } => {
  switch (deed) {
    case "throw":
      throw new RangeError("an agent panics")
    case "invalid":
      return { facts: "no facts" as never }
    case "timeout":
      for (;;);
    case "exit":
      return process.exit(7)
    case "work":
    case "memory":
      return { facts: [] }
  }
}

const work = Agent.cpu("work", {
  each: Item,
  writes: [Done],
  timeout: "500 millis",
  onFailure: { timeout: "discard", panic: "discard", crash: "discard", invalid: "discard" },
  execute: ({ value: { deed, left, n, steps } }) =>
    deed === "work" ? { facts: [Done.of({ n, left, value: spin(steps, n + left) })] } : misbehave(deed)
})

const hoard = Agent.cpu("hoard", {
  each: Hoard,
  timeout: "2 minutes",
  onFailure: "discard",
  execute: () => {
    const kept: Array<unknown> = []
    for (;;) kept.push(new Array<number>(16_384).fill(kept.length + 0.5))
  }
})

/** Continues from each item that is done, until no step of it is left. */
const next = Agent.make("next", {
  each: Done,
  writes: [Item],
  execute: ({ value: { left, n, value } }) =>
    Effect.succeed({
      facts: left === 0 ? [] : [Item.of({ n, deed: "work", steps: 1_000 + (value % 20_000), left: left - 1 })]
    })
})

const sum = Agent.cpu("sum", {
  reads: [Done],
  writes: [],
  execute: (view) => ({ trace: view.all(Done).reduce((total, { value: { value } }) => (total + value) % 1_000_003, 0) })
})

const input = Schema.Struct({ items: Schema.Array(Schema.Literals(deeds)), left: Schema.Int })

export const soak = Program.make("soak", {
  module: import.meta.url,
  input,
  seed: ({ items, left }) =>
    items.map((deed, n) => (deed === "memory" ? Hoard.of({ n }) : Item.of({ n, deed, steps: 5_000, left }))),
  agents: [work, hoard, next, sum],
  output: (view) => view.size(Done)
})

export type SoakInput = typeof input.Type
