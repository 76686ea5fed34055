/**
 * A job of many small steps: each begins with what the one before it made.
 */
import { Agent, Fact, Program } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Step = Fact.kind("Step", {
  schema: Schema.Struct({ number: Schema.Int, value: Schema.Int }),
  id: ({ number }) => String(number)
})

const Input = Schema.Struct({ steps: Schema.Int })

const work = Agent.make("work", {
  each: Step,
  writes: [Step],
  execute: ({ value: { number, value } }, view) =>
    Effect.gen(function* () {
      const { steps } = view.input as typeof Input.Type
      if (number === steps) return {}
      yield* Console.log(`works on step ${number + 1}`)
      yield* Effect.sleep("20 millis")
      return { facts: [Step.of({ number: number + 1, value: (value * 31 + number) % 1_000_003 })] }
    })
})

export const steps = Program.make("steps", {
  input: Input,
  seed: () => [Step.of({ number: 0, value: 1 })],
  agents: [work],
  output: (view) => view.all(Step).at(-1)?.value.value
})
