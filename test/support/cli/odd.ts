/** Modules and programs that are unusual: a layer that fails, an output that is no JSON, output from a thread. */
import { Agent, Fact, Program } from "../../../src/index.ts"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { nested } from "../nested.ts"

const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const base = { input: Schema.Struct({}), seed: () => [Item.of({ n: 1 })] }

export const layer =
  process.env["TEST_LAYER"] === "fails" ? Layer.effectDiscard(Effect.die(new Error("no database"))) : Layer.empty

export const circular = Program.make("circular", {
  ...base,
  agents: [],
  kinds: [Item],
  output: () => {
    const self: Record<string, unknown> = {}
    self["self"] = self
    return self
  }
})

/** Its output, and what its agent reports, are nested deeper than a stack is. */
export const deep = Program.make("deep", {
  input: Schema.Json,
  agents: [
    Agent.make("reports", {
      execute: (view) => {
        view.progress(nested(20_000))
        return Effect.succeed({})
      }
    })
  ],
  output: () => nested(100_000)
})

/** Its threads write to standard output. */
export const talking = Program.make("talking", {
  ...base,
  module: import.meta.url,
  agents: [
    Agent.cpu("talk", {
      each: Item,
      execute: () => {
        console.log("written to standard output by a thread")
        return {}
      }
    })
  ],
  output: () => 10n
})
