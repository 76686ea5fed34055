/**
 * Timeout and retry of fiber agents (F2): a timeout covers one attempt, a retry covers typed failures and timeouts, and nothing
 * of an attempt that failed is left behind.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, JobError, Program } from "../../src/index.ts"
import {
  engine,
  entry,
  Entry,
  eventsOf,
  failure,
  noInput,
  num,
  Num,
  nums,
  stateOf,
  turns,
  until
} from "../support/behaviour/harness.ts"

class Flaky extends Data.TaggedError("Flaky")<{ readonly attempt: number }> {}

/** A program of this one agent. */
const alone = <A extends Agent.Agent.Any>(agent: A) =>
  Program.make("alone", { input: noInput, agents: [agent], kinds: [Num, Entry] })

/** Counts attempts; `attempt` says what each does. */
const attempts = <A, E, R>(attempt: (n: number) => Effect.Effect<A, E, R>) => {
  const seen = { begun: 0, released: 0 }
  const execute = () =>
    Effect.suspend(() =>
      Effect.ensuring(
        attempt(++seen.begun),
        Effect.sync(() => seen.released++)
      )
    )
  return { seen, execute }
}

const ran = (seen: { readonly begun: number }, count: number) => until(() => seen.begun === count, `attempt ${count}`)

describe("a timeout", () => {
  it.effect("ends an attempt that takes longer, and the error names agent, cycle and limit", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts(() => Effect.never)
      const job = yield* Engine.start(alone(Agent.make("slow", { timeout: "2 seconds", execute })), {})
      yield* ran(seen, 1)
      yield* TestClock.adjust("1999 millis")
      yield* turns(10)
      expect(stateOf(job)).toBe("running.executing")
      yield* TestClock.adjust("1 millis")
      const error = yield* failure(job.result)
      expect(error).toBeInstanceOf(JobError.AgentTimedOut)
      expect(error).toMatchObject({ agent: "slow", cycle: 1, timeoutMs: 2_000, jobId: job.id })
      expect(error.partial).toMatchObject({ status: "failed", version: 0, output: undefined })
      expect(seen).toEqual({ begun: 1, released: 1 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("leaves an attempt alone that ends in time", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts(() => Effect.as(Effect.sleep("1999 millis"), { facts: [num(1)] }))
      const agent = Agent.make("quick", { writes: [Num], timeout: "2 seconds", execute })
      const job = yield* Engine.start(alone(agent), {})
      yield* ran(seen, 1)
      yield* TestClock.adjust("1 hour")
      expect((yield* job.result).version).toBe(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is discarded with a diagnostic where the agent says so, and the cycle's other effects commit", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts(() => Effect.never)
      const slow = Agent.make("slow", { timeout: "1 second", onFailure: "discard", execute })
      const other = Agent.make("other", { writes: [Num], execute: () => Effect.succeed({ facts: [num(7)] }) })
      const job = yield* Engine.start(Program.make("two", { input: noInput, agents: [slow, other] }), {})
      yield* ran(seen, 1)
      yield* TestClock.adjust("1 second")
      const result = yield* job.result
      expect(result.context.size(Num)).toBe(1)
      const cause = { _tag: "AgentTimedOut", agent: "slow", cycle: 1, timeoutMs: 1_000 }
      expect(result.diagnostics).toEqual([{ cycle: 1, agent: "slow", each: undefined, cause }])
      const discarded = (yield* eventsOf(job)).filter(({ _tag }) => _tag === "TaskDiscarded")
      expect(discarded).toMatchObject([{ agent: "slow", cause }])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("of the agent's own making is its own typed failure", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts(() => Effect.timeout(Effect.never, "1 second"))
      const job = yield* Engine.start(alone(Agent.make("own", { timeout: "5 seconds", execute })), {})
      yield* ran(seen, 1)
      yield* TestClock.adjust("1 second")
      const error = yield* failure(job.result)
      expect(error).toBeInstanceOf(JobError.AgentFailed)
      expect(error).toMatchObject({ error: { _tag: "TimeoutError" } })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("runs the finalizers of the attempt to their end, before anything else happens", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const note = (text: string) => Effect.sync(() => void log.push(text))
      const execute = () =>
        Effect.acquireUseRelease(
          note("acquired"),
          () => Effect.never,
          () => Effect.andThen(Effect.sleep("10 seconds"), note("released"))
        )
      const retry = Schedule.recurs(1)
      const job = yield* Engine.start(alone(Agent.make("holds", { timeout: "1 second", retry, execute })), {})
      yield* until(() => log.length === 1)
      yield* TestClock.adjust("1 second")
      yield* turns(10)
      expect(log).toEqual(["acquired"])
      yield* TestClock.adjust("10 seconds")
      yield* until(() => log.length === 3)
      expect(log).toEqual(["acquired", "released", "acquired"])
      yield* TestClock.adjust("11 seconds")
      expect(yield* failure(job.result)).toMatchObject({ _tag: "AgentTimedOut" })
      expect(log).toEqual(["acquired", "released", "acquired", "released"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("counts each attempt from its own beginning, and not the time between attempts", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts((n) =>
        n < 3
          ? Effect.andThen(Effect.sleep("800 millis"), new Flaky({ attempt: n }))
          : Effect.as(Effect.sleep("800 millis"), { facts: [num(n)] })
      )
      const retry = Schedule.spaced("1 minute")
      const job = yield* Engine.start(
        alone(Agent.make("slow", { writes: [Num], timeout: "1 second", retry, execute })),
        {}
      )
      for (const n of [1, 2, 3]) {
        yield* ran(seen, n)
        yield* TestClock.adjust("800 millis")
        yield* turns(5)
        yield* TestClock.adjust("1 minute")
      }
      expect((yield* job.result).context.find("Num", "3")).toBeDefined()
    }).pipe(Effect.provide(engine()))
  )
})

describe("a retry", () => {
  it.effect("tries again after typed failures, and the job knows of the last attempt only", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts((n) =>
        n < 4 ? Effect.fail(new Flaky({ attempt: n })) : Effect.succeed({ facts: [num(n)] })
      )
      const job = yield* Engine.start(
        alone(Agent.make("flaky", { writes: [Num], retry: Schedule.recurs(5), execute })),
        {}
      )
      const result = yield* job.result
      expect(seen).toEqual({ begun: 4, released: 4 })
      expect(result).toMatchObject({ cycles: 2, version: 1, diagnostics: [] })
      expect(result.usage.agents).toBe(1)
      expect((yield* eventsOf(job)).filter(({ _tag }) => _tag.startsWith("Task"))).toHaveLength(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("tries again after a timeout", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts((n) => (n < 3 ? Effect.never : Effect.succeed({ facts: [num(n)] })))
      const agent = Agent.make("slow", { writes: [Num], timeout: "1 second", retry: Schedule.recurs(5), execute })
      const job = yield* Engine.start(alone(agent), {})
      yield* ran(seen, 1)
      yield* TestClock.adjust("1 second")
      yield* ran(seen, 2)
      expect(seen.released).toBe(1)
      yield* TestClock.adjust("1 second")
      expect((yield* job.result).version).toBe(1)
      expect(seen).toEqual({ begun: 3, released: 3 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("that is exhausted gives the last error, be it a failure", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts((n) => Effect.fail(new Flaky({ attempt: n })))
      const error = yield* failure(Engine.run(alone(Agent.make("flaky", { retry: Schedule.recurs(3), execute })), {}))
      expect(error).toMatchObject({
        _tag: "AgentFailed",
        agent: "flaky",
        cycle: 1,
        error: { _tag: "Flaky", attempt: 4 }
      })
      expect(seen.begun).toBe(4)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("that is exhausted gives the last error, be it a timeout after a failure", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts((n) => (n === 1 ? Effect.fail(new Flaky({ attempt: n })) : Effect.never))
      const agent = Agent.make("flaky", { timeout: "1 second", retry: Schedule.recurs(1), execute })
      const job = yield* Engine.start(alone(agent), {})
      yield* ran(seen, 2)
      yield* TestClock.adjust("1 second")
      expect(yield* failure(job.result)).toMatchObject({ _tag: "AgentTimedOut", agent: "flaky", timeoutMs: 1_000 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("waits between attempts as its schedule says, by Effect's clock", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts((n) => (n < 3 ? Effect.fail(new Flaky({ attempt: n })) : Effect.succeed({})))
      const job = yield* Engine.start(
        alone(Agent.make("flaky", { retry: Schedule.exponential("1 second"), execute })),
        {}
      )
      yield* ran(seen, 1)
      yield* TestClock.adjust("999 millis")
      yield* turns(5)
      expect(seen.begun).toBe(1)
      yield* TestClock.adjust("1 millis")
      yield* ran(seen, 2)
      yield* TestClock.adjust("1999 millis")
      yield* turns(5)
      expect(seen.begun).toBe(2)
      yield* TestClock.adjust("1 millis")
      expect((yield* job.result).status).toBe("converged")
      expect(seen.begun).toBe(3)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("counts for each task of an agent by itself", () =>
    Effect.gen(function* () {
      const tries = new Map<number, number>()
      const agent = Agent.make("each", {
        each: Num,
        writes: [Entry],
        onFailure: "discard",
        retry: Schedule.recurs(2),
        execute: ({ value: { n } }) =>
          Effect.suspend(() => {
            const attempt = (tries.get(n) ?? 0) + 1
            tries.set(n, attempt)
            return attempt > n ? Effect.succeed({ facts: [entry(String(n))] }) : new Flaky({ attempt })
          })
      })
      const program = Program.make("each", { input: noInput, agents: [agent], seed: () => nums(0, 4) })
      const result = yield* Engine.run(program, {})
      expect(Object.fromEntries(tries)).toEqual({ 0: 1, 1: 2, 2: 3, 3: 3, 4: 3 })
      expect(result.context.all(Entry).map(({ id }) => id)).toEqual(["0", "1", "2"])
      expect(result.diagnostics.map(({ each, cause }) => [each?.id, cause])).toMatchObject([
        ["3", { _tag: "AgentFailed", error: { attempt: 3 } }],
        ["4", { _tag: "AgentFailed", error: { attempt: 3 } }]
      ])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("ends with the job: cancelled, or out of time", () =>
    Effect.gen(function* () {
      const { execute, seen } = attempts((n) => Effect.fail(new Flaky({ attempt: n })))
      const program = alone(Agent.make("flaky", { retry: Schedule.spaced("1 minute"), execute }))
      const job = yield* Engine.start(program, {})
      yield* ran(seen, 1)
      yield* job.cancel
      expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled" })
      const timed = yield* Effect.forkChild(failure(Engine.run(program, {}, { budget: { maxDuration: "30 seconds" } })))
      yield* ran(seen, 2)
      yield* TestClock.adjust("30 seconds")
      expect(yield* Fiber.join(timed)).toMatchObject({ _tag: "BudgetExhausted", budget: "duration" })
      yield* TestClock.adjust("1 hour")
      yield* turns(5)
      expect(seen.begun).toBe(2)
    }).pipe(Effect.provide(engine()))
  )
})

describe("what is not tried again", () => {
  const executions: Record<string, { readonly tag: string; readonly execute: () => Effect.Effect<never> }> = {
    "a defect": { tag: "AgentPanicked", execute: () => Effect.die(new Error("broken")) },
    "a throw": {
      tag: "AgentPanicked",
      execute: () => {
        throw new Error("broken")
      }
    },
    "an interrupt of the agent's own": { tag: "AgentPanicked", execute: () => Effect.interrupt },
    "something that is no effect": { tag: "InvalidEffect", execute: () => Promise.resolve({}) as never },
    "a fact that does not fit": {
      tag: "InvalidEffect",
      execute: () => Effect.succeed({ facts: [Num.of({ n: "one" as never })] }) as never
    },
    "a kind that was not declared": {
      tag: "InvalidEffect",
      execute: () => Effect.succeed({ facts: [entry("a")] }) as never
    },
    "a conflict": {
      tag: "MergeConflict",
      execute: () => Effect.succeed({ facts: [Num.of({ n: 0 }), Entry.of({ key: "x", text: "2" })] }) as never
    }
  }
  for (const [what, { execute, tag }] of Object.entries(executions)) {
    it.effect(what, () =>
      Effect.gen(function* () {
        let begun = 0
        const agent = Agent.make("broken", {
          writes: tag === "MergeConflict" ? [Num, Entry] : [Num],
          timeout: "1 minute",
          retry: Schedule.recurs(3),
          execute: () => {
            begun++
            return execute()
          }
        })
        const seed = () => [entry("x", "1")]
        const program = Program.make("broken", { input: noInput, agents: [agent], kinds: [Entry], seed })
        const error = yield* failure(Engine.run(program, {}))
        expect(error).toMatchObject({ _tag: tag, cycle: 1 })
        expect(begun).toBe(1)
      }).pipe(Effect.provide(engine()))
    )
  }
})
