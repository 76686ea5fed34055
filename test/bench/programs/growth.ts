/** A job that adds the same number of facts in each cycle, for a join, an index and a fold. Workers load this module. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Fold, Program } from "../converge.ts"

/** New facts of a cycle. */
export const added = 1_000

/** Base facts that share a bucket: a look-up finds so many, whatever the size of the context. */
const inBucket = 10

/** Groups of the fold. */
const groups = 100

const Base = Fact.kind("Base", {
  schema: Schema.Struct({ key: Schema.Int, bucket: Schema.Int }),
  id: ({ key }) => String(key),
  indexes: { bucket: ({ bucket }) => bucket }
})

const New = Fact.kind("New", {
  schema: Schema.Struct({ number: Schema.Int, key: Schema.Int }),
  id: ({ number }) => String(number)
})

const Met = Fact.kind("Met", {
  schema: Schema.Struct({ number: Schema.Int, neighbours: Schema.Int }),
  id: ({ number }) => String(number)
})

export const Total = Fact.kind("Total", {
  schema: Schema.Struct({ group: Schema.Int, neighbours: Schema.Finite }),
  id: ({ group }) => String(group),
  conflict: "keepLast"
})

/** When each cycle began, on the main thread. */
export const began: Array<number> = []

/** The size of the context, and how many of its facts are met. These are spread over all of it. */
const input = Schema.Struct({ facts: Schema.Int, met: Schema.Int })

/** A base fact for each new one, far from that of the one before: the same ones in turn, whatever the size of the context. */
const keyOf = (number: number, { facts, met }: typeof input.Type): number =>
  ((number * 7_919) % met) * Math.floor(facts / met)

const sizeOf = Schema.decodeUnknownSync(input)

export const growth = Program.make("growth", {
  module: import.meta.url,
  input,
  seed: ({ facts }) => Array.from({ length: facts }, (_, key) => Base.of({ key, bucket: key % (facts / inBucket) })),
  agents: [
    Agent.make("feed", {
      // An agent that reads nothing runs in every cycle.
      writes: [New],
      accepts: () => true,
      execute: (view) =>
        Effect.sync(() => {
          began.push(performance.now())
          const size = sizeOf(view.input)
          const first = view.cycle * added
          return {
            facts: Array.from({ length: added }, (_, place) =>
              New.of({ number: first + place, key: keyOf(first + place, size) })
            )
          }
        })
    }),
    Agent.join("meet", {
      left: [New, ({ key }) => key],
      right: [Base, ({ key }) => key],
      writes: [Met],
      placement: "inline",
      execute: ({ value: { number } }, { value: { bucket } }, view) => ({
        facts: [Met.of({ number, neighbours: view.by(Base, "bucket", bucket).length })]
      })
    }),
    Agent.fold("total", {
      over: Met,
      by: ({ number }) => number % groups,
      into: Total,
      aggregate: Fold.sum(Met, ({ neighbours }) => neighbours),
      as: (group, neighbours) => ({ group, neighbours })
    })
  ],
  budget: { maxCycles: 1_000_000, maxFacts: 10_000_000 }
})

/** The sum of the totals after so many cycles: the facts of the last two cycles have not come that far. */
export const expectedTotal = (cycles: number): number => (cycles - 2) * added * inBucket
