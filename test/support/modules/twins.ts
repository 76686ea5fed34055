/** A module that exports two programs of the same name: a worker cannot tell which one a job means. */
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Product = Fact.kind("Product", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

const scale = (factor: number) =>
  Program.make("scale", {
    module: import.meta.url,
    input: Schema.Struct({}),
    agents: [Agent.cpu("times", { writes: [Product], execute: () => ({ facts: [Product.of({ n: factor })] }) })]
  })

export const double = scale(2)
export const triple = scale(3)
