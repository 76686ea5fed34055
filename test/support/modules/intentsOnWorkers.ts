/** A program whose CPU agent wishes for a child job, an approval and a mail, from a worker. */
import * as Schema from "effect/Schema"
import { Agent, Fact, Intent, Program } from "../../../src/index.ts"

const Whole = Fact.kind("Whole", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

export const half = Program.make("half", {
  input: Schema.Struct({ n: Schema.Int }),
  agents: [],
  kinds: [Whole],
  seed: ({ n }) => [Whole.of({ n: Math.trunc(n / 2) })],
  output: (view) => view.all(Whole)[0]?.value.n
})

export const asksOnWorker = Program.make("asksOnWorker", {
  module: import.meta.url,
  input: Schema.Struct({}),
  agents: [
    Agent.cpu("asks", {
      execute: () => ({
        intents: [
          Intent.child(half, { n: 9 }),
          Intent.approval({ id: "go", data: { why: ["asked", 1] }, timeout: "1 milli", onTimeout: "approve" })
        ]
      })
    })
  ],
  output: (view) => ({
    halves: view.all(Intent.ChildResult).map(({ value }) => value.output),
    decided: view.all(Intent.Decision).map(({ value }) => [value.by, value.approved])
  })
})
