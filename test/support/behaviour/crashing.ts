/** A program whose CPU agents crash, throw and run out of time, each as its input says. Workers load it. */
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Deed = Fact.kind("Deed", {
  schema: Schema.Struct({ what: Schema.Literals(["exit", "throw", "loop", "invalid"]) }),
  id: ({ what }) => what
})

const Done = Fact.kind("Done", { schema: Schema.Struct({ what: Schema.String }), id: ({ what }) => what })

const act = Agent.cpu("act", {
  each: Deed,
  writes: [Done],
  timeout: "1 second",
  onFailure: "discard",
  execute: ({ value: { what } }) => {
    if (what === "exit") process.exit(3)
    if (what === "throw") throw new TypeError("broken")
    if (what === "loop") for (;;);
    return { facts: [Done.of({ what: 1 as unknown as string })] }
  }
})

export const crashing = Program.make("crashing", {
  module: import.meta.url,
  input: Schema.Array(Deed.schema),
  seed: (deeds) => deeds.map(Deed.of),
  agents: [act],
  output: (view) => view.size(Done)
})
