/** The program `squares` of count.ts in a later version, which gives the cube of one number. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Number = Fact.kind("Number", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => `n/${n}` })
const Square = Fact.kind("Square", {
  schema: Schema.Struct({ of: Schema.Int, n: Schema.Int }),
  id: ({ of }) => String(of)
})

export const squares = Program.make("squares", {
  module: import.meta.url,
  input: Schema.Struct({ upTo: Schema.optionalKey(Schema.Int) }),
  seed: () => [Number.of({ n: 1 })],
  agents: [
    Agent.make("count", { each: Number, writes: [Number], execute: () => Effect.die("it asks the world") }),
    Agent.cpu("square", {
      each: Number,
      writes: [Square],
      execute: ({ value: { n } }) => ({ facts: [Square.of({ of: n, n: n === 3 ? n ** 3 : n ** 2 })] })
    })
  ],
  tiers: [["count"], ["square"]]
})
