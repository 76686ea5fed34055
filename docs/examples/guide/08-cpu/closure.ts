/**
 * The module of a program as a thread sees it: a module of its own, not that of the main thread.
 */
import { Agent, Fact, Program } from "effect-converge"
import * as Schema from "effect/Schema"
import process from "node:process"

/** Set by whoever starts the job: the threads do not see it. */
export const settings = { factor: 1 }

const Input = Schema.Struct({ factor: Schema.Int })

const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

const Seen = Fact.kind("Seen", {
  schema: Schema.Struct({ module: Schema.Int, input: Schema.Int, environment: Schema.NullOr(Schema.String) }),
  id: () => ""
})

const look = Agent.cpu("look", {
  each: Item,
  writes: [Seen],
  execute: (_, view) => {
    const { factor } = view.input as typeof Input.Type
    const environment = process.env["GUIDE_FACTOR"] ?? null
    return { facts: [Seen.of({ module: settings.factor, input: factor, environment })] }
  }
})

export const closure = Program.make("closure", {
  module: import.meta.url,
  input: Input,
  seed: () => [Item.of({ n: 1 })],
  agents: [look],
  output: (view) => view.all(Seen)[0]?.value
})
