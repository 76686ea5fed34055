/**
 * Jobs that know themselves (KN1 to KN4, F11): views show the input and the job's id, what agents log names job, cycle, agent and
 * fact, a state can be waited for, and an output has a schema and can be made of any context.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import { Agent, Engine, Invariant, Job, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import {
  counter,
  ended,
  engine,
  entry,
  Entry,
  failure,
  makeGate,
  noInput,
  Num,
  nums,
  stuck,
  turns,
  untilAtWork
} from "../support/behaviour/harness.ts"
import { knowing } from "../support/modules/knowing.ts"

const since = DateTime.makeUnsafe("2020-05-06T00:00:00Z")

const saidBy = (by: string, job: string) => ({ by, depth: 3, year: 2020, isFrozen: true, job })

describe("view.input and view.jobId", () => {
  const layers = {
    "on threads": WorkerPool.layer({ size: 2 }),
    "without threads": WorkerPool.layerInline
  }
  for (const [where, pool] of Object.entries(layers)) {
    it.live(`are the same to every agent ${where}, and to the output`, () =>
      Effect.gen(function* () {
        const { output } = yield* Engine.run(knowing, { depth: 3, since }, { id: "j" })
        expect(output).toEqual({
          depth: 3,
          said: ["fiber", "thread", "inline", "again"].map((by) => saidBy(by, "j"))
        })
        // Another job on the same threads.
        expect((yield* Engine.run(knowing, { depth: 5, since }, { id: "k" })).output).toMatchObject({
          depth: 5,
          said: [
            { depth: 5, job: "k" },
            { depth: 5, job: "k" },
            { depth: 5, job: "k" },
            { depth: 5, job: "k" }
          ]
        })
      }).pipe(Effect.provide(Engine.layer().pipe(Layer.provide(JobStore.layerMemory), Layer.provide(pool))))
    )
  }

  it.effect("are there again when a job is resumed, forked or read", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const input = { depth: 3, since }
      const start = { id: "j" }
      yield* failure(Effect.provide(Engine.run(knowing, input, start), engineOnStore(brokenOff(store, 1))))
      const resumed = yield* Effect.provide(Engine.run(knowing, input, start), engineOnStore(store))
      expect(resumed.output.said.map(({ job }) => job)).toEqual(["j", "j", "j", "j"])
      const read = yield* Effect.provide(Engine.run(knowing, input, start), engineOnStore(store))
      expect(read.output).toEqual(resumed.output)
      const forked = yield* Effect.provide(
        Effect.flatMap(Engine.fork(knowing, "j", { at: 0, id: "f", input: { depth: 9, since } }), (job) => job.result),
        engineOnStore(store)
      )
      expect(forked.output).toMatchObject({ depth: 9, said: [{ job: "f" }, {}, {}, { job: "f" }] })
    })
  )

  it.effect("are shown to accepts and to invariants", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const look = (view: { readonly input: unknown; readonly jobId: string }) => {
        seen.push([view.jobId, view.input])
        return true
      }
      const agent = Agent.make("looks", {
        accepts: (view) => view.cycle === 1 && look(view),
        execute: () => Effect.succeed({})
      })
      const program = Program.make("looks", {
        input: Schema.Struct({ n: Schema.Int }),
        agents: [agent],
        invariants: [Invariant.acceptance("looks", look)]
      })
      yield* Engine.run(program, { n: 1 }, { id: "j" })
      expect(seen).toEqual([
        ["j", { n: 1 }],
        ["j", { n: 1 }]
      ])
    }).pipe(Effect.provide(engine()))
  )
})

describe("what an agent logs", () => {
  it.effect("names job, program, cycle, agent and fact, beside the caller's own annotations", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ fiber, message }) => {
        lines.push([message, fiber.getRef(References.CurrentLogAnnotations)])
      })
      const agents = [
        Agent.make("each", {
          each: Num,
          execute: () => Effect.as(Effect.annotateLogs(Effect.log("a"), { own: 1 }), {})
        }),
        Agent.make("whole", { reads: [Num], execute: () => Effect.as(Effect.andThen(turns(1), Effect.log("b")), {}) })
      ]
      const program = Program.make("logs", { input: noInput, agents, seed: () => nums(7, 7) })
      yield* Engine.run(program, {}, { id: "j" }).pipe(
        Effect.annotateLogs({ tenant: "t" }),
        Effect.provide(Logger.layer([logger]))
      )
      const common = { tenant: "t", job: "j", program: "logs", cycle: 1 }
      expect(lines).toEqual([
        [["a"], { ...common, agent: "each", each: "Num/7", own: 1 }],
        [["b"], { ...common, agent: "whole" }]
      ])
    }).pipe(Effect.provide(engine()))
  )
})

describe("job.until", () => {
  it.effect("waits for a state, and succeeds at once in it", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const job = yield* Engine.start(counter(1, { before: (n) => (n === 0 ? gate.arrive : Effect.void) }), {})
      const [running, paused, converged] = yield* Effect.forEach(["running", "paused", "converged"] as const, (state) =>
        Effect.forkChild(job.until(state), { startImmediately: true })
      )
      yield* Fiber.join(running)
      yield* gate.arrived
      const pausing = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(pausing)
      yield* Fiber.join(paused!)
      yield* job.until("paused")
      expect(converged!.pollUnsafe()).toBeUndefined()
      yield* job.resume
      yield* Fiber.join(converged!)
      yield* job.until("converged")
      expect((yield* job.status).state).toBe("converged")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("fails when the job ends in another way", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(stuck().program, {})
      yield* untilAtWork(job)
      const waiting = yield* Effect.forkChild(failure(job.until("awaiting")), { startImmediately: true })
      yield* job.cancel
      expect(yield* Fiber.join(waiting)).toMatchObject({ _tag: "JobHalted", status: "cancelled" })
      expect(yield* failure(job.until("converged"))).toMatchObject({ _tag: "JobHalted", status: "cancelled" })
      yield* job.until("cancelled")
    }).pipe(Effect.provide(engine()))
  )
})

describe("an output", () => {
  it.effect("can be made of the context of a job that did not converge", () =>
    Effect.gen(function* () {
      const program = counter(9, { budget: { maxFacts: 4 } })
      const error = yield* ended(Engine.run(program, {}))
      expect(error.partial.output).toBeUndefined()
      expect(Program.output(program, error.partial.context)).toBe(4)
      const result = yield* Engine.run(counter(2), {})
      expect(Program.output(counter(2), result.context)).toBe(result.output)
      const other = Program.make("other", { input: noInput, agents: [] })
      expect(() => Program.output(other, result.context)).toThrow(
        /the context is of the program "counter", not of "other"/
      )
    }).pipe(Effect.provide(engine()))
  )

  const At = Schema.Struct({ at: Schema.DateTimeUtc, count: Schema.Int })
  const timed = (count: number) =>
    Program.make("timed", {
      input: noInput,
      agents: [],
      kinds: [Entry],
      seed: () => [entry("a")],
      output: { schema: At, from: (view) => ({ at: since, count: view.size(Entry) * count }) }
    })

  it.effect("with a schema is validated, frozen, and encoded where it is shown as JSON", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const run = (count: number) =>
        Effect.provide(Engine.run(timed(count), {}, { id: `j${count}` }), engineOnStore(store))
      const result = yield* run(1)
      expect(DateTime.isDateTime(result.output.at)).toBe(true)
      expect(Object.isFrozen(result.output)).toBe(true)
      expect(Job.toJson(result).output).toEqual({ at: "2020-05-06T00:00:00.000Z", count: 1 })
      // Read back from its journal.
      expect(Job.toJson(yield* run(1)).output).toEqual({ at: "2020-05-06T00:00:00.000Z", count: 1 })
      expect(yield* failure(run(0.5))).toMatchObject({
        _tag: "ProgramPanicked",
        phase: "output",
        message: expect.stringMatching(/^the output does not fit its schema: .*count/s) as string
      })
    })
  )

  it("that is neither a function nor a schema with one is refused", () => {
    const make = (output: unknown) => Program.make("p", { input: noInput, agents: [], output } as never)
    expect(() => make(7)).toThrow(/output must be a function, or \{schema, from\}/)
    expect(() => make({ schema: At })).toThrow(/output\.from must be a function/)
    expect(() => make({ schema: 7, from: () => 1 })).toThrow(/output: schema must be an Effect Schema/)
  })
})

class Broken extends Data.TaggedError("Broken")<{ readonly why: string }> {}

describe("the cause of AgentFailed", () => {
  it.effect("is the agent's own error", () =>
    Effect.gen(function* () {
      const own = new Broken({ why: "disk" })
      const agent = Agent.make("fails", { execute: () => own })
      const error = yield* failure(Engine.run(Program.make("fails", { input: noInput, agents: [agent] }), {}))
      expect(error.cause).toBe(own)
      expect(Object.keys(error)).not.toContain("cause")
    }).pipe(Effect.provide(engine()))
  )
})
