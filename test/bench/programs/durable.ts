/**
 * A job whose every cycle adds one small fact, the next value of a chain, and as many others as its input asks for. Its
 * agent does nothing else, so the cost of a cycle is the work of the engine and its store.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../converge.ts"
import { step } from "../work.ts"

const Step = Fact.kind("Step", {
  schema: Schema.Struct({ n: Schema.Int, value: Schema.Int }),
  id: ({ n }) => String(n)
})

/** A fact of some 200 bytes. */
const Item = Fact.kind("Item", {
  schema: Schema.Struct({ n: Schema.Int, place: Schema.Int, name: Schema.String, text: Schema.String }),
  id: ({ n, place }) => `${n}/${place}`
})

/** The cycles of the job, and the other facts in each. */
const Length = Fact.kind("Length", {
  schema: Schema.Struct({ cycles: Schema.Int, items: Schema.Int }),
  id: () => "length"
})

const itemsOf = (n: number, items: number) =>
  Array.from({ length: items }, (_, place) =>
    Item.of({
      n,
      place,
      name: `item ${place} of step ${n}`,
      text: "a text that is as long as texts in facts tend to be, which is longer than one thinks, and of no interest"
    })
  )

/** Runs before each step of an agent. A process that will die in the middle of a job sets it. */
export const beforeStep: { run: (n: number) => void } = { run: () => undefined }

const chain = (name: string, wait: Effect.Effect<void> | undefined) =>
  Program.make(name, {
    input: Schema.Struct({ value: Schema.Int, cycles: Schema.Int, items: Schema.Int }),
    seed: ({ cycles, items, value }) => [Length.of({ cycles, items }), Step.of({ n: 0, value })],
    agents: [
      Agent.make("next", {
        each: Step,
        reads: [Length],
        writes: [Step, Item],
        accepts: (view) => view.size(Step) <= view.all(Length)[0]!.value.cycles,
        execute: ({ value: { n, value } }, view) => {
          const added = Effect.sync(() => {
            beforeStep.run(n + 1)
            const { items } = view.all(Length)[0]!.value
            return { facts: [Step.of({ n: n + 1, value: step(value) }), ...itemsOf(n + 1, items)] }
          })
          return wait === undefined ? added : Effect.andThen(wait, added)
        }
      })
    ],
    output: (view) => view.all(Step).at(-1)!.value.value,
    budget: { maxCycles: 1_000_000, maxFacts: 1_000_000 }
  })

export const durable = chain("durable", undefined)

/** Milliseconds. */
export const pauseMs = 10

/** The same with an agent that waits before each step, as one that asks a service does: the main thread has little to do. */
export const paced = chain("paced", Effect.sleep(pauseMs))

/** The result of plain code. */
export const durableExpected = (value: number, cycles: number): number => {
  let current = value
  for (let n = 0; n < cycles; n++) current = step(current)
  return current
}
