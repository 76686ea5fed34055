/** A program whose CPU agents run wherever they may: on workers, here, and where the pool finds it cheaper. Workers load it. */
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Step = Fact.kind("Step", {
  schema: Schema.Struct({ lane: Schema.Int, value: Schema.Int, by: Schema.String }),
  id: ({ by, lane }) => `${by}/${lane}`,
  conflict: "keepLast"
})

const next = (value: number): number => (value * 1_103_515_245 + 12_345) % 2_147_483_647

const stepper = (by: "auto" | "inline" | "worker") =>
  Agent.cpu(by, {
    placement: by,
    each: Step,
    writes: [Step],
    execute: ({ value: { by: of, lane, value } }, view) =>
      of !== by || view.cycle > 60
        ? {}
        : {
            facts: [Step.of({ lane, value: next(value + view.size(Step)), by })],
            evaluations: [{ fact: { kind: "Step", id: `${of}/${lane}` }, score: (value % 100) / 100, reason: by }]
          }
  })

export const placed = Program.make("placed", {
  module: import.meta.url,
  input: Schema.Struct({ lanes: Schema.Int }),
  seed: ({ lanes }) =>
    ["auto", "inline", "worker"].flatMap((by) =>
      Array.from({ length: lanes }, (_, lane) => Step.of({ lane, value: lane, by }))
    ),
  agents: [stepper("auto"), stepper("inline"), stepper("worker")],
  output: (view) => view.all(Step).map(({ id, value }) => [id, value.value])
})
