/**
 * Money (B6 to B8): agents reserve room before they call a model, and pay for the call whatever becomes of it. No limit is
 * exceeded by what was reserved, those that wait are served in merge order, and what is paid is kept.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { Agent, type AgentEffect, Budget, Engine, Program } from "../../src/index.ts"
import {
  ended,
  engine,
  entry,
  Entry,
  eventsOf,
  failure,
  makeGate,
  noInput,
  Num,
  nums,
  turns,
  until
} from "../support/behaviour/harness.ts"

class Down extends Data.TaggedError("Down")<{ readonly cause?: unknown }> {}

/** A program of one agent with a task for each number. */
const each = (
  count: number,
  execute: (n: number) => Effect.Effect<AgentEffect.AgentEffect<typeof Entry>, Down | Budget.NoRoom>,
  options: {
    readonly budget?: Budget.Budget
    readonly retry?: Schedule.Schedule<unknown>
    readonly onFailure?: "discard"
  } = {}
) =>
  Program.make("each", {
    input: noInput,
    agents: [
      Agent.make("asks", {
        each: Num,
        writes: [Entry],
        retry: options.retry,
        onFailure: options.onFailure ?? "halt",
        execute: ({ value: { n } }) => execute(n)
      })
    ],
    seed: () => nums(1, count),
    budget: options.budget
  })

const answer = (n: number) => ({ facts: [entry(String(n))] })

/** A call that reserves and pays. */
const call = (n: number, reserved = 60, paid = reserved) =>
  Effect.gen(function* () {
    yield* Budget.reserve({ tokens: reserved })
    yield* turns(1)
    yield* Budget.spend({ tokens: paid })
    return answer(n)
  })

describe("a reservation", () => {
  it.effect("that fits is granted, and what was paid is in the usage, in all and by agent", () =>
    Effect.gen(function* () {
      const pays = (n: number) =>
        Effect.gen(function* () {
          yield* Budget.reserve({ tokens: 100, cost: 10 })
          yield* Budget.spend({ tokens: 60 + n, cost: 2 })
          return answer(n)
        })
      const result = yield* Engine.run(each(3, pays, { budget: { maxTokens: 1_000, maxCost: 100 } }), {})
      expect(result.usage).toMatchObject({ tokens: 186, cost: 6, byAgent: { asks: { tokens: 186, cost: 6 } } })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("that does not fit ends the job; what was paid is kept, and no further task starts", () =>
    Effect.gen(function* () {
      const begun: Array<number> = []
      const program = each(100, (n) => Effect.suspend(() => (begun.push(n), call(n))), { budget: { maxTokens: 200 } })
      const job = yield* Engine.start(program, {})
      const error = yield* ended(job.result)
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "tokens", used: 180, limit: 200, spender: "asks" })
      expect(error.partial.usage).toMatchObject({ tokens: 180, byAgent: { asks: { tokens: 180, cost: 0 } } })
      expect(error.partial.context.all(Entry).map(({ id }) => id)).toEqual(["1", "2", "3"])
      // All were begun before the first was refused but those that had to wait for the others.
      expect(begun.length).toBeLessThan(100)
      const discarded = (yield* eventsOf(job)).filter(({ _tag }) => _tag === "TaskDiscarded")
      expect(discarded).toHaveLength(97)
    }).pipe(Effect.provide(engine({ fiberConcurrency: 10 })))
  )

  it.effect("that can never fit is refused at once, also if others are under way", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const seen: Array<unknown> = []
      const program = each(
        2,
        (n) =>
          n === 1
            ? Effect.gen(function* () {
                yield* Budget.reserve({ tokens: 50 })
                yield* gate.arrive
                yield* Budget.spend({ tokens: 10 })
                return answer(n)
              })
            : Effect.matchEffect(Budget.reserve({ tokens: 101 }), {
                onSuccess: () => Effect.succeed({}),
                onFailure: ({ message }) =>
                  Effect.as(
                    Effect.sync(() => seen.push(message)),
                    answer(n)
                  )
              }),
        { budget: { maxTokens: 100 } }
      )
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      yield* until(() => seen.length === 1)
      yield* gate.open
      expect(seen).toEqual(["no room for 101 more under the budget of tokens: 0 of 100 are spent"])
      // The agent did without the call: the job goes on.
      expect(yield* job.result).toMatchObject({ status: "converged", usage: { tokens: 10, facts: 4 } })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("waits while the room may come; those that wait are served in merge order", () =>
    Effect.gen(function* () {
      const calls = Array.from({ length: 4 }, () => Deferred.makeUnsafe<void>())
      const gates = Array.from({ length: 4 }, () => Deferred.makeUnsafe<void>())
      const log: Array<string> = []
      const program = each(
        4,
        (n) =>
          Effect.gen(function* () {
            yield* Deferred.await(calls[n - 1]!)
            log.push(`${n} asks`)
            yield* Budget.reserve({ tokens: 100 })
            log.push(`${n} calls`)
            yield* Deferred.await(gates[n - 1]!)
            yield* Budget.spend({ tokens: 10 })
            return answer(n)
          }),
        { budget: { maxTokens: 130 } }
      )
      const job = yield* Engine.start(program, {})
      // After the first, the later a task is in merge order, the sooner it asks.
      for (const n of [1, 4, 3, 2]) {
        yield* Deferred.succeed(calls[n - 1]!, undefined)
        yield* until(() => log.includes(n === 1 ? "1 calls" : `${n} asks`))
      }
      expect(log).toEqual(["1 asks", "1 calls", "4 asks", "3 asks", "2 asks"])
      for (const n of [1, 2, 3, 4]) {
        yield* Deferred.succeed(gates[n - 1]!, undefined)
        if (n < 4) yield* until(() => log.length === 5 + n)
      }
      expect(log.slice(5)).toEqual(["2 calls", "3 calls", "4 calls"])
      expect((yield* job.result).usage.tokens).toBe(40)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("does not overtake a task that waits and comes first, small as it is", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const log: Array<string> = []
      const reserves = (n: number, tokens: number) =>
        Effect.gen(function* () {
          yield* turns(n)
          yield* Budget.reserve({ tokens })
          log.push(String(n))
          if (n === 1) yield* gate.arrive
          yield* Budget.spend({ tokens: 1 })
          return answer(n)
        })
      const program = each(3, (n) => reserves(n, [60, 60, 10][n - 1]!), { budget: { maxTokens: 100 } })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      yield* turns(10)
      expect(log).toEqual(["1"])
      yield* gate.open
      yield* job.result
      expect(log).toEqual(["1", "2", "3"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("that is interrupted while it waits reserves nothing", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const program = each(
        2,
        (n) =>
          n === 1
            ? Effect.gen(function* () {
                yield* Budget.reserve({ tokens: 80 })
                yield* gate.arrive
                yield* Budget.spend({ tokens: 80 })
                return answer(n)
              })
            : Effect.gen(function* () {
                const late = yield* Effect.timeoutOption(Budget.reserve({ tokens: 20.5 }), "1 second")
                yield* Budget.reserve({ tokens: 20 })
                yield* Budget.spend({ tokens: 20 })
                return late._tag === "None" ? answer(n) : {}
              }),
        { budget: { maxTokens: 100 } }
      )
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      yield* TestClock.adjust("1 second")
      yield* turns(5)
      yield* gate.open
      const result = yield* job.result
      expect(result.usage.tokens).toBe(100)
      expect(result.context.size(Entry)).toBe(2)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("counts as paid if its task ends without paying: failed, timed out or interrupted", () =>
    Effect.gen(function* () {
      const program = Program.make("open", {
        input: noInput,
        agents: [
          Agent.make("fails", {
            onFailure: "discard",
            execute: () => Effect.andThen(Budget.reserve({ tokens: 5 }), new Down({}))
          }),
          Agent.make("slow", {
            onFailure: "discard",
            timeout: "1 second",
            execute: () => Effect.andThen(Budget.reserve({ tokens: 7 }), Effect.never)
          }),
          Agent.make("forgets", { execute: () => Effect.as(Budget.reserve({ tokens: 11 }), {}) })
        ]
      })
      const running = yield* Effect.forkChild(Engine.run(program, {}))
      yield* turns(5)
      yield* TestClock.adjust("1 second")
      const { usage } = yield* Fiber.join(running)
      expect(usage.byAgent).toEqual({
        fails: { tokens: 5, cost: 0 },
        slow: { tokens: 7, cost: 0 },
        forgets: { tokens: 11, cost: 0 }
      })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("of a cancelled job counts, and so does what it paid", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const program = each(2, (n) =>
        Effect.gen(function* () {
          yield* Budget.reserve({ tokens: 50 })
          if (n === 1) {
            yield* Budget.spend({ tokens: 30 })
            return answer(n)
          }
          yield* gate.arrive
          return {}
        })
      )
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      yield* job.cancel
      const error = yield* ended(job.result)
      expect(error).toMatchObject({ _tag: "JobCancelled", partial: { usage: { tokens: 80, facts: 2 } } })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is refused, and does not wait for ever, where all open ones are of tasks that wait for more", () =>
    Effect.gen(function* () {
      const twice = (n: number) =>
        Effect.gen(function* () {
          const first = yield* Budget.reserve({ tokens: 40 })
          yield* turns(2)
          const second = yield* Effect.tapError(Budget.reserve({ tokens: 40 }), () => Budget.spend({ tokens: 15 }))
          yield* Budget.spend({ tokens: 40 }, { reservation: second })
          yield* Budget.spend({ tokens: 0 }, { reservation: first })
          return answer(n)
        })
      const error = yield* ended(Engine.run(each(2, twice, { budget: { maxTokens: 100 } }), {}))
      // The last in merge order was refused, and gave way to the first.
      expect(error).toMatchObject({ _tag: "BudgetExhausted", used: 55 })
      expect(error.partial.context.all(Entry).map(({ id }) => id)).toEqual(["1"])
    }).pipe(Effect.provide(engine()))
  )
})

describe("a payment", () => {
  it.effect("counts for failed attempts and for discarded effects", () =>
    Effect.gen(function* () {
      const attempts = new Map<number, number>()
      const flaky = (n: number) =>
        Effect.gen(function* () {
          yield* call(n)
          const attempt = (attempts.get(n) ?? 0) + 1
          attempts.set(n, attempt)
          return yield* attempt === 3 ? Effect.succeed(answer(n)) : Effect.fail(new Down({}))
        })
      const program = each(10, flaky, { retry: Schedule.recurs(5), budget: { maxTokens: 100_000 } })
      const { usage } = yield* Engine.run(program, {})
      expect(usage.tokens).toBe(30 * 60)
      // Two texts under one key are a conflict: the effects are thrown away, and what they cost is not.
      const clash = each(3, (n) => Effect.as(call(n), { facts: [entry("same", String(n))] }), { onFailure: "discard" })
      const result = yield* Engine.run(clash, {})
      expect(result.diagnostics).toHaveLength(2)
      expect(result.usage.tokens).toBe(180)
    }).pipe(Effect.provide(engine()))
  )

  it.effect(
    "that is larger than its reservation can cross the limit; the job then ends after the cycle, and says so",
    () =>
      Effect.gen(function* () {
        const program = each(1, (n) => call(n, 40, 200), { budget: { maxTokens: 150 } })
        const error = yield* ended(Engine.run(program, {}))
        expect(error).toMatchObject({
          _tag: "BudgetExhausted",
          budget: "tokens",
          used: 200,
          limit: 150,
          spender: "asks"
        })
        expect(error.partial.context.size(Entry)).toBe(1)
      }).pipe(Effect.provide(engine()))
  )

  it.effect("takes the usage of a model, and the reserved amount where the model says nothing", () =>
    Effect.gen(function* () {
      const usages: ReadonlyArray<Budget.ModelUsage> = [
        { inputTokens: { total: 20 }, outputTokens: { total: 5 } },
        { inputTokens: { total: 20 }, outputTokens: {} },
        { inputTokens: {}, outputTokens: {} }
      ]
      const program = each(3, (n) =>
        Effect.gen(function* () {
          yield* Budget.reserve({ tokens: 100, cost: 1 })
          yield* Budget.spend(usages[n - 1]!, n === 1 ? { cost: 7 } : {})
          return answer(n)
        })
      )
      expect((yield* Engine.run(program, {})).usage).toMatchObject({ tokens: 25 + 20 + 100, cost: 7 + 1 + 1 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("without a reservation counts too, beside the tokens that effects report", () =>
    Effect.gen(function* () {
      const program = Program.make("both", {
        input: noInput,
        agents: [
          Agent.make("pays", { execute: () => Effect.as(Budget.spend({ tokens: 30 }), {}) }),
          Agent.make("reports", { execute: () => Effect.succeed({ usage: { tokens: 12 } }) })
        ]
      })
      expect((yield* Engine.run(program, {})).usage).toMatchObject({
        tokens: 42,
        byAgent: { pays: { tokens: 30 }, reports: { tokens: 12 } }
      })
      // The tokens of an effect that would cross the limit are not committed.
      const error = yield* ended(Engine.run(program, {}, { budget: { maxTokens: 40 } }))
      expect(error).toMatchObject({ _tag: "BudgetExhausted", used: 30, spender: "reports" })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("counts the tokens that effects of the same cycle report in what the error says was used", () =>
    Effect.gen(function* () {
      const asks = (name: string, tokens: number) =>
        Agent.make(name, {
          execute: () => Effect.as(Effect.andThen(Budget.reserve({ tokens }), Budget.spend({ tokens: 30 })), {})
        })
      const reports = (name: string, tokens: number) =>
        Agent.make(name, { execute: () => Effect.succeed({ usage: { tokens } }) })
      const agents = [
        reports("early", 15),
        asks("pays", 50),
        reports("next", 25),
        asks("refused", 80),
        reports("last", 9)
      ]
      const error = yield* ended(
        Engine.run(Program.make("mixed", { input: noInput, agents, budget: { maxTokens: 100 } }), {})
      )
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "tokens", used: 70, limit: 100 })
      expect(error.partial.usage).toMatchObject({
        tokens: 70,
        byAgent: { early: { tokens: 15 }, pays: { tokens: 30 }, next: { tokens: 25 } }
      })
      // The last agent was not started: its diagnostic says the same.
      expect(error.partial.diagnostics).toMatchObject([{ agent: "last", cause: { _tag: "BudgetExhausted", used: 70 } }])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("under maxCost is refused as tokens are", () =>
    Effect.gen(function* () {
      const program = each(
        5,
        (n) =>
          Effect.gen(function* () {
            yield* Budget.reserve({ cost: 3 })
            yield* Budget.spend({ cost: 3 })
            return answer(n)
          }),
        { budget: { maxCost: 10 } }
      )
      const error = yield* ended(Engine.run(program, {}))
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "cost", used: 9, limit: 10 })
    }).pipe(Effect.provide(engine()))
  )
})

describe("an agent that is refused", () => {
  it.effect(
    "ends its job, also if it discards failures, tries again, or wraps the refusal in an error of its own",
    () =>
      Effect.gen(function* () {
        let attempts = 0
        const wrapped = (n: number) =>
          Effect.mapError(
            Effect.suspend(() => (attempts++, call(n))),
            (cause) => new Down({ cause })
          )
        const program = each(3, wrapped, {
          retry: Schedule.recurs(5),
          onFailure: "discard",
          budget: { maxTokens: 100 }
        })
        expect(yield* ended(Engine.run(program, {}))).toMatchObject({ _tag: "BudgetExhausted", used: 60 })
        // Each task was tried once. The third may not have started.
        expect(attempts).toBeLessThanOrEqual(3)
      }).pipe(Effect.provide(engine()))
  )
})

describe("outside of an agent", () => {
  it.effect("reserve and spend die and say what to do, and Budget.unlimited lets them pass", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Budget.spend({ tokens: 1 }))
      expect(String(exit)).toContain("Run it with Budget.unlimited where there is no job")
      expect(yield* Budget.unlimited(call(1))).toEqual(answer(1))
    })
  )

  it.effect("a fiber that a task has detached is refused after the end of the job", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const late: Array<string> = []
      const told = (effect: Effect.Effect<unknown, unknown>) =>
        Effect.flatMap(Effect.exit(effect), (exit) => Effect.sync(() => void late.push(String(exit))))
      let reservation: Budget.Reservation | undefined
      const program = each(
        1,
        (n) =>
          Effect.gen(function* () {
            reservation = yield* Budget.reserve({ tokens: 5 })
            const calls = [
              told(Budget.reserve({ tokens: 1 })),
              told(Budget.spend({ tokens: 1 })),
              told(Budget.spend({ tokens: 1 }, { reservation }))
            ]
            yield* Effect.forkDetach(Effect.andThen(gate.arrive, Effect.all(calls)))
            return answer(n)
          }),
        { budget: { maxTokens: 10 } }
      )
      const result = yield* Engine.run(program, {})
      yield* gate.open
      yield* until(() => late.length === 3)
      for (const exit of late)
        expect(exit).toMatch(/the job \S+ of agent "asks" has ended, so the call is outside of an/)
      expect(result.usage.tokens).toBe(5)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("an amount that is none is a defect of the agent that names it", () =>
    Effect.gen(function* () {
      const program = each(1, (n) => Effect.as(Budget.reserve({ tokens: -1 }), answer(n)))
      const error = yield* failure(Engine.run(program, {}))
      expect(error).toMatchObject({
        _tag: "AgentPanicked",
        message: expect.stringContaining("tokens must be a number of at least 0, not -1") as string
      })
    }).pipe(Effect.provide(engine()))
  )
})
