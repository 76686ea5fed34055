/**
 * Combining rules that are not lawful, as the kit finds them: a sum, and a rule that goes by the order.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Vote = Fact.kind("Vote", { schema: Schema.Struct({ by: Schema.String }), id: ({ by }) => by })

interface Tally {
  readonly name: string
  readonly text: string
}

/** Each vote proposes a value of one fact, and `combine` makes one of two. */
const program = (combine: (a: Tally, b: Tally) => Tally) => {
  const Combined = Fact.kind("Combined", {
    schema: Schema.Struct({ name: Schema.String, text: Schema.String }),
    id: ({ name }) => name,
    conflict: combine
  })
  return Program.make("votes", {
    input: Schema.Array(Schema.String),
    seed: (names) => names.map((by) => Vote.of({ by })),
    agents: [
      Agent.make("count", {
        each: Vote,
        writes: [Combined],
        execute: ({ value: { by } }) => Effect.succeed({ facts: [Combined.of({ name: "all", text: by })] })
      })
    ]
  })
}

const votes = ["bob", "ada", "cyd"]
const confluent = (combine: (a: Tally, b: Tally) => Tally) =>
  Effect.provide(Testing.confluent(program(combine), votes), Testing.layer())

describe("a combining rule", () => {
  it.effect("passes if it is lawful", () =>
    Effect.gen(function* () {
      const { facts } = yield* confluent((a, b) => (a.text < b.text ? a : b))
      expect(facts).toBe(4)
    })
  )

  it.effect("that sums is found with its law", () =>
    Effect.gen(function* () {
      const found = yield* Effect.flip(confluent((a, b) => ({ ...a, text: a.text + b.text })))
      expect(found).toMatchObject({ _tag: "NotConfluent", what: "end", found: "InvalidEffect" })
      expect(found.message).toContain("idempotent")
    })
  )

  it.effect("that goes by the order is found with the fact and the agent", () =>
    Effect.gen(function* () {
      const found = yield* Effect.flip(confluent((a, b) => (a.text.length === b.text.length ? b : a)))
      expect(found).toMatchObject({
        what: "different",
        fact: { kind: "Combined", id: "all" },
        agent: "count",
        expected: { text: "cyd" }
      })
    })
  )
})
