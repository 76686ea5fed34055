/**
 * Telemetry: live progress for people. Numbered by job, lossy for a slow reader, ended with the job, and nothing at all while
 * nobody listens.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, type Fact, type Job, Limits, Program } from "../../src/index.ts"
import {
  counter,
  engine,
  entry,
  Entry,
  eventsOf,
  idle,
  makeGate,
  noInput,
  Num,
  nums,
  stuck,
  turns,
  untilAtWork
} from "../support/behaviour/harness.ts"
import { discardAll } from "../support/core/lenient.ts"

/** An engine with one place. */
const single = engine({ maxRunningJobs: 1 })

/** Starts a job that waits for a place; `begin` gives it one, once whoever wants to listen does. */
const startQueued = Effect.fnUntraced(function* <
  Name extends string,
  Output,
  Kinds extends Fact.Kind.Any,
  Signals extends Fact.Kind.Any
>(program: Program.Program<Name, {}, Output, never, never, Kinds, Signals>) {
  const holder = yield* Engine.start(stuck().program, {})
  return { job: yield* Engine.start(program, {} as never), begin: holder.cancel }
})

const collect = (job: Pick<Job.Job<Program.Program.Any>, "telemetry">) =>
  Effect.tap(Effect.forkChild(Stream.runCollect(job.telemetry), { startImmediately: true }), turns(2))

const line = (item: Job.JobTelemetry): string => {
  const each = item.each === undefined ? "" : ` ${item.each.id}`
  const worker = "worker" in item ? ` @${item.worker}` : ""
  return `${item._tag} ${item.agent}${each}${worker}${item._tag === "TaskProgress" ? ` ${JSON.stringify(item.value)}` : ""}`
}

/** The reports of a whole job to one listener. */
const telemetryOf = Effect.fnUntraced(function* <
  Name extends string,
  Output,
  Kinds extends Fact.Kind.Any,
  Signals extends Fact.Kind.Any
>(program: Program.Program<Name, {}, Output, never, never, Kinds, Signals>) {
  const { begin, job } = yield* startQueued(program)
  const listener = yield* collect(job)
  yield* begin
  return yield* Fiber.join(listener)
})

const module = import.meta.url

describe("what is told of a task", () => {
  it.effect("of a fiber agent: queued, claimed, its progress, ended", () =>
    Effect.gen(function* () {
      const agent = Agent.make("whole", {
        execute: (view) =>
          Effect.sync(() => {
            view.progress("a little")
            view.progress({ done: 2 })
            return {}
          })
      })
      const items = yield* telemetryOf(Program.make("whole", { input: noInput, agents: [agent] }))
      expect(items.map(line)).toEqual([
        "TaskQueued whole",
        "TaskClaimed whole @0",
        `TaskProgress whole @0 "a little"`,
        `TaskProgress whole @0 {"done":2}`,
        "TaskEnded whole @0"
      ])
      expect(items.every(({ cycle }) => cycle === 1)).toBe(true)
    }).pipe(Effect.provide(single))
  )

  it.effect("of a fiber agent with each: all are queued first, and every item names its fact", () =>
    Effect.gen(function* () {
      const agent = Agent.make("each", {
        each: Num,
        execute: ({ value: { n } }, view) =>
          Effect.as(
            Effect.sync(() => view.progress(n * 10)),
            {}
          )
      })
      const program = Program.make("each", { input: noInput, agents: [agent], seed: () => nums(1, 2) })
      expect((yield* telemetryOf(program)).map(line)).toEqual([
        "TaskQueued each 1",
        "TaskQueued each 2",
        "TaskClaimed each 1 @0",
        "TaskProgress each 1 @0 10",
        "TaskEnded each 1 @0",
        "TaskClaimed each 2 @0",
        "TaskProgress each 2 @0 20",
        "TaskEnded each 2 @0"
      ])
    }).pipe(Effect.provide(single))
  )

  it.effect("of a CPU agent: the same, with the thread that runs it", () =>
    Effect.gen(function* () {
      const agent = Agent.cpu("square", {
        each: Num,
        writes: [Entry],
        execute: ({ value: { n } }, view) => {
          view.progress(n * n)
          return { facts: [entry(String(n), String(n * n))] }
        }
      })
      const program = Program.make("cpu", { module, input: noInput, agents: [agent], seed: () => nums(2, 3) })
      expect((yield* telemetryOf(program)).map(line)).toEqual([
        "TaskQueued square 2",
        "TaskQueued square 3",
        "TaskClaimed square 2 @0",
        "TaskProgress square 2 @0 4",
        "TaskEnded square 2 @0",
        "TaskClaimed square 3 @0",
        "TaskProgress square 3 @0 9",
        "TaskEnded square 3 @0"
      ])
    }).pipe(Effect.provide(single))
  )

  it.effect("a progress that is no JSON, or is too much of it, is the name of its type", () =>
    Effect.gen(function* () {
      const circular: Record<string, unknown> = {}
      circular["self"] = circular
      const values = [10n, circular, undefined, "x".repeat(Limits.progressTextLength), () => 1]
      const agent = Agent.cpu("odd", {
        execute: (view) => {
          for (const value of values) view.progress(value)
          return {}
        }
      })
      const items = yield* telemetryOf(Program.make("odd", { module, input: noInput, agents: [agent] }))
      const told = items.flatMap((item) => (item._tag === "TaskProgress" ? [item.value] : []))
      expect(told).toEqual(["bigint", "object", "undefined", "string", "function"])
    }).pipe(Effect.provide(single))
  )

  it.effect("failed tasks end like others, and say why they have no effect", () =>
    Effect.gen(function* () {
      const agents = [
        Agent.make("fails", { onFailure: discardAll, execute: () => Effect.fail("no") }),
        Agent.make("sleeps", { timeout: "1 millis", onFailure: discardAll, execute: () => Effect.never }),
        Agent.make("dies", { onFailure: discardAll, execute: () => Effect.die("no") }),
        Agent.cpu("throws", {
          onFailure: discardAll,
          execute: () => {
            throw new Error("no")
          }
        })
      ]
      const told = yield* Effect.forkChild(telemetryOf(Program.make("fails", { module, input: noInput, agents })))
      yield* turns(20)
      yield* TestClock.adjust("1 second")
      const items = yield* Fiber.join(told)
      for (const { name } of agents) {
        const tags = items.filter(({ agent }) => agent === name).map(({ _tag }) => _tag)
        expect(tags).toEqual(["TaskQueued", "TaskClaimed", "TaskEnded"])
      }
      const failed = items.flatMap((item) => (item._tag === "TaskEnded" ? [[item.agent, item.failed]] : []))
      expect(Object.fromEntries(failed)).toEqual({
        fails: "AgentFailed",
        sleeps: "AgentTimedOut",
        dies: "AgentPanicked",
        throws: "AgentPanicked"
      })
    }).pipe(Effect.provide(single))
  )

  it.effect("times are those of Effect's clock", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const { begin, job } = yield* startQueued(counter(0, { before: () => gate.arrive }))
      const listener = yield* collect(job)
      yield* TestClock.adjust("5 seconds")
      yield* begin
      yield* gate.arrived
      yield* TestClock.adjust("2 seconds")
      yield* gate.open
      const items = yield* Fiber.join(listener)
      expect(items.map(({ _tag, at }) => [_tag, at])).toEqual([
        ["TaskQueued", 5_000],
        ["TaskClaimed", 5_000],
        ["TaskEnded", 7_000]
      ])
    }).pipe(Effect.provide(single))
  )
})

describe("listeners", () => {
  it.effect("hear from when they come, all the same, and no more once they have gone", () =>
    Effect.gen(function* () {
      const gates = [makeGate(), makeGate(), makeGate()]
      const job = yield* Engine.start(counter(2, { before: (n) => gates[n]!.arrive }), {})
      yield* gates[0]!.arrived
      const heard: Array<number> = []
      const leaves = yield* Effect.forkChild(
        Stream.runForEach(job.telemetry, ({ cycle }) => Effect.sync(() => heard.push(cycle))),
        { startImmediately: true }
      )
      const [one, two] = [yield* collect(job), yield* collect(job)]
      yield* gates[0]!.open
      yield* gates[1]!.arrived
      yield* turns(5)
      yield* Fiber.interrupt(leaves)
      yield* gates[1]!.open
      yield* gates[2]!.arrived
      yield* gates[2]!.open
      const items = yield* Fiber.join(one)
      expect(items.map(({ _tag, cycle }) => `${cycle} ${_tag}`)).toEqual([
        "1 TaskEnded",
        ...[2, 3].flatMap((cycle) => [`${cycle} TaskQueued`, `${cycle} TaskClaimed`, `${cycle} TaskEnded`])
      ])
      expect(yield* Fiber.join(two)).toEqual(items)
      expect(heard).toEqual([1, 2, 2])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("hear the progress of a task that is under way when they come, with its fact and its attempt", () =>
    Effect.gen(function* () {
      const gates = [makeGate(), makeGate()]
      let attempts = 0
      const agent = Agent.make("slow", {
        each: Num,
        retry: Schedule.recurs(1),
        execute: ({ value: { n } }, view) =>
          Effect.gen(function* () {
            view.progress(`unheard ${n}`)
            yield* gates[n]!.arrive
            view.progress(`${n}`)
            if (n === 0 && ++attempts === 1) return yield* Effect.fail("down")
            return {}
          })
      })
      const program = Program.make("slow", { input: noInput, agents: [agent], seed: () => nums(0, 1) })
      const job = yield* Engine.start(program, {})
      yield* Effect.all([gates[0]!.arrived, gates[1]!.arrived])
      const listener = yield* collect(job)
      yield* gates[1]!.open
      yield* turns(5)
      yield* gates[0]!.open
      const items = yield* Fiber.join(listener)
      expect(items.map((item) => `${line(item)} attempt ${item.attempt}`)).toEqual([
        'TaskProgress slow 1 @0 "1" attempt 1',
        "TaskEnded slow 1 @0 attempt 1",
        'TaskProgress slow 0 @0 "0" attempt 1',
        'TaskProgress slow 0 @0 "unheard 0" attempt 2',
        'TaskProgress slow 0 @0 "0" attempt 2',
        "TaskEnded slow 0 @0 attempt 2"
      ])
      expect(items.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("that are slow lose the oldest, hold up nobody, and hear the last", () =>
    Effect.gen(function* () {
      const reports = Limits.telemetryBuffer * 5
      const agent = Agent.make("chatty", {
        execute: (view) =>
          Effect.sync(() => {
            for (let n = 1; n <= reports; n++) view.progress(n)
            return {}
          })
      })
      const { begin, job } = yield* startQueued(Program.make("chatty", { input: noInput, agents: [agent] }))
      const gate = makeGate()
      const items: Array<Job.JobTelemetry> = []
      const slow = yield* Effect.forkChild(
        Stream.runForEach(job.telemetry, (item) =>
          Effect.andThen(
            Effect.sync(() => items.push(item)),
            gate.arrive
          )
        ),
        { startImmediately: true }
      )
      yield* turns(2)
      yield* begin
      yield* job.result
      yield* gate.open
      yield* Fiber.join(slow)
      expect(items.length).toBeGreaterThanOrEqual(Limits.telemetryBuffer)
      expect(items.length).toBeLessThanOrEqual(Limits.telemetryBuffer + 3)
      expect(items.slice(-2)).toMatchObject([{ _tag: "TaskProgress", value: reports }, { _tag: "TaskEnded" }])
      // The numbers tell how many were lost, and where.
      const numbers = [0, ...items.map(({ sequence }) => sequence)]
      const gaps = numbers.slice(1).flatMap((n, index) => (n === numbers[index]! + 1 ? [] : [n - numbers[index]! - 1]))
      expect(gaps.reduce((sum, lost) => sum + lost, 0)).toBe(reports + 3 - items.length)
      expect(gaps.every((lost) => lost > 0)).toBe(true)
      expect(gaps).not.toEqual([])
    }).pipe(Effect.provide(single))
  )

  it.effect("are given the number of every item, from 1 and without gaps, and the attempt of its task", () =>
    Effect.gen(function* () {
      let tries = 0
      const agent = Agent.make("flaky", {
        retry: Schedule.recurs(3),
        onFailure: "discard",
        execute: (view) =>
          Effect.suspend(() => {
            view.progress(++tries)
            return tries < 3 ? Effect.fail("down") : Effect.succeed({})
          })
      })
      const items = yield* telemetryOf(Program.make("flaky", { input: noInput, agents: [agent] }))
      expect(items.map(({ _tag, attempt, sequence }) => `${sequence} ${_tag} ${attempt}`)).toEqual([
        "1 TaskQueued 1",
        "2 TaskClaimed 1",
        "3 TaskProgress 1",
        "4 TaskProgress 2",
        "5 TaskProgress 3",
        "6 TaskEnded 3"
      ])
    }).pipe(Effect.provide(single))
  )

  it.effect("are done when the job is: converged, cancelled, or ended before they came", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(stuck().program, {})
      yield* untilAtWork(job)
      const listener = yield* collect(job)
      const queued = yield* Engine.start(idle, {})
      const other = yield* collect(queued)
      yield* queued.cancel
      yield* job.cancel
      expect(yield* Fiber.join(listener)).toEqual([])
      expect(yield* Fiber.join(other)).toEqual([])
      expect(yield* Stream.runCollect(job.telemetry)).toEqual([])
      expect(yield* telemetryOf(idle)).toEqual([])
    }).pipe(Effect.provide(single))
  )

  it.effect("change nothing of the job's log, hash and result", () =>
    Effect.gen(function* () {
      const { begin, job } = yield* startQueued(counter(5))
      const listener = yield* collect(job)
      yield* begin
      expect((yield* Fiber.join(listener)).length).toBe(18)
      const unwatched = yield* Engine.start(counter(5), {})
      expect((yield* job.result).hash).toBe((yield* unwatched.result).hash)
      expect(yield* eventsOf(job)).toEqual(yield* eventsOf(unwatched))
    }).pipe(Effect.provide(single))
  )
})

describe("while nobody listens", () => {
  it.effect("what agents report is not even looked at", () =>
    Effect.gen(function* () {
      let looked = 0
      const value = {
        toJSON: () => {
          looked++
          return "looked"
        }
      }
      const agent = Agent.cpu("reports", {
        execute: (view) => {
          view.progress(value)
          return {}
        }
      })
      const program = Program.make("reports", { module, input: noInput, agents: [agent] })
      yield* Engine.run(program, {})
      expect(looked).toBe(0)
      expect((yield* telemetryOf(program)).map(line)).toContain(`TaskProgress reports @0 "looked"`)
      expect(looked).toBe(1)
    }).pipe(Effect.provide(single))
  )

  it.effect("a progress that comes after the cycle is dropped without a word", () =>
    Effect.gen(function* () {
      let report: (value: unknown) => void = () => undefined
      const keeps = Agent.make("keeps", {
        execute: (view) => {
          report = view.progress
          return Effect.succeed({})
        }
      })
      const last = Agent.make("last", {
        accepts: (view) => view.cycle === 2,
        execute: () => {
          report("too late")
          return Effect.succeed({})
        }
      })
      const program = Program.make("keeps", {
        input: noInput,
        agents: [keeps, last],
        tiers: [["keeps"], ["last"]]
      })
      const items = yield* telemetryOf(program)
      expect(items.map(line)).toContain("TaskEnded last @0")
      expect(items.filter(({ _tag }) => _tag === "TaskProgress")).toEqual([])
      report("later still")
    }).pipe(Effect.provide(single))
  )
})
