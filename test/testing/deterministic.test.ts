/**
 * `Testing.deterministic`: each mistake by which runs of a program differ, and the agent, the fact and the cycle that it names.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Task = Fact.kind("Task", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Done = Fact.kind("Done", {
  schema: Schema.Struct({ id: Schema.String, by: Schema.Number }),
  id: ({ id }) => id
})
const Stamp = Intent.kind("Stamp", { payload: Schema.String, answers: [Done] })

/** A program whose agent does each task as `work` says. */
const program = (work: (id: string) => Effect.Effect<number>, timeout?: "1 hour") =>
  Program.make("tasks", {
    input: Schema.Array(Schema.String),
    seed: (ids) => ids.map((id) => Task.of({ id })),
    agents: [
      Agent.make("work", {
        each: Task,
        writes: [Done],
        timeout,
        execute: ({ value: { id } }) => Effect.map(work(id), (by) => ({ facts: [Done.of({ id, by })] }))
      })
    ]
  })

const input = ["a", "b", "c"]

/** Where the first difference is. The first task of the first cycle differs, if all do. */
const atTaskA = {
  _tag: "NotDeterministic",
  program: "tasks",
  what: "cycle",
  agent: "work",
  each: { kind: "Task", id: "a" },
  fact: { kind: "Done", id: "a" },
  cycle: 1
}

describe("Testing.deterministic", () => {
  it.effect("passes a program that goes by its input, with handlers of its intents", () =>
    Effect.gen(function* () {
      const stamped = Program.make("stamped", {
        input: Schema.Array(Schema.String),
        seed: (ids) => ids.map((id) => Task.of({ id })),
        agents: [
          Agent.make("ask", {
            each: Task,
            intents: [Stamp],
            execute: ({ value: { id } }) => Effect.succeed({ intents: [Stamp.of(id)] })
          })
        ]
      })
      const handlers = [
        Engine.handler(Stamp, ({ payload }) => Effect.succeed([Done.of({ id: payload, by: payload.length })]))
      ]
      const { runs, status } = yield* Testing.deterministic(stamped, input, { handlers, orders: 2 })
      expect({ runs, status }).toEqual({
        runs: ["alike", "another day", "another order", "another order"],
        status: "converged"
      })
    })
  )

  it.effect("finds a clock that an agent reads", () =>
    Effect.gen(function* () {
      const found = yield* Effect.flip(
        Testing.deterministic(
          program(() => Effect.sync(() => Date.now())),
          input
        )
      )
      expect(found).toMatchObject({ ...atTaskA, way: "alike" })
      expect(found.message).toContain(`agent "work" on Task/a gives two things, in Done/a in cycle 1. The same run`)
    })
  )

  it.effect("finds an agent that goes by the day of Effect's Clock", () =>
    Effect.gen(function* () {
      const day = Effect.map(Clock.currentTimeMillis, (ms) => Math.floor(ms / 86_400_000))
      const found = yield* Effect.flip(
        Testing.deterministic(
          program(() => day),
          input
        )
      )
      expect(found).toMatchObject({ ...atTaskA, way: "another day" })
    })
  )

  it.effect("finds Math.random", () =>
    Effect.gen(function* () {
      const random = Effect.sync(() => Math.random())
      const found = yield* Effect.flip(
        Testing.deterministic(
          program((id) => (id === "b" ? random : Effect.succeed(0))),
          input
        )
      )
      expect(found).toMatchObject({ ...atTaskA, way: "alike", each: { id: "b" }, fact: { id: "b" } })
    })
  )

  it.effect("finds state that outlives a run", () =>
    Effect.gen(function* () {
      let count = 0
      const found = yield* Effect.flip(
        Testing.deterministic(
          program(() => Effect.sync(() => ++count)),
          input
        )
      )
      expect(found).toMatchObject({
        ...atTaskA,
        way: "alike",
        expected: { facts: [{ value: { by: 1 } }] },
        found: { facts: [{ value: { by: 4 } }] }
      })
    })
  )

  it.effect("finds an effect that depends on the order in which tasks end", () =>
    Effect.gen(function* () {
      // The tasks of a run race for the places. The third begins anew.
      let place = 0
      const racing = program(() => Effect.sync(() => place++ % 3))
      const found = yield* Effect.flip(Testing.deterministic(racing, input, { orders: 20 }))
      expect(found).toMatchObject({ _tag: "NotDeterministic", way: "another order", agent: "work", cycle: 1 })
      expect(found.message).toContain("the order in which tasks end")
    })
  )

  it.live("finds a timeout that is too short under load", () =>
    Effect.gen(function* () {
      const slow = program(() => Effect.as(Effect.yieldNow.pipe(Effect.repeat({ times: 2_000 })), 1), "1 hour")
      const report = yield* Testing.deterministic(slow, ["a"], { orders: 0, load: 10 })
      expect(report.runs).toEqual(["alike", "another day", "under load"])
      const found = yield* Effect.flip(Testing.deterministic(slow, ["a"], { orders: 0, load: 1e9 }))
      expect(found).toMatchObject({ way: "under load", agent: "work", each: { id: "a" }, cycle: 1 })
      expect(found.message).toContain("timeout is too short")
    })
  )
})
