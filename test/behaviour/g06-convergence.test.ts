/**
 * G6: convergence is exact (C2, C3). It is decided after all tasks of the cycle have ended and with an empty mailbox, so nothing
 * can still be in flight.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Agent, Engine, Program } from "../../src/index.ts"
import {
  cell,
  Cell,
  counter,
  engine,
  entry,
  Entry,
  eventsOf,
  idle,
  makeGate,
  noInput,
  num,
  Num,
  stateOf,
  tagsOf,
  turns
} from "../support/behaviour/harness.ts"

describe("how many cycles a fixed point takes", () => {
  it.effect("a job without agents converges in one cycle", () =>
    Effect.gen(function* () {
      const result = yield* Engine.run(idle, {})
      expect(result).toMatchObject({ status: "converged", cycles: 1, version: 0 })
      expect(result.usage).toMatchObject({ cycles: 1, facts: 0, agents: 0, tokens: 0, contextBytes: 0 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("an agent that adds one fact once converges in two", () =>
    Effect.gen(function* () {
      const once = Agent.make("once", { writes: [Num], execute: () => Effect.succeed({ facts: [num(1)] }) })
      const program = Program.make("once", { input: noInput, agents: [once], output: (view) => view.size(Num) })
      const result = yield* Engine.run(program, {})
      expect(result).toMatchObject({ status: "converged", cycles: 2, version: 1, output: 1 })
      expect(result.usage).toMatchObject({ cycles: 2, facts: 1, agents: 1 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a chain of n facts takes n cycles, one that finds nothing new to add, and one that finds nothing", () =>
    Effect.gen(function* () {
      const result = yield* Engine.run(counter(10), {})
      expect(result).toMatchObject({ status: "converged", cycles: 12, output: 11 })
      expect(result.usage.agents).toBe(11)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a cycle that adds nothing is no convergence while an agent is still eligible", () =>
    Effect.gen(function* () {
      let asked = 0
      // Eligible in every cycle while `accepts` holds, and adds something only in the fifth.
      const slow = Agent.make("slow", {
        writes: [Num],
        reads: [],
        accepts: () => asked++ < 5,
        execute: (view) => Effect.succeed({ facts: view.cycle === 5 ? [num(1)] : [] })
      })
      const result = yield* Engine.run(Program.make("slow", { input: noInput, agents: [slow] }), {})
      expect(result.context.size(Num)).toBe(1)
      expect(result.cycles).toBe(6)
      expect(result.usage.agents).toBe(5)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("the turn that converges leaves no event but the end, and the hash of the cycle before", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(counter(1), {})
      const result = yield* job.result
      const events = yield* eventsOf(job)
      expect(tagsOf(events).filter((tag) => tag === "CycleStarted")).toHaveLength(result.cycles - 1)
      expect(events.at(-1)).toMatchObject({ _tag: "JobHalted", status: "converged", cycle: 2, hash: result.hash })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("going on to the next tier costs no cycle", () =>
    Effect.gen(function* () {
      const first = Agent.make("first", {
        each: Num,
        writes: [Entry],
        execute: () => Effect.succeed({ facts: [entry("a")] })
      })
      const second = Agent.make("second", {
        each: Entry,
        writes: [Cell],
        execute: () => Effect.succeed({ facts: [cell("b", "b")] })
      })
      const third = Agent.make("third", { each: Cell, execute: () => Effect.succeed({}) })
      const program = Program.make("tiers", {
        input: noInput,
        agents: [third, second, first],
        tiers: [["first"], ["second"], ["third"]],
        seed: () => [num(1)]
      })
      const job = yield* Engine.start(program, {})
      const result = yield* job.result
      expect(result.cycles).toBe(4)
      const order = (yield* eventsOf(job)).filter(({ _tag }) => _tag === "CycleStarted" || _tag === "TierConverged")
      expect(order).toMatchObject([
        { _tag: "CycleStarted", tier: 0, agents: ["first"] },
        { _tag: "TierConverged", tier: 0 },
        { _tag: "CycleStarted", tier: 1, agents: ["second"] },
        { _tag: "TierConverged", tier: 1 },
        { _tag: "CycleStarted", tier: 2, agents: ["third"] },
        { _tag: "TierConverged", tier: 2 }
      ])
    }).pipe(Effect.provide(engine()))
  )
})

describe("nothing is in flight at convergence", () => {
  it.effect("a task that takes its time holds convergence up, and its facts are in the result", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const late = Agent.make("late", { writes: [Num], execute: () => Effect.as(gate.arrive, { facts: [num(7)] }) })
      const quick = Agent.make("quick", { writes: [Entry], execute: () => Effect.succeed({ facts: [entry("q")] }) })
      const program = Program.make("late", { input: noInput, agents: [quick, late], output: (view) => view.size(Num) })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      yield* turns(50)
      expect(stateOf(job)).toBe("running.executing")
      expect((yield* job.status).version).toBe(0)
      yield* gate.open
      expect((yield* job.result).output).toBe(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a signal that came while the last tasks ran is merged before the job can converge", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const job = yield* Engine.start(counter(0, { before: () => gate.arrive }), {})
      yield* gate.arrived
      const signalled = yield* Effect.forkChild(job.signal([num(100)]), { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(signalled)
      const result = yield* job.result
      expect(result.output).toBe(2)
      // The signal's fact made the agent run once more: it is seen by everybody, like any other.
      expect(result.usage.agents).toBe(2)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("the output sees everything, and is made once", () =>
    Effect.gen(function* () {
      let made = 0
      const program = Program.make("output", {
        input: noInput,
        agents: [Agent.make("one", { writes: [Num], execute: () => Effect.succeed({ facts: [num(1), num(2)] }) })],
        output: (view) => {
          made++
          return view.all(Num).map(({ value }) => value.n)
        }
      })
      const result = yield* Engine.run(program, {})
      expect(result.output).toEqual([1, 2])
      expect(made).toBe(1)
    }).pipe(Effect.provide(engine()))
  )
})
