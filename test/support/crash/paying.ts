/** A program that reserves 50 tokens for each of three calls, and pays 30; `at` runs after each step. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Budget, Fact, Program } from "../../../src/index.ts"

const Call = Fact.kind("Call", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

export const paying = (at: (step: "reserved" | "paid", n: number) => Effect.Effect<void>) =>
  Program.make("paying", {
    input: Schema.Struct({}),
    agents: [
      Agent.make("pays", {
        each: Call,
        execute: ({ value: { n } }) =>
          Effect.gen(function* () {
            yield* Budget.reserve({ tokens: 50 })
            yield* at("reserved", n)
            yield* Budget.spend({ tokens: 30 })
            yield* at("paid", n)
            return {}
          })
      })
    ],
    seed: () => [1, 2, 3].map((n) => Call.of({ n }))
  })
