/**
 * `Testing.layer`: jobs on a clock of the test, and on a journal that survives the process.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, Fact, Intent, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"
import { lookUntil } from "../support/until.ts"

const Step = Fact.kind("Step", { schema: Schema.Struct({ number: Schema.Number }), id: ({ number }) => String(number) })
const Paid = Fact.kind("Paid", { schema: Schema.Struct({ by: Schema.String }), id: ({ by }) => by })
const Pay = Intent.kind("Pay", { payload: Schema.Struct({ cents: Schema.Number }), answers: [Paid] })

const counting = (executed: Ref.Ref<number>) =>
  Program.make("counting", {
    input: Schema.Number,
    seed: () => [Step.of({ number: 0 })],
    agents: [
      Agent.make("next", {
        each: Step,
        writes: [Step],
        timeout: "1 minute",
        execute: ({ value: { number } }, view) =>
          Effect.gen(function* () {
            yield* Ref.update(executed, (count) => count + 1)
            if (number === 2) yield* Effect.sleep("10 seconds")
            return { facts: number < (view.input as number) ? [Step.of({ number: number + 1 })] : [] }
          })
      })
    ],
    output: (view) => view.size(Step)
  })

const paying = Program.make("paying", {
  input: Schema.Number,
  seed: (cents) => [Step.of({ number: cents })],
  agents: [
    Agent.make("pay", {
      each: Step,
      intents: [Pay],
      execute: ({ value }) => Effect.succeed({ intents: [Pay.of({ cents: value.number })] })
    })
  ],
  output: (view) => view.all(Paid).map(({ value }) => value.by)
})

describe("Testing.layer", () => {
  it.effect("goes on after a kill from the last committed cycle, and not from the beginning", () =>
    Effect.gen(function* () {
      const executed = yield* Ref.make(0)
      const program = counting(executed)
      const job = yield* Testing.start(program, 4, { id: "count" })
      const first = yield* Effect.forkChild(Effect.exit(job.result))
      // Steps 0 and 1 have ended; step 2 waits for the clock.
      yield* lookUntil(Ref.get(executed), (count) => count === 3)
      yield* Testing.kill
      expect((yield* Fiber.join(first))._tag).toBe("Failure")
      const again = yield* Engine.resume(program, "count")
      const second = yield* Effect.forkChild(again.result)
      yield* lookUntil(Ref.get(executed), (count) => count === 4)
      yield* TestClock.adjust("10 seconds")
      const { hash, output } = yield* Fiber.join(second)
      expect({ output, executed: yield* Ref.get(executed) }).toEqual({ output: 5, executed: 6 })
      const whole = yield* Effect.forkChild(Engine.run(program, 4))
      yield* lookUntil(Ref.get(executed), (count) => count === 9)
      yield* TestClock.adjust("10 seconds")
      expect((yield* Fiber.join(whole)).hash).toBe(hash)
    }).pipe(Effect.provide(Testing.layer()))
  )

  it.effect("waits for a state of a job, and has the handlers that it is given", () =>
    Effect.gen(function* () {
      const job = yield* Testing.start(paying, 700)
      yield* job.until("awaiting")
      expect((yield* job.status).state).toBe("awaiting")
      yield* TestClock.adjust("1 hour")
      expect((yield* job.result).output).toEqual(["bank"])
    }).pipe(
      Effect.provide(
        Testing.layer({
          handlers: [Engine.handler(Pay, () => Effect.delay(Effect.succeed([Paid.of({ by: "bank" })]), "1 hour"))]
        })
      )
    )
  )
})
