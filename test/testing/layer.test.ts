/**
 * `Testing.layer`: jobs on a clock of the test, and on a journal that survives the process.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"
import { lookUntil } from "../support/until.ts"
import { doubling } from "./doubling.ts"

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

  it.effect("moves its clock by days at once, and cancels a job that the store was asked to cancel", () =>
    Effect.gen(function* () {
      const job = yield* Testing.start(paying, 700, { id: "slow" })
      yield* job.until("awaiting")
      const ended = yield* Effect.forkChild(Effect.flip(job.result))
      yield* TestClock.adjust("30 days")
      expect((yield* job.status).state).toBe("awaiting")
      const store = yield* JobStore.JobStore
      yield* store.requestCancel("slow")
      yield* lookUntil(
        Effect.map(TestClock.adjust("1 second"), () => ended.pollUnsafe()),
        (exit) => exit !== undefined
      )
      expect(yield* Fiber.join(ended)).toMatchObject({ _tag: "JobCancelled" })
    }).pipe(Effect.provide(Testing.layer({ handlers: [Engine.handler(Pay, () => Effect.never)] })))
  )

  it.live("has threads and the clock of its caller, if it is asked to", () =>
    Effect.gen(function* () {
      const { hash, output } = yield* Engine.run(doubling, 3)
      const inline = yield* Effect.provide(Engine.run(doubling, 3), Testing.layer())
      expect([output, hash]).toEqual([[2, 4, 6], inline.hash])
      expect(yield* Clock.currentTimeMillis).toBeGreaterThan(1_000_000_000_000)
    }).pipe(Effect.provide(Testing.layer({ workers: 1, clock: "caller" })))
  )

  it.effect("refuses options that cannot work, by their names", () =>
    Effect.gen(function* () {
      for (const [options, message] of [
        [{ workers: -1 }, "Testing.layer: workers must be a whole number"],
        [{ clock: "fast" as "test" }, 'Testing.layer: clock must be "test" or "caller"'],
        [{ maxDepht: 3 }, "maxDepht"]
      ] as const) {
        const exit = yield* Effect.exit(Layer.build(Testing.layer(options as object)))
        expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain(message)
      }
    }).pipe(Effect.scoped)
  )
})
