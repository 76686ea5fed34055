/** A program whose agents call themselves: one without an end, one as deep as a limit of its own. Workers load it. */
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"
import { discardAll } from "../core/lenient.ts"

const Depth = Fact.kind("Depth", {
  schema: Schema.Struct({ of: Schema.String, depth: Schema.Int }),
  id: ({ of }) => of
})

const descend = (levels: number): number => (levels === 0 ? 0 : 1 + descend(levels - 1))

export const bottomless = Program.make("bottomless", {
  module: import.meta.url,
  input: Schema.Struct({}),
  seed: () => [],
  agents: [
    Agent.cpu("endless", {
      placement: "worker",
      writes: [Depth],
      onFailure: discardAll,
      execute: () => ({ facts: [Depth.of({ of: "endless", depth: descend(-1) })] })
    }),
    Agent.cpu("limited", {
      placement: "worker",
      writes: [Depth],
      execute: () => ({ facts: [Depth.of({ of: "limited", depth: descend(500) })] })
    })
  ],
  output: (view) => view.all(Depth).map(({ value }) => value)
})
