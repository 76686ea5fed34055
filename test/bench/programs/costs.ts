/** Jobs that do as little as can be: facts, tasks or cycles, and nothing else. Workers load this module. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../converge.ts"

/** Some 100 bytes of canonical text. */
const Item = Fact.kind("Item", {
  schema: Schema.Struct({ batch: Schema.Int, place: Schema.Int, name: Schema.String, text: Schema.String }),
  id: ({ batch, place }) => `${batch}/${place}`
})

const item = (batch: number, place: number) => ({
  batch,
  place,
  name: `item ${place}`,
  text: "a text that is as long as texts in facts tend to be"
})

const Batch = Fact.kind("Batch", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

/** The facts of one task. */
export const batchSize = 1_000

/** Adds batches of facts, one batch in each cycle. */
export const facts = Program.make("facts", {
  input: Schema.Struct({ batches: Schema.Int }),
  seed: () => [Batch.of({ n: 1 })],
  agents: [
    Agent.make("add", {
      each: Batch,
      writes: [Batch, Item],
      execute: ({ value: { n } }, view) =>
        Effect.sync(() => {
          const { batches } = view.input as { readonly batches: number }
          const items = Array.from({ length: batchSize }, (_, place) => Item.of(item(n, place)))
          return { facts: n < batches ? [...items, Batch.of({ n: n + 1 })] : items }
        })
    })
  ],
  output: (view) => view.size(Item)
})

const input = Schema.Struct({ items: Schema.Int })
const seed = ({ items }: typeof input.Type) => Array.from({ length: items }, (_, n) => Item.of(item(0, n)))

/** The agents that look at each seed: so many that the seeds cost little beside the tasks. */
export const lookers = 10

const names = Array.from({ length: lookers }, (_, index) => `look-${index}`)

/** Seeds, and a task of each agent for each of them, which adds nothing. */
export const tasks = Program.make("tasks", {
  input,
  seed,
  agents: names.map((name) => Agent.make(name, { each: Item, execute: () => Effect.succeed({}) })),
  output: (view) => view.size(Item)
})

/** The same on worker threads. */
export const cpuTasks = Program.make("cpu-tasks", {
  module: import.meta.url,
  input,
  seed,
  agents: names.map((name) => Agent.cpu(name, { each: Item, execute: () => ({}) })),
  output: (view) => view.size(Item)
})

/** Cycles in which one agent runs and adds nothing. The budget ends the job. */
export const cycles = Program.make("cycles", {
  input: Schema.Struct({}),
  agents: [Agent.make("turn", { accepts: () => true, execute: () => Effect.succeed({}) })]
})
