/** Jobs that somebody looks at: one that adds facts, cycle by cycle, and one whose facts change in each cycle. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../converge.ts"
import { spin } from "../work.ts"

const Tick = Fact.kind("Tick", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Item = Fact.kind("Item", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: ({ id }) => id
})
const Lane = Fact.kind("Lane", {
  schema: Schema.Struct({ lane: Schema.Int, n: Schema.Int }),
  id: ({ lane }) => String(lane),
  conflict: "keepLast"
})

/** When the first cycle that counts began, on the main thread. */
export const began = { at: 0 }

/**
 * `holdMs`: milliseconds before the first fact, in which a viewer comes. `facts`: those of a cycle. `steps`: the work of an agent in
 * each cycle.
 */
const growing = Schema.Struct({ cycles: Schema.Int, facts: Schema.Int, holdMs: Schema.Int, steps: Schema.Int })

/** The input of `grows`. */
export type Growing = typeof growing.Type

/** Each cycle but the last adds a tick and some items: `facts` in all. */
export const grows = Program.make("grows", {
  module: import.meta.url,
  input: growing,
  seed: () => [Tick.of({ n: 0 })],
  agents: [
    Agent.make("grow", {
      each: Tick,
      writes: [Tick, Item],
      execute: ({ value: { n } }, view) => {
        const { cycles, facts, holdMs, steps } = view.input as Growing
        const effect = Effect.sync(() => {
          if (n === 0) began.at = performance.now()
          if (n === cycles) return {}
          const worked = steps === 0 ? n : spin(steps, n)
          const items = Array.from({ length: facts - 1 }, (_, i) =>
            Item.of({ id: `${n}-${i}`, text: `item ${i} of cycle ${n}, ${worked}` })
          )
          return { facts: [Tick.of({ n: n + 1 }), ...items] }
        })
        return n > 0 || holdMs === 0 ? effect : Effect.andThen(Effect.sleep(holdMs), effect)
      }
    })
  ],
  budget: { maxCycles: 20_000, maxFacts: 2_000_000, maxDuration: "1 hour" },
  output: (view) => [view.size(Tick), view.size(Item)]
})

/** `lanes`: the facts. `ms`: milliseconds that each cycle takes. */
const turning = Schema.Struct({ cycles: Schema.Int, lanes: Schema.Int, ms: Schema.Finite })

/** The input of `turns`. */
export type Turning = typeof turning.Type

/** Each cycle changes every lane: an event for each. */
export const turns = Program.make("turns", {
  module: import.meta.url,
  input: turning,
  seed: ({ lanes }) => Array.from({ length: lanes }, (_, lane) => Lane.of({ lane, n: 0 })),
  agents: [
    Agent.make("turn", {
      each: Lane,
      writes: [Lane],
      execute: ({ value: { lane, n } }, view) => {
        const { cycles, ms } = view.input as Turning
        const effect = { facts: n < cycles ? [Lane.of({ lane, n: n + 1 })] : [] }
        return lane === 0 && ms > 0 ? Effect.as(Effect.sleep(ms), effect) : Effect.succeed(effect)
      }
    })
  ],
  budget: { maxCycles: 1_000_000, maxFacts: 1_000_000, maxDuration: "1 hour" }
})
