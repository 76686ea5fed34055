/** A job in a large context, to which each of two CPU agents adds some facts in every cycle. Workers load this module. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../converge.ts"
import { step } from "../work.ts"

/** A fact of some 200 bytes. */
const Base = Fact.kind("Base", {
  schema: Schema.Struct({ id: Schema.Int, name: Schema.String, text: Schema.String, score: Schema.Finite }),
  id: ({ id }) => String(id)
})

export const Found = Fact.kind("Found", {
  schema: Schema.Struct({ cycle: Schema.Int, by: Schema.String, place: Schema.Int, value: Schema.Int }),
  id: ({ by, cycle, place }) => `${cycle}/${by}/${place}`
})

const baseValue = (id: number) => ({
  id,
  name: `fact number ${id}`,
  text: "a text that is as long as texts in facts tend to be, which is longer than one thinks, and of no interest",
  score: id / 7
})

/** When each cycle began, on the main thread. */
export const began: Array<number> = []

const clock = Agent.make("clock", {
  accepts: () => true,
  execute: () =>
    Effect.sync(() => {
      began.push(performance.now())
      return {}
    })
})

/** Facts that each agent adds in a cycle. */
export const added = 5

const finder = <const Name extends string>(name: Name) =>
  Agent.cpu(name, {
    reads: [Base, Found],
    writes: [Found],
    execute: (view) => {
      // The new facts and one fact of the large context, as an agent with an index reads them.
      const sum = view.delta(Found).reduce((total, { value }) => (total + value.value) % 1_000_003, view.cycle)
      const base = view.get(Base, String(sum % view.size(Base)))
      const from = Option.match(base, { onNone: () => 0, onSome: ({ value }) => value.id })
      return {
        facts: Array.from({ length: added }, (_, place) =>
          Found.of({ cycle: view.cycle, by: name, place, value: step(from + place) })
        )
      }
    }
  })

export const delta = Program.make("delta", {
  module: import.meta.url,
  input: Schema.Struct({ facts: Schema.Int }),
  seed: ({ facts }) => Array.from({ length: facts }, (_, id) => Base.of(baseValue(id))),
  agents: [clock, finder("left"), finder("right")],
  budget: { maxCycles: 1_000_000 }
})
