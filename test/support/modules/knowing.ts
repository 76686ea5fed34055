/** A program whose agents say what they know of their job: on a thread, on the main thread, and in a fiber. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Input = Schema.Struct({ depth: Schema.Int, since: Schema.DateTimeUtc })

const Said = Fact.kind("Said", {
  schema: Schema.Struct({
    by: Schema.String,
    depth: Schema.Int,
    year: Schema.Int,
    isFrozen: Schema.Boolean,
    job: Schema.String
  }),
  id: ({ by }) => by
})

const says = (by: string, { input, jobId: job }: { readonly input: unknown; readonly jobId: string }) => {
  const { depth, since } = input as typeof Input.Type
  return {
    facts: [Said.of({ by, depth, year: DateTime.getPartUtc(since, "year"), isFrozen: Object.isFrozen(input), job })]
  }
}

export const knowing = Program.make("knowing", {
  module: import.meta.url,
  input: Input,
  agents: [
    Agent.make("fiber", { writes: [Said], execute: (view) => Effect.sync(() => says("fiber", view)) }),
    Agent.cpu("thread", { writes: [Said], execute: (view) => says("thread", view) }),
    Agent.cpu("inline", { writes: [Said], placement: "inline", execute: (view) => says("inline", view) }),
    // In a later cycle, on a thread that has the job already.
    Agent.cpu("again", {
      reads: [Said],
      writes: [Said],
      accepts: (view) => view.cycle === 2,
      execute: (view) => says("again", view)
    })
  ],
  // The type of the input is known here.
  output: (view) => ({ depth: view.input.depth, said: view.all(Said).map(({ value }) => value) })
})
