/** The events of a job as they tell why it failed, does not end, or gave less than it should. */
import { describe, expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agent, Engine, type JobEvent, Program } from "../../src/index.ts"
import { type Diagnosis, Examination } from "../../src/outcome/diagnosis.ts"
import { cell, Cell, engine, Entry, entry, num, Num, nums } from "../support/behaviour/harness.ts"

class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}

/** Runs a program to its end, and examines its events. */
const diagnosed = (program: Program.Program.Any): Effect.Effect<Diagnosis> =>
  Effect.gen(function* () {
    // The programs of this file need no input and no services.
    const job = yield* Engine.start(program as Program.Program<"test", object, object, never, never, never>, {})
    const examination = new Examination()
    yield* Stream.runForEach(job.events, (event) => Effect.sync(() => examination.add(event)))
    return examination.result
  }).pipe(Effect.provide(engine()), Effect.orDie)

const programOf = (options: {
  readonly agents: ReadonlyArray<Agent.Agent.Any>
  readonly seed: () => ReadonlyArray<ReturnType<typeof num> | ReturnType<typeof cell>>
  readonly maxCycles?: number
}) =>
  Program.make("test", {
    input: Schema.Struct({}),
    seed: options.seed,
    agents: options.agents,
    budget: { maxCycles: options.maxCycles ?? 100 }
  })

const flipper = (name: string, from: string, to: string) =>
  Agent.make(name, {
    reads: [Cell],
    writes: [Cell],
    execute: (view) =>
      Effect.succeed({
        facts: view
          .all(Cell)
          .filter(({ value }) => value.text === from)
          .map(({ id }) => cell(id, to))
      })
  })

describe("a diagnosis", () => {
  it.effect("names the agent, the fact and the message of the failure that ended the job", () =>
    Effect.gen(function* () {
      const failing = Agent.make("failing", {
        each: Num,
        writes: [],
        execute: ({ value: { n } }) => (n < 3 ? Effect.succeed({}) : new Refused({ message: "the door is shut" }))
      })
      const found = yield* diagnosed(programOf({ agents: [failing], seed: () => nums(1, 5) }))
      expect(found.headline).toBe(
        `Agent "failing" failed on Num/5 in cycle 1: the door is shut. The same happened 3 times.`
      )
      expect(found).toMatchObject({
        status: "failed",
        failure: { agent: "failing", _tag: "AgentFailed", message: "the door is shut", count: 3, first: 1, last: 1 },
        otherFailures: 0
      })
    })
  )

  it.effect("tells of the conflict that ended the job, and not of failures that happened more often", () =>
    Effect.gen(function* () {
      const noisy = Agent.make("noisy", {
        each: Num,
        onFailure: "discard",
        execute: () => new Refused({ message: "the door is shut" })
      })
      const says = (name: string, n: number) =>
        Agent.make(name, {
          each: Num,
          writes: [Entry],
          execute: (fact) => Effect.succeed({ facts: fact.value.n === n ? [entry("clashed", name)] : [] })
        })
      const agents = [noisy, says("one", 1), says("two", 2)]
      const found = yield* diagnosed(programOf({ agents, seed: () => nums(1, 5) }))
      expect(found.failures[0]).toMatchObject({ agent: "noisy", count: 5 })
      expect(found.headline).toBe(
        `It failed in cycle 1 with MergeConflict: Entry/clashed has another value from "one".`
      )
      expect(found.failure).toMatchObject({
        agent: "two",
        _tag: "MergeConflict",
        each: { kind: "Num", id: "2" },
        message: `Entry/clashed has another value from "one"`,
        count: 1
      })
    })
  )

  it.effect("names the fact that goes to and fro, with its values and the agents between which it goes", () =>
    Effect.gen(function* () {
      const agents = [flipper("left", "a", "b"), flipper("right", "b", "a")]
      const found = yield* diagnosed(
        programOf({ agents, seed: () => [cell("door", "a"), cell("wall", "w")], maxCycles: 60 })
      )
      expect(found.headline).toBe(
        `It used up its budget of cycles: 60 of 60. Cell/door changed 50 times in the last 50 cycles, by "left" and "right".`
      )
      expect(found.cycles).toEqual({ from: 11, to: 60 })
      expect(found.changing).toHaveLength(1)
      expect(found.changing[0]).toMatchObject({ kind: "Cell", id: "door", times: 50, agents: ["left", "right"] })
      expect(found.changing[0]?.values.map(({ agent, cycle, value }) => [cycle, agent, value])).toEqual([
        [55, "left", { key: "door", text: "b" }],
        [56, "right", { key: "door", text: "a" }],
        [57, "left", { key: "door", text: "b" }],
        [58, "right", { key: "door", text: "a" }],
        [59, "left", { key: "door", text: "b" }],
        [60, "right", { key: "door", text: "a" }]
      ])
    })
  )

  it.effect("says which kind grows, and how much in each cycle", () =>
    Effect.gen(function* () {
      const growing = Agent.make("growing", {
        each: Num,
        writes: [Num],
        execute: ({ value: { n } }) => Effect.succeed({ facts: n % 10 === 0 ? [num(n + 10), num(n + 11)] : [] })
      })
      const found = yield* diagnosed(programOf({ agents: [growing], seed: () => [num(10)], maxCycles: 20 }))
      expect(found.headline).toBe(
        "It used up its budget of cycles: 20 of 20. It still grows: 40 facts of Num in the last 20 cycles."
      )
      expect(found.growth).toEqual([{ kind: "Num", facts: 40, perCycle: Array.from({ length: 20 }, () => 2) }])
    })
  )

  it.effect("says of a job that converged how many effects it went without", () =>
    Effect.gen(function* () {
      const failing = Agent.make("failing", {
        each: Num,
        writes: [],
        onFailure: "discard",
        execute: ({ value: { n } }) => (n % 2 === 0 ? Effect.succeed({}) : new Refused({ message: `odd ${n % 4}` }))
      })
      const found = yield* diagnosed(programOf({ agents: [failing], seed: () => nums(1, 9) }))
      expect(found.headline).toBe("It converged after cycle 1, without the effects of 5 tasks that failed.")
      expect(found.failures.map(({ count, message }) => [message, count])).toEqual([
        ["odd 1", 3],
        ["odd 3", 2]
      ])
    })
  )

  it.effect("holds the last cycles and a bounded number of facts, however long the log is", () =>
    Effect.sync(() => {
      const examination = new Examination()
      const fact = (id: string) => ({ kind: "Num", id, value: 1, provenance: {} as never })
      let seq = 0
      for (let cycle = 1; cycle <= 300; cycle++) {
        examination.add({ _tag: "CycleStarted", seq: ++seq, cycle, tier: 0, agents: ["a"], tasks: 1 })
        const facts = Array.from({ length: 1_000 }, (_, index) => fact(`${cycle}/${index}`))
        examination.add({ _tag: "FactsCommitted", seq: ++seq, cycle, agent: "a", facts })
      }
      const { changing, growth } = examination.result
      expect(changing).toEqual([])
      expect(growth).toEqual([{ kind: "Num", facts: 50_000, perCycle: Array.from({ length: 50 }, () => 1_000) }])
    })
  )

  it.effect("is the same whenever it was asked before", () =>
    Effect.sync(() => {
      let seed = 7
      const below = (most: number): number => (seed = (seed * 48_271) % 2_147_483_647) % most
      for (let round = 0; round < 30; round++) {
        const often = new Examination()
        const once = new Examination()
        let seq = 0
        const tell = (event: JobEvent.JobEvent): void => {
          once.add(event)
          often.add(event)
          if (below(20) === 0) expect(often.result.growth.length).toBeLessThanOrEqual(3)
        }
        for (let cycle = 1; cycle <= 130; cycle++) {
          tell({ _tag: "CycleStarted", seq: ++seq, cycle, tier: 0, agents: ["a"], tasks: 1 })
          for (let task = 0; task < below(4); task++) {
            const facts = Array.from({ length: below(300) }, () => ({
              kind: `Kind ${below(3)}`,
              id: String(below(round % 2 === 0 ? 40 : 20_000)),
              value: below(9),
              provenance: {} as never
            }))
            tell({ _tag: "FactsCommitted", seq: ++seq, cycle, agent: `agent ${below(3)}`, facts })
          }
        }
        expect(once.result).toEqual(often.result)
        expect(once.result.changing.length).toBeGreaterThan(0)
      }
    })
  )
})
