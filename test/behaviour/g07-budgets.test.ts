/**
 * G7: budgets do not overshoot, and say who spent (B2 to B4). The effect that would cross one is not committed; the effects
 * before it in merge order are.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { Agent, type Budget, Engine, Invariant, Program } from "../../src/index.ts"
import {
  cell,
  Cell,
  counter,
  engine,
  entry,
  Entry,
  ended,
  eventsOf,
  makeGate,
  noInput,
  num,
  Num,
  nums,
  turns,
  untilState
} from "../support/behaviour/harness.ts"
import { discardAll } from "../support/core/lenient.ts"

/** Proposes a new fact in every cycle, for ever. */
const endless = (options: { readonly budget?: Budget.Budget; readonly tokens?: number; readonly each?: number } = {}) =>
  Program.make("endless", {
    input: noInput,
    agents: [
      Agent.make("more", {
        accepts: () => true,
        writes: [Num],
        execute: (view) =>
          Effect.sync(() => {
            const each = options.each ?? 1
            const first = (view.cycle - 1) * each
            return { facts: nums(first, first + each - 1), usage: { tokens: options.tokens ?? 0 } }
          })
      })
    ],
    budget: options.budget
  })

const exhausted = (budget: Budget.BudgetName, used: number, limit: number, spender?: string) => ({
  _tag: "BudgetExhausted",
  budget,
  used,
  limit,
  ...(spender === undefined ? {} : { spender }),
  partial: { status: "budget-exhausted", output: undefined }
})

describe("facts", () => {
  it.effect("an agent that always has a new proposal ends a budget of 99 with 99 facts", () =>
    Effect.gen(function* () {
      const error = yield* ended(Engine.run(endless({ budget: { maxFacts: 99 } }), {}))
      expect(error).toMatchObject(exhausted("facts", 99, 99, "more"))
      expect(error.partial.context.size(Num)).toBe(99)
      expect(error.partial.usage).toMatchObject({ facts: 99, cycles: 100, agents: 100 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("an effect that would cross is discarded whole, not cut", () =>
    Effect.gen(function* () {
      const error = yield* ended(Engine.run(endless({ budget: { maxFacts: 99 }, each: 10 }), {}))
      expect(error).toMatchObject(exhausted("facts", 90, 99, "more"))
      expect(error.partial.context.size(Num)).toBe(90)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("effects before the crossing one in merge order stay; it and all later ones go, small as they are", () =>
    Effect.gen(function* () {
      const adds = (name: string, from: number, to: number, delay = 0) =>
        Agent.make(name, { writes: [Num], execute: () => Effect.as(turns(delay + 1), { facts: nums(from, to) }) })
      const program = Program.make("several", {
        input: noInput,
        // The last in merge order is done first: that is no advantage.
        agents: [adds("a", 1, 3, 5), adds("b", 11, 14, 3), adds("c", 21, 21), adds("d", 31, 31)],
        seed: () => [num(0)],
        budget: { maxFacts: 6 }
      })
      const job = yield* Engine.start(program, {})
      const error = yield* ended(job.result)
      expect(error).toMatchObject(exhausted("facts", 4, 6, "b"))
      expect(error.partial.context.facts().map(({ id }) => id)).toEqual(["0", "1", "2", "3"])
      expect(error.partial.usage).toMatchObject({ agents: 4, cycles: 1 })
      expect(error.partial.diagnostics).toMatchObject(
        ["c", "d"].map((agent) => ({ agent, cause: { _tag: "BudgetExhausted", budget: "facts", spender: "b" } }))
      )
      // The row is written: the cycle is in the log.
      const events = yield* eventsOf(job)
      expect(events.filter(({ _tag }) => _tag === "CycleStarted")).toHaveLength(1)
      expect(events.filter(({ _tag }) => _tag === "TaskDiscarded")).toHaveLength(3)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a budget that is met exactly is not crossed", () =>
    Effect.gen(function* () {
      const result = yield* Engine.run(counter(9, { budget: { maxFacts: 10 } }), {})
      expect(result).toMatchObject({ status: "converged", usage: { facts: 10 } })
      const error = yield* ended(Engine.run(counter(9, { budget: { maxFacts: 9 } }), {}))
      expect(error).toMatchObject(exhausted("facts", 9, 9, "next"))
    }).pipe(Effect.provide(engine()))
  )

  it.effect("seeds count, and seeds that cross end the job before it began", () =>
    Effect.gen(function* () {
      const program = Program.make("seeds", { input: noInput, agents: [], kinds: [Num], seed: () => nums(1, 5) })
      const error = yield* ended(Engine.run(program, {}, { budget: { maxFacts: 4 } }))
      expect(error).toMatchObject({ ...exhausted("facts", 0, 4), cycle: 0 })
      expect(error.partial.context.facts()).toEqual([])
      expect((yield* Engine.run(program, {}, { budget: { maxFacts: 5 } })).usage.facts).toBe(5)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("revisions, no-ops and violations do not count", () =>
    Effect.gen(function* () {
      const revises = Agent.make("revises", {
        accepts: (view) => view.cycle <= 5,
        writes: [Cell],
        execute: (view) => Effect.succeed({ facts: [cell("k", String(view.cycle)), cell("same", "s")] })
      })
      const program = Program.make("revises", {
        input: noInput,
        agents: [revises],
        invariants: [Invariant.semantic("odd", (view) => view.cycle % 2 === 0 || `cycle ${view.cycle}`)],
        budget: { maxFacts: 2 }
      })
      const error = yield* ended(Engine.run(program, {}))
      expect(error._tag).toBe("InvariantViolated")
      expect(error.partial.usage).toMatchObject({ facts: 2, agents: 5 })
    }).pipe(Effect.provide(engine()))
  )
})

describe("cycles", () => {
  it.effect("the cycle over the limit does not begin", () =>
    Effect.gen(function* () {
      const error = yield* ended(Engine.run(endless({ budget: { maxCycles: 7 } }), {}))
      expect(error).toMatchObject(exhausted("cycles", 7, 7))
      expect(error.partial).toMatchObject({ cycles: 7, version: 7, usage: { agents: 7 } })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("the turn that converges is exempt", () =>
    Effect.gen(function* () {
      const result = yield* Engine.run(counter(4, { budget: { maxCycles: 5 } }), {})
      expect(result).toMatchObject({ status: "converged", cycles: 6 })
      const error = yield* ended(Engine.run(counter(4, { budget: { maxCycles: 4 } }), {}))
      expect(error).toMatchObject(exhausted("cycles", 4, 4))
    }).pipe(Effect.provide(engine()))
  )

  it.effect("the default is 1,000", () =>
    Effect.gen(function* () {
      expect(yield* ended(Engine.run(endless(), {}))).toMatchObject(exhausted("cycles", 1_000, 1_000))
    }).pipe(Effect.provide(engine()))
  )

  it.effect("none at all lets a job converge that has nothing to do, and no other", () =>
    Effect.gen(function* () {
      const idle = Program.make("idle", { input: noInput, agents: [], budget: { maxCycles: 0 } })
      expect(yield* Engine.run(idle, {})).toMatchObject({ status: "converged", cycles: 1 })
      expect(yield* ended(Engine.run(counter(1), {}, { budget: { maxCycles: 0 } }))).toMatchObject(
        exhausted("cycles", 0, 0)
      )
    }).pipe(Effect.provide(engine()))
  )
})

describe("agents", () => {
  it.effect("a cycle with more tasks than are left does not begin", () =>
    Effect.gen(function* () {
      let executed = 0
      const each = Agent.make("each", {
        each: Num,
        writes: [Num],
        execute: ({ value: { n } }) =>
          Effect.sync(() => (executed++, { facts: n < 8 ? [num(2 * n), num(2 * n + 1)] : [] }))
      })
      const program = Program.make("tree", {
        input: noInput,
        agents: [each],
        seed: () => [num(1)],
        budget: { maxAgents: 12 }
      })
      const error = yield* ended(Engine.run(program, {}))
      // 1 + 2 + 4, and then there would be 8 more.
      expect(error).toMatchObject(exhausted("agents", 7, 12))
      expect(executed).toBe(7)
      expect(error.partial).toMatchObject({ cycles: 3, version: 15 })
    }).pipe(Effect.provide(engine()))
  )
})

describe("tokens", () => {
  it.effect("the effect that would cross is not committed, nor are its facts", () =>
    Effect.gen(function* () {
      const error = yield* ended(Engine.run(endless({ tokens: 30, budget: { maxTokens: 100 } }), {}))
      expect(error).toMatchObject(exhausted("tokens", 90, 100, "more"))
      expect(error.partial.usage).toMatchObject({ tokens: 90, facts: 3 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("are counted without a budget, and only those of committed effects", () =>
    Effect.gen(function* () {
      const spends = Agent.make("spends", {
        writes: [Entry],
        execute: () => Effect.succeed({ facts: [entry("k", "a")], usage: { tokens: 11 } })
      })
      const loses = Agent.make("loses", {
        writes: [Entry],
        onFailure: discardAll,
        execute: () => Effect.succeed({ facts: [entry("k", "b")], usage: { tokens: 100 } })
      })
      const program = Program.make("spends", { input: noInput, agents: [spends, loses] })
      expect((yield* Engine.run(program, {})).usage.tokens).toBe(11)
    }).pipe(Effect.provide(engine()))
  )

  it.effect.each([-1, Number.NaN, Infinity, "3" as unknown as number])("%s tokens are an invalid effect", (tokens) =>
    Effect.gen(function* () {
      const spends = Agent.make("spends", { execute: () => Effect.succeed({ usage: { tokens } }) })
      const error = yield* ended(Engine.run(Program.make("spends", { input: noInput, agents: [spends] }), {}))
      expect(error).toMatchObject({ _tag: "InvalidEffect", agent: "spends" })
    }).pipe(Effect.provide(engine()))
  )
})

describe("context bytes", () => {
  it.effect("the effect that would cross is not committed", () =>
    Effect.gen(function* () {
      const result = yield* Engine.run(counter(9), {})
      const bytes = result.usage.contextBytes
      expect(bytes).toBe(10 * '{"n":0}'.length)
      const error = yield* ended(Engine.run(counter(9), {}, { budget: { maxContextBytes: bytes - 1 } }))
      expect(error).toMatchObject(exhausted("contextBytes", bytes - 7, bytes - 1, "next"))
      expect(error.partial.usage.contextBytes).toBe(bytes - 7)
      expect((yield* Engine.run(counter(9), {}, { budget: { maxContextBytes: bytes } })).status).toBe("converged")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a revision counts for the difference, and may free some", () =>
    Effect.gen(function* () {
      const revises = Agent.make("revises", {
        accepts: (view) => view.cycle <= 4,
        writes: [Cell],
        execute: (view) => Effect.succeed({ facts: [cell("k", "x".repeat([100, 10, 100, 101][view.cycle - 1]!))] })
      })
      const program = Program.make("revises", { input: noInput, agents: [revises] })
      const fits = yield* ended(Engine.run(program, {}, { budget: { maxContextBytes: 121 } }))
      expect(fits).toMatchObject(exhausted("contextBytes", 121, 121, "revises"))
      expect(fits.partial.context.find("Cell", "k")?.value).toEqual({ key: "k", text: "x".repeat(100) })
    }).pipe(Effect.provide(engine()))
  )
})

describe("duration", () => {
  it.effect("running tasks are stopped, and their cycle is discarded whole", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      let released = 0
      const quick = Agent.make("quick", { writes: [Entry], execute: () => Effect.succeed({ facts: [entry("lost")] }) })
      const slow = Agent.make("slow", {
        execute: () => Effect.onInterrupt(gate.arrive, () => Effect.sync(() => released++)) as Effect.Effect<never>
      })
      const program = Program.make("slow", {
        input: noInput,
        agents: [quick, slow],
        budget: { maxDuration: "3 seconds" }
      })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      yield* TestClock.adjust("2999 millis")
      yield* turns(3)
      expect(job.actor.getSnapshot().value).toEqual({ running: "executing" })
      yield* TestClock.adjust("1 millis")
      const error = yield* ended(job.result)
      expect(error).toMatchObject({ ...exhausted("duration", 3_000, 3_000), cycle: 0 })
      expect(error.partial).toMatchObject({ cycles: 0, version: 0, usage: { durationMs: 3_000, agents: 0 } })
      expect(released).toBe(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("what is used up between cycles stops the next one, not convergence", () =>
    Effect.gen(function* () {
      const late = (to: number) => counter(to, { before: () => TestClock.adjust("1 second") })
      const error = yield* ended(Engine.run(late(9), {}, { budget: { maxDuration: 3_500 } }))
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "duration", limit: 3_500 })
      expect(error.partial.version).toBe(4)
      const done = Agent.make("done", {
        execute: () =>
          Effect.as(
            Effect.sync(() => undefined),
            {}
          )
      })
      expect(
        (yield* Engine.run(Program.make("d", { input: noInput, agents: [done] }), {}, { budget: { maxDuration: 1 } }))
          .status
      ).toBe("converged")
    }).pipe(Effect.provide(engine()))
  )

  for (const [how, hours] of [
    ["ahead", 1],
    ["back", -1]
  ] as const) {
    it.effect(`does not go by a clock of the system, which may be set ${how} while the job runs`, () =>
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        let shiftMs = 0
        // It is a test's clock in all else.
        const settable: Clock.Clock = Object.assign({}, clock, {
          currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + shiftMs,
          currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe() + shiftMs)
        })
        const set = Effect.sync(() => (shiftMs = hours * 3_600_000))
        const program = counter(4, { before: () => Effect.andThen(TestClock.adjust("1 second"), set) })
        const running = Engine.run(program, {}, { budget: { maxDuration: "10 seconds" } })
        const { status, usage } = yield* Effect.provideService(running, Clock.Clock, settable)
        expect({ status, durationMs: usage.durationMs }).toEqual({ status: "converged", durationMs: 5_000 })
      }).pipe(Effect.provide(engine()))
    )
  }

  it.effect("does not run while the job waits for a place", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const holder = yield* Engine.start(counter(0, { before: () => gate.arrive }), {})
      const job = yield* Engine.start(counter(2), {}, { budget: { maxDuration: "1 second" } })
      yield* gate.arrived
      yield* TestClock.adjust("1 hour")
      yield* gate.open
      yield* holder.result
      expect(yield* job.result).toMatchObject({ status: "converged", usage: { durationMs: 0 } })
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )
})

describe("CPU time", () => {
  const burn = (ms: number) => {
    // The time is this thread's own: a busy machine must not make it less.
    const spent = () => process.threadCpuUsage().user / 1_000
    const end = spent() + ms
    while (spent() < end);
  }
  const burns = (count: number, ms: number, budget: Budget.Budget) =>
    Program.make("burns", {
      module: import.meta.url,
      input: noInput,
      agents: [
        Agent.cpu("burns", {
          each: Num,
          writes: [Entry],
          placement: "inline",
          execute: ({ id }) => {
            burn(ms)
            return { facts: [entry(id)] }
          }
        })
      ],
      seed: () => nums(1, count),
      budget
    })

  it.effect("the cycle that uses it up is discarded whole, and says who ran", () =>
    Effect.gen(function* () {
      const error = yield* ended(Engine.run(burns(20, 10, { maxCpuTime: "50 millis" }), {}))
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "cpuTime", limit: 50, spender: "burns" })
      if (error._tag === "BudgetExhausted") expect(error.used).toBeGreaterThan(50)
      expect(error.partial).toMatchObject({ cycles: 0, usage: { facts: 20 } })
      expect(error.partial.context.size(Entry)).toBe(0)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is counted without a budget", () =>
    Effect.gen(function* () {
      const { usage } = yield* Engine.run(burns(3, 10, {}), {})
      expect(usage.cpuMs).toBeGreaterThan(10)
      expect(usage.cpuMs).toBeLessThan(1_000)
    }).pipe(Effect.provide(engine()))
  )
})

describe("whose budget", () => {
  it.effect("options override the program's, field by field", () =>
    Effect.gen(function* () {
      const program = endless({ budget: { maxFacts: 10, maxCycles: 5 } })
      expect(yield* ended(Engine.run(program, {}))).toMatchObject(exhausted("cycles", 5, 5))
      expect(yield* ended(Engine.run(program, {}, { budget: { maxCycles: 50 } }))).toMatchObject(
        exhausted("facts", 10, 10, "more")
      )
      expect(yield* ended(Engine.run(program, {}, { budget: { maxCycles: Infinity, maxFacts: 20 } }))).toMatchObject(
        exhausted("facts", 20, 20)
      )
      expect(yield* ended(Engine.run(program, {}, { budget: { maxFacts: undefined } }))).toMatchObject(
        exhausted("cycles", 5, 5)
      )
    }).pipe(Effect.provide(engine()))
  )

  it.effect("one job's budget is not another's", () =>
    Effect.gen(function* () {
      const program = endless({ budget: { maxFacts: 30 } })
      const jobs = yield* Effect.forEach([1, 2, 3], () => Engine.start(program, {}))
      for (const job of jobs) expect(yield* ended(job.result)).toMatchObject(exhausted("facts", 30, 30, "more"))
    }).pipe(Effect.provide(engine()))
  )
})

describe("several causes in one cycle", () => {
  const adds = (
    name: string,
    options: { readonly facts?: number; readonly fails?: boolean; readonly tokens?: number }
  ) =>
    Agent.make(name, {
      writes: [Num],
      execute: () =>
        options.fails === true
          ? Effect.fail(name)
          : Effect.succeed({
              facts: nums(name.charCodeAt(0) * 100 + 1, name.charCodeAt(0) * 100 + (options.facts ?? 0)),
              usage: { tokens: options.tokens ?? 0 }
            })
    })
  const run = (...agents: ReadonlyArray<ReturnType<typeof adds>>) =>
    ended(Engine.run(Program.make("several", { input: noInput, agents, budget: { maxFacts: 5, maxTokens: 5 } }), {}))

  it.effect("the first in merge order wins", () =>
    Effect.gen(function* () {
      expect(yield* run(adds("a", { facts: 3 }), adds("b", { facts: 3 }), adds("c", { fails: true }))).toMatchObject(
        exhausted("facts", 3, 5, "b")
      )
      expect(yield* run(adds("a", { facts: 3 }), adds("b", { fails: true }), adds("c", { facts: 3 }))).toMatchObject({
        _tag: "AgentFailed",
        agent: "b",
        partial: { status: "failed", usage: { facts: 3 } }
      })
      expect(yield* run(adds("a", { tokens: 6 }), adds("b", { facts: 6 }))).toMatchObject(
        exhausted("tokens", 0, 5, "a")
      )
      expect(yield* run(adds("a", { facts: 6 }), adds("b", { tokens: 6 }))).toMatchObject(exhausted("facts", 0, 5, "a"))
    }).pipe(Effect.provide(engine()))
  )

  it.effect("after a failure that halts, later effects of its cycle still commit", () =>
    Effect.gen(function* () {
      const error = yield* run(adds("a", { fails: true }), adds("b", { facts: 2 }))
      expect(error).toMatchObject({ _tag: "AgentFailed", partial: { usage: { facts: 2, agents: 2 }, cycles: 1 } })
    }).pipe(Effect.provide(engine()))
  )
})

describe("what a job has used", () => {
  it.effect("is never over its budget, at any moment that anybody can see", () =>
    Effect.gen(function* () {
      const budget = { maxFacts: 40, maxTokens: 120, maxContextBytes: 300, maxCycles: 30 }
      const job = yield* Engine.start(endless({ budget, tokens: 3, each: 2 }), {})
      const seen: Array<Budget.Usage> = []
      const { status } = job
      job.actor.subscribe(() => Effect.runSync(Effect.map(status, ({ usage }) => seen.push(usage))))
      yield* untilState(job, "budgetExhausted")
      expect(seen.length).toBeGreaterThan(30)
      for (const usage of seen) {
        expect(usage.facts).toBeLessThanOrEqual(40)
        expect(usage.tokens).toBeLessThanOrEqual(120)
        expect(usage.contextBytes).toBeLessThanOrEqual(300)
        expect(usage.cycles).toBeLessThanOrEqual(30)
      }
    }).pipe(Effect.provide(engine()))
  )
})
