/** `Testing.simulate`: what it must not take for a fault, what it says of one, and the clocks and random values of the process. */
import { getRandomValues, randomBytes, randomUUID } from "node:crypto"
import { hrtime } from "node:process"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"
import { rounds } from "../support/rounds.ts"

const Task = Fact.kind("Task", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Done = Fact.kind("Done", { schema: Schema.Struct({ id: Schema.String, by: Schema.Unknown }), id: ({ id }) => id })
const Charge = Intent.kind("Charge", { payload: Schema.Struct({ id: Schema.String }), answers: [Done] })
const Ids = Schema.Array(Schema.String)
const seed = (ids: ReadonlyArray<string>) => ids.map((id) => Task.of({ id }))
const input = ["a", "b", "c"]

const tasks = <R = never>(
  work: (id: string) => Effect.Effect<unknown, never, R>,
  options: { readonly timeout?: "1 second"; readonly memoize?: boolean } = {}
) =>
  Program.make("tasks", {
    input: Ids,
    seed,
    signals: [Task],
    agents: [
      Agent.make("work", {
        each: Task,
        writes: [Done],
        ...options,
        execute: ({ value: { id } }) => Effect.map(work(id), (by) => ({ facts: [Done.of({ id, by })] }))
      })
    ]
  })

const approvals = (timeout: "1 second" | "5 seconds" | "30 seconds") =>
  Program.make("approvals", {
    input: Ids,
    seed,
    agents: [
      Agent.make("ask", {
        each: Task,
        intents: [Charge],
        execute: ({ value: { id } }) =>
          Effect.succeed({ intents: [Intent.approval({ id, question: id, timeout }), Charge.of({ id })] })
      }),
      Agent.make("decided", {
        each: Intent.Decision,
        writes: [Done],
        execute: ({ value: { approval, approved } }) =>
          Effect.succeed({ facts: [Done.of({ id: `${approval}!`, by: approved })] })
      })
    ]
  })

const charging = Engine.handler(Charge, ({ payload: { id } }) => Effect.succeed([Done.of({ id, by: "handler" })]))

const failed = <E>(checked: Effect.Effect<Testing.Simulated, E>) =>
  Effect.flatMap(Effect.flip(checked), (error) =>
    error instanceof Testing.SimulationFailed ? Effect.succeed(error) : Effect.die(error)
  )

const seeds = rounds(50, 150)

describe("what is no fault", () => {
  it.effect.each([["1 second"], ["5 seconds"], ["30 seconds"]] as const)(
    "a decision in time stays in time, on a slow disk, with late answers and pauses: %s",
    ([timeout]) =>
      Effect.gen(function* () {
        const options = { input, handlers: [charging], seeds }
        const report = yield* Testing.simulate(approvals(timeout), options)
        expect(report).toMatchObject({ status: "converged", seeds })
        expect(report.faults["slow-writes"]).toBeGreaterThan(seeds / 15)
        expect(report.faults["late-answers"]).toBeGreaterThan(seeds / 15)
      })
  )

  it.effect("a job that fails by a signal has no fixed point to compare", () =>
    Effect.gen(function* () {
      const signals = [Task.of({ id: "z" })]
      const program = tasks((id) => (id === "z" ? Effect.die(new Error("boom")) : Effect.succeed(1)))
      const report = yield* Testing.simulate(program, { input, signals, seeds: 40 })
      expect(report).toMatchObject({ status: "failed", error: "AgentPanicked", seeds: 40 })
      const always = tasks(() => Effect.die(new Error("boom")))
      expect(yield* Testing.simulate(always, { input, signals, seeds: 40 })).toMatchObject({
        error: "AgentPanicked",
        seeds: 40
      })
    })
  )

  it.effect("a service that is missing in the plain run is missing in each: no seed is run", () =>
    Effect.gen(function* () {
      class Missing extends Context.Service<Missing, number>()("test/Missing") {}
      // The types of a program say what it needs. A module that is loaded by its name has none.
      const program = tasks(() => Missing as unknown as Effect.Effect<unknown>)
      const report = yield* Testing.simulate(program, { input, seeds: 500 })
      expect(report).toMatchObject({ status: "failed", error: "AgentPanicked", seeds: 0, lives: 0 })
      expect(report.message).toMatch(/^Service not found: test\/Missing/)
    })
  )
})

describe("options of a wrong form", () => {
  it.effect("are refused by their names, by each check", () =>
    Effect.gen(function* () {
      const fine = tasks(() => Effect.succeed(1))
      const wrong = [
        ["handlers", [1]],
        ["handlers", {}],
        ["children", [3]]
      ] as const
      for (const [option, value] of wrong) {
        const options = { [option]: value } as object
        const refused = { _tag: "InvalidOptions", option: expect.stringMatching(new RegExp(`^${option}`)) }
        expect(yield* Effect.flip(Testing.simulate(fine, { input, ...options }))).toMatchObject(refused)
        expect(yield* Effect.flip(Testing.durable(fine, input, options))).toMatchObject(refused)
        expect(yield* Effect.flip(Testing.deterministic(fine, input, options))).toMatchObject(refused)
      }
      const layer = { input, layer: "none" } as object
      expect(yield* Effect.flip(Testing.simulate(fine, { input, ...layer }))).toMatchObject({ option: "layer" })
    })
  )
})

describe("clocks and random values of the process", () => {
  it.effect.each([
    ["performance.now", () => performance.now(), "time"],
    ["performance.timeOrigin", () => performance.timeOrigin + performance.now(), "time"],
    ["process.hrtime", () => process.hrtime(), "time"],
    ["process.hrtime by name", () => String(hrtime.bigint()), "time"],
    ["process.hrtime of two times", () => process.hrtime([1, 5]), "time"],
    ["crypto.randomUUID", () => crypto.randomUUID(), "random"],
    ["randomUUID of node:crypto", () => randomUUID(), "random"],
    ["crypto.getRandomValues", () => [...crypto.getRandomValues(new Uint8Array(4))], "random"],
    ["randomBytes of node:crypto", () => randomBytes(4).toString("hex"), "random"]
  ] as const)("are virtual, so they are found, with a report of the same bytes: %s", ([, ask, of]) =>
    Effect.gen(function* () {
      const asking = tasks(() => Effect.promise(async () => ask()))
      const [first, second] = [
        yield* failed(Testing.simulate(asking, { input, seeds: [7] })),
        yield* failed(Testing.simulate(asking, { input, seeds: [7] }))
      ]
      expect(JSON.stringify(second)).toBe(JSON.stringify(first))
      expect(first.happens).toEqual([
        of === "random" ? "random numbers are others" : expect.stringMatching(/^the clock shows a time/)
      ])
      expect(first.advice).toContain(of === "random" ? "It goes by random numbers" : "It goes by the time")
    })
  )

  it.effect("that code has captured are named among the likely causes", () =>
    Effect.gen(function* () {
      const { now } = performance
      const captured = now.bind(performance)
      const found = yield* failed(
        Testing.simulate(
          tasks(() => Effect.sync(() => captured())),
          { input }
        )
      )
      expect(found.happens).toEqual([])
      expect(found.advice).toContain("a clock or a source of randomness, or by state that outlives a run")
    })
  )

  it.effect("are as they were for other code, and afterwards", () =>
    Effect.gen(function* () {
      const members = () => [
        performance.now,
        performance.timeOrigin,
        process.hrtime,
        crypto.randomUUID,
        crypto.getRandomValues,
        getRandomValues,
        randomUUID,
        randomBytes
      ]
      const before = members()
      const seen: Array<number> = []
      const watching = Effect.forever(
        Effect.andThen(
          Effect.sync(() => {
            seen.push(performance.timeOrigin + performance.now())
            expect(process.hrtime([0, 0])[0]).toBe(Number(process.hrtime.bigint() / 1_000_000_000n))
            expect(crypto.randomUUID()).not.toBe(randomUUID())
            expect(crypto.getRandomValues(new Uint8Array(8))).not.toEqual(new Uint8Array(8))
            expect(() => crypto.getRandomValues(new Float32Array(1) as never)).toThrow()
            expect(randomBytes(3).length).toBe(3)
          }),
          Effect.yieldNow
        )
      )
      const simulated = Testing.simulate(
        tasks(() => Effect.promise(() => Promise.resolve(1))),
        { input, seeds: 5 }
      )
      yield* Effect.raceFirst(simulated, watching)
      expect(seen.length).toBeGreaterThan(0)
      for (const ms of seen) expect(Math.abs(ms - Date.now())).toBeLessThan(3_600_000)
      expect(members()).toEqual(before)
    })
  )
})

describe("advice", () => {
  it.effect("does not tell an agent to memoize that does", () =>
    Effect.gen(function* () {
      let asked = 0
      const work = () => Effect.sync(() => ++asked)
      const bare = yield* Effect.flip(Testing.durable(tasks(work), input))
      expect(bare.message).toContain("an agent that cannot do so needs `memoize`")
      const kept = yield* Effect.flip(Testing.durable(tasks(work, { memoize: true }), input))
      expect(kept).toMatchObject({ _tag: "NotDurable", agent: "work" })
      expect(kept.message).toContain("an answer that was not kept yet when the process died is asked for again")
      expect(kept.message).not.toContain("needs `memoize`")
      const twice = yield* Effect.flip(Testing.deterministic(tasks(work, { memoize: true }), input))
      expect(twice.message).not.toContain("memoize")
      expect(twice.message).toContain("a clock or a source of randomness, or by state that outlives a run")
    })
  )

  it.effect("gives a timeout more time, and speaks of the handler where it is the handler's", () =>
    Effect.gen(function* () {
      const close = tasks(() => Effect.as(Effect.sleep(400), 1), { timeout: "1 second" })
      const found = yield* failed(Testing.simulate(close, { input }))
      expect(found.advice).toBe("Its timeout is too short for a machine under load: give it more time")
      const slow = Engine.handler(
        Charge,
        ({ payload: { id } }) => Effect.as(Effect.sleep(400), [Done.of({ id, by: "handler" })]),
        { timeout: "1 second" }
      )
      const handled = yield* failed(
        Testing.simulate(approvals("30 seconds"), { input: ["a"], handlers: [slow], faults: ["load"] })
      )
      expect(handled.advice).toBe("The timeout of the handler is too short for a machine under load: give it more time")
    })
  )
})
