/**
 * A program with joins whose facts arrive late, are revised and are pruned, as a seed decides. Workers load it.
 *
 * Every pair leaves an evaluation, so a pair that is handled twice shows.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"
import { randomOf } from "../core/random.ts"

export const Left = Fact.kind("Left", {
  schema: Schema.Struct({ id: Schema.Int, keys: Schema.Array(Schema.Int), v: Schema.Int }),
  id: ({ id }) => `l${id}`,
  conflict: "keepLast"
})

export const Right = Fact.kind("Right", {
  schema: Schema.Struct({ id: Schema.Int, key: Schema.Int, v: Schema.Int }),
  id: ({ id }) => `r${id}`,
  conflict: "keepLast",
  retention: { latest: 12 }
})

/** Two facts that met, as they were. */
export const Met = Fact.kind("Met", {
  schema: Schema.Struct({ by: Schema.String, a: Schema.String, b: Schema.String }),
  id: ({ a, b, by }) => `${by} ${a} ${b}`
})

/** The sum of what met under a left fact: several pairs of a task propose it. */
export const Largest = Fact.kind("Largest", {
  schema: Schema.Struct({ id: Schema.String, v: Schema.Int }),
  id: ({ id }) => id,
  conflict: (a, b) => (a.v >= b.v ? a : b)
})

export const nameOf = ({ id, value }: Fact.FactOf<typeof Left> | Fact.FactOf<typeof Right>): string =>
  `${id}.${value.v}`

export const leftKeys = ({ keys }: Fact.Kind.Value<typeof Left>) => keys
export const rightKeys = ({ key }: Fact.Kind.Value<typeof Right>) => key

const met = (by: string, a: Parameters<typeof nameOf>[0], b: Parameters<typeof nameOf>[0]) => ({
  facts: [Met.of({ by, a: nameOf(a), b: nameOf(b) })],
  evaluations: [{ fact: { kind: a.kind, id: a.id }, score: 1, reason: `${by} ${nameOf(a)} ${nameOf(b)}` }]
})

/** Random facts of both kinds: some are new, some revise others. */
export const arrivals = (
  seed: number,
  turn: number,
  most = 8
): ReadonlyArray<Fact.ProposalOf<typeof Left | typeof Right>> => {
  const { below } = randomOf(seed * 1_000 + turn)
  const proposals = new Map<string, Fact.ProposalOf<typeof Left | typeof Right>>()
  for (let count = below(most); count > 0; count--) {
    const id = below(20)
    const isLeft = below(2) === 0
    const keys = Array.from({ length: below(4) }, () => below(6))
    const v = seed * 100 + turn * 10 + count
    proposals.set(`${isLeft ? "l" : "r"}${id}`, isLeft ? Left.of({ id, keys, v }) : Right.of({ id, key: below(6), v }))
  }
  return [...proposals.values()]
}

export const joined = Program.make("joined", {
  module: import.meta.url,
  input: Schema.Struct({ seed: Schema.Int, turns: Schema.Int }),
  seed: ({ seed }) => arrivals(seed, 0, 30),
  kinds: [Right],
  agents: [
    Agent.make("feeds", {
      accepts: (view) => view.cycle <= 8,
      writes: [Left, Right],
      execute: ({ all, cycle }) => {
        void all
        return Effect.succeed({ facts: arrivals(7, cycle) })
      }
    }),
    Agent.join("meets", {
      left: [Left, leftKeys],
      right: [Right, rightKeys],
      writes: [Met, Largest],
      execute: (left, right) => {
        const { evaluations, facts } = met("meets", left, right)
        return { facts: [...facts, Largest.of({ id: left.id, v: right.value.v })], evaluations }
      }
    }),
    Agent.join("twins", {
      left: [Left, ({ keys }) => keys],
      right: [Left, ({ id }) => [id % 6, (id + 1) % 6]],
      placement: "worker",
      writes: [Met],
      execute: (left, right, view) => (view.size(Left) > 0 ? met("twins", left, right) : {})
    })
  ],
  output: (view) => view.all(Met).length
})
