/** A long job of many small cycles, for processes that take it from each other. Loaded by workers too. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Step = Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

const Foot = Fact.kind("Foot", {
  schema: Schema.Struct({ side: Schema.Int, at: Schema.Int }),
  id: ({ side }) => String(side),
  conflict: "keepLast"
})

/** Milliseconds for a step. */
export const pace = { ms: 8 }

export const walking = Program.make("walking", {
  module: import.meta.url,
  input: Schema.Struct({}),
  seed: () => [Step.of({ n: 0 }), Foot.of({ side: 0, at: -1 })],
  agents: [
    Agent.make("walk", {
      each: Step,
      reads: [Foot],
      writes: [Step, Foot],
      execute: ({ value: { n } }, view) =>
        Effect.as(Effect.sleep(pace.ms), {
          facts: [...(n < 150 ? [Step.of({ n: n + 1 })] : []), Foot.of({ side: n % 2, at: n })],
          trace: view.all(Foot).map(({ value }) => value.at)
        })
    }),
    Agent.cpu("look", {
      each: Step,
      reads: [Foot],
      writes: [],
      execute: ({ id, value: { n } }, view) => ({
        evaluations: [{ fact: { kind: "Step", id }, score: n / 1_000, reason: `${view.size(Foot)} feet` }]
      })
    })
  ]
})
