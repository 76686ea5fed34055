/**
 * Concurrency and rate (F10): an agent says how many of its tasks run at a time and how soon one after the other, by key. The
 * limits hold for all jobs of an engine, permits come in merge order, and a timeout counts from the permit.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, type Job, Program } from "../../src/index.ts"
import {
  ended,
  engine,
  entry,
  Entry,
  failure,
  noInput,
  Num,
  nums,
  turns,
  until,
  untilWaiting
} from "../support/behaviour/harness.ts"

interface NumFact {
  readonly value: { readonly n: number }
}

/** Tasks that note when they start, and end when they are told. */
const watched = (
  count: number,
  concurrency: Agent.Concurrency<NumFact>,
  options: { readonly timeout?: number; readonly name?: string } = {}
) => {
  const started: Array<number> = []
  const gates = new Map(Array.from({ length: count }, (_, n) => [n + 1, Deferred.makeUnsafe<void>()]))
  let running = 0
  let most = 0
  const program = Program.make(options.name ?? "watched", {
    input: noInput,
    agents: [
      Agent.make("get", {
        each: Num,
        writes: [Entry],
        concurrency,
        timeout: options.timeout,
        execute: ({ value: { n } }) =>
          Effect.suspend(() => {
            started.push(n)
            most = Math.max(most, ++running)
            return Effect.ensuring(
              Effect.as(Deferred.await(gates.get(n)!), { facts: [entry(String(n))] }),
              Effect.sync(() => running--)
            )
          })
      })
    ],
    seed: () => nums(1, count)
  })
  const finish = (n: number) => Effect.andThen(Deferred.succeed(gates.get(n)!, undefined), turns(2))
  // At the end of a slice, tasks begin a turn later.
  const begun = (count: number) => until(() => started.length >= count, `the beginning of ${count} tasks`)
  return { program, started, begun, finish, most: () => most }
}

describe("a limit", () => {
  it.effect("lets so many tasks run at a time, and starts them in merge order", () =>
    Effect.gen(function* () {
      const { begun, finish, most, program, started } = watched(6, 2)
      const job = yield* Engine.start(program, {})
      yield* begun(2)
      expect(started).toEqual([1, 2])
      yield* finish(2)
      yield* begun(3)
      expect(started).toEqual([1, 2, 3])
      for (const n of [3, 1, 4, 5, 6]) yield* finish(n)
      const result = yield* job.result
      expect(started).toEqual([1, 2, 3, 4, 5, 6])
      expect(most()).toBe(2)
      // The order of their ends plays no part.
      expect(result.context.all(Entry).map(({ id }) => id)).toEqual(["1", "2", "3", "4", "5", "6"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("by key holds for each key, and tasks that wait take no place of others", () =>
    Effect.gen(function* () {
      // Three of one host come first; the engine runs two tasks at a time.
      const { begun, finish, program, started } = watched(5, {
        limit: 1,
        per: ({ value: { n } }) => (n <= 3 ? "a" : "b")
      })
      const job = yield* Engine.start(program, {})
      yield* begun(2)
      expect(started).toEqual([1, 4])
      yield* finish(4)
      yield* begun(3)
      expect(started).toEqual([1, 4, 5])
      yield* finish(1)
      yield* begun(4)
      yield* finish(2)
      yield* begun(5)
      for (const n of [3, 5]) yield* finish(n)
      expect(started).toEqual([1, 4, 5, 2, 3])
      expect((yield* job.result).status).toBe("converged")
    }).pipe(Effect.provide(engine({ fiberConcurrency: 2 })))
  )

  it.effect("holds for all jobs of an engine, and gives permits to them in turn", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const get = Agent.make("get", {
        each: Num,
        concurrency: 1,
        execute: ({ value: { n } }) =>
          Effect.andThen(
            Effect.sync(() => void log.push(n > 10 ? `second ${n - 10}` : `first ${n}`)),
            Effect.as(Deferred.await(gate), {})
          )
      })
      const of = (name: string, from: number) =>
        Program.make(name, { input: noInput, agents: [get], seed: () => nums(from, from + 2) })
      const first = yield* Engine.start(of("first", 1), {})
      yield* untilWaiting(first, 2)
      const second = yield* Engine.start(of("second", 11), {})
      yield* untilWaiting(second, 3)
      expect(log).toEqual(["first 1"])
      yield* Deferred.succeed(gate, undefined)
      yield* first.result
      yield* second.result
      expect(log).toEqual(["first 1", "first 2", "second 1", "first 3", "second 2", "second 3"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("of tasks that end at once is no deadlock, and costs no stack", () =>
    Effect.gen(function* () {
      const agent = Agent.make("quick", {
        each: Num,
        writes: [Entry],
        concurrency: 1,
        execute: ({ id }) => Effect.succeed({ facts: [entry(id)] })
      })
      const program = Program.make("quick", { input: noInput, agents: [agent], seed: () => nums(1, 5_000) })
      expect((yield* Engine.run(program, {})).context.size(Entry)).toBe(5_000)
    }).pipe(Effect.provide(engine()))
  )
})

describe("a timeout", () => {
  it.effect("counts from the permit, and not from the beginning of the cycle", () =>
    Effect.gen(function* () {
      let begun = 0
      const agent = Agent.make("get", {
        each: Num,
        writes: [Entry],
        timeout: "200 millis",
        onFailure: "discard",
        concurrency: 2,
        execute: ({ id }) =>
          Effect.suspend(() => (begun++, Effect.as(Effect.sleep("50 millis"), { facts: [entry(id)] })))
      })
      const program = Program.make("semaphore", { input: noInput, agents: [agent], seed: () => nums(1, 20) })
      const running = yield* Effect.forkChild(Engine.run(program, {}))
      for (let n = 1; n <= 10; n++) {
        yield* until(() => begun === 2 * n)
        yield* TestClock.adjust("50 millis")
      }
      const result = yield* Fiber.join(running)
      expect(result.diagnostics).toEqual([])
      expect(result.context.size(Entry)).toBe(20)
    }).pipe(Effect.provide(engine()))
  )
})

describe("a gap", () => {
  it.effect("lets time pass between two starts of a key, by the job's clock", () =>
    Effect.gen(function* () {
      const starts: Array<readonly [string, number]> = []
      const agent = Agent.make("get", {
        each: Num,
        concurrency: { gap: "50 millis", per: ({ value: { n } }) => (n % 2 === 0 ? "even" : "odd") },
        execute: ({ id }) =>
          Effect.as(
            Effect.tap(Clock.currentTimeMillis, (at) => Effect.sync(() => starts.push([id, at]))),
            {}
          )
      })
      const program = Program.make("polite", { input: noInput, agents: [agent], seed: () => nums(1, 6) })
      const running = yield* Effect.forkChild(Engine.run(program, {}))
      for (let n = 1; n <= 3; n++) {
        yield* until(() => starts.length === 2 * n)
        yield* TestClock.adjust("50 millis")
      }
      yield* Fiber.join(running)
      expect(starts).toEqual([
        ["1", 0],
        ["2", 0],
        ["3", 50],
        ["4", 50],
        ["5", 100],
        ["6", 100]
      ])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is kept from one cycle to the next, and from one job to the next", () =>
    Effect.gen(function* () {
      const starts: Array<number> = []
      const agent = Agent.make("get", {
        each: Num,
        writes: [Num],
        concurrency: { gap: "1 second" },
        execute: ({ value: { n } }) =>
          Effect.map(Clock.currentTimeMillis, (at) => {
            starts.push(at)
            return { facts: n < 2 ? nums(n + 1, n + 1) : [] }
          })
      })
      const program = Program.make("polite", { input: noInput, agents: [agent], seed: () => nums(1, 1) })
      let begun = 0
      for (const _ of [1, 2]) {
        const job = yield* Engine.start(program, {})
        for (let n = 0; n < 2; n++) {
          if (begun > 0) {
            // The task waits for its permit, and with it the timer of the gap is set.
            yield* untilWaiting(job, 1)
            yield* TestClock.adjust("1 second")
          }
          begun++
          yield* until(() => starts.length === begun)
        }
        yield* job.result
      }
      expect(starts).toEqual([0, 1_000, 2_000, 3_000])
    }).pipe(Effect.provide(engine()))
  )
})

describe("an attempt", () => {
  it.effect("needs a permit of its own, and gives it back while its schedule waits", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const agent = Agent.make("flaky", {
        each: Num,
        concurrency: 1,
        retry: Schedule.addDelay(Schedule.recurs(1), () => Effect.succeed("1 minute")),
        execute: ({ value: { n } }) =>
          Effect.suspend(() => {
            log.push(String(n))
            return n === 1 && log.length === 1 ? Effect.fail("down") : Effect.succeed({})
          })
      })
      const program = Program.make("flaky", { input: noInput, agents: [agent], seed: () => nums(1, 2) })
      const running = yield* Effect.forkChild(Engine.run(program, {}))
      yield* until(() => log.length === 2)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      expect(log).toEqual(["1", "2", "1"])
    }).pipe(Effect.provide(engine()))
  )
})

describe("a job that is cancelled while its tasks wait", () => {
  it.effect("leaves no permit behind: those of other jobs go on", () =>
    Effect.gen(function* () {
      const one = watched(3, { limit: 1, gap: "1 second" })
      const job = yield* Engine.start(one.program, {})
      const other = yield* Engine.start(one.program, {})
      yield* untilWaiting(job, 2)
      yield* untilWaiting(other, 3)
      expect(one.started).toEqual([1])
      yield* job.cancel
      expect(yield* ended(job.result)).toMatchObject({ _tag: "JobCancelled" })
      for (const n of [1, 2, 3]) {
        yield* TestClock.adjust("1 second")
        yield* one.begun(1 + n)
        yield* one.finish(n)
      }
      expect((yield* other.result).context.size(Entry)).toBe(3)
      expect(one.started).toEqual([1, 1, 2, 3])
    }).pipe(Effect.provide(engine()))
  )
})

describe("a task that waits", () => {
  it.effect("is told of in telemetry, and counted", () =>
    Effect.gen(function* () {
      const { finish, program } = watched(3, 1)
      const waiting = Effect.map(
        Metric.snapshot,
        (all) =>
          all.find(({ attributes, id }) => id === "converge_tasks_waiting" && attributes?.["for"] === "concurrency")
            ?.state
      )
      const holder = yield* Engine.start(watched(1, 1, { name: "holder" }).program, {})
      const job = yield* Engine.start(program, {})
      const items: Array<Job.JobTelemetry> = []
      yield* Effect.forkChild(
        Stream.runForEach(job.telemetry, (item) => Effect.sync(() => void items.push(item))),
        { startImmediately: true }
      )
      yield* turns(2)
      yield* holder.cancel
      yield* untilWaiting(job, 2)
      expect(yield* waiting).toMatchObject({ value: 2 })
      for (const n of [1, 2, 3]) yield* finish(n)
      yield* job.result
      expect(yield* waiting).toMatchObject({ value: 0 })
      const lines = items.map(
        (item) => `${item._tag} ${item.each?.id}${item._tag === "TaskWaiting" ? ` ${item.for}` : ""}`
      )
      expect(lines).toEqual([
        "TaskQueued 1",
        "TaskQueued 2",
        "TaskQueued 3",
        "TaskClaimed 1",
        "TaskWaiting 2 concurrency",
        "TaskWaiting 3 concurrency",
        "TaskEnded 1",
        "TaskClaimed 2",
        "TaskEnded 2",
        "TaskClaimed 3",
        "TaskEnded 3"
      ])
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )
})

describe("what cannot work", () => {
  const make = (concurrency: unknown, each: object = { each: Num }) =>
    Agent.make("get", { ...each, concurrency: concurrency as 1, execute: () => Effect.succeed({}) })

  it.each([
    [0, /concurrency must be a whole number of at least 1, or Infinity, not 0/],
    ["4", /concurrency must be a whole number of at least 1/],
    [{}, /concurrency needs a limit, a gap or both/],
    [{ limit: 0.5 }, /concurrency\.limit must be a whole number of at least 1/],
    [
      { limit: 1, gap: Number.POSITIVE_INFINITY },
      /concurrency\.gap must be a duration that is finite, such as "50 millis"/
    ],
    [{ gap: "Infinity" }, /concurrency\.gap must be a duration that is finite/],
    [{ gap: "soon" }, /concurrency\.gap must be a duration/],
    [{ limit: 1, per: "host" }, /concurrency\.per must be a function/],
    [{ limit: 1, by: () => "" }, /there is no option "concurrency\.by"/]
  ])("%j is refused", (concurrency, message) => {
    expect(() => make(concurrency)).toThrow(message)
  })

  it("a key without a fact, and a limit for a CPU agent, are refused with what to do", () => {
    expect(() => make({ limit: 1, per: () => "" }, { reads: [Num] })).toThrow(/concurrency\.per needs each/)
    expect(() => Agent.cpu("cpu", { concurrency: 2, execute: () => ({}) } as never)).toThrow(
      /CPU agents, joins and folds run on the threads of the pool, as many as its size says/
    )
  })

  it.effect("a key that is no text, and one that throws, are the agent's panic", () =>
    Effect.gen(function* () {
      const keyed = (per: (fact: NumFact) => string) => {
        const agent = Agent.make("get", {
          each: Num,
          concurrency: { limit: 1, per },
          execute: () => Effect.succeed({})
        })
        return Engine.run(Program.make("keyed", { input: noInput, agents: [agent], seed: () => nums(1, 2) }), {})
      }
      expect(yield* failure(keyed(() => 7 as never))).toMatchObject({
        _tag: "AgentPanicked",
        message: expect.stringContaining(`concurrency.per of agent "get" must return a string, and returned`) as string
      })
      const throws = keyed(() => {
        throw new Error("no host")
      })
      expect(yield* failure(throws)).toMatchObject({ _tag: "AgentPanicked", message: "no host" })
    }).pipe(Effect.provide(engine()))
  )
})
