/**
 * Spans and metrics: what an embedder's tracer and exporter see of jobs, and that nothing is made where there is none.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Tracer from "effect/Tracer"
import { Agent, Engine, Program } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import {
  counter,
  engine,
  entry,
  Entry,
  failure,
  idle,
  makeGate,
  noInput,
  num,
  Num,
  nums,
  stuck,
  until,
  untilAtWork
} from "../support/behaviour/harness.ts"
import { discardAll } from "../support/core/lenient.ts"

/** A tracer that keeps the spans it made. */
const recording = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const named = (name: string) => spans.filter((span) => span.name === name)
  return { spans, named, provide: Effect.provideService(Tracer.Tracer, tracer) }
}

const attributesOf = (span: Tracer.Span) => Object.fromEntries(span.attributes)

const parentOf = (span: Tracer.Span | undefined) =>
  span === undefined ? undefined : Option.getOrUndefined(span.parent)

const exitOf = (span: Tracer.Span | undefined) => (span?.status._tag === "Ended" ? span.status.exit._tag : "Started")

/** Two tiers; one task per number, then one that sums up. */
const tiered = Program.make("tiered", {
  module: import.meta.url,
  input: noInput,
  seed: () => nums(1, 2),
  agents: [
    Agent.make("look", {
      each: Num,
      writes: [Entry],
      execute: ({ id }) => Effect.withSpan(Effect.succeed({ facts: [entry(id)] }), "own", { attributes: { id } })
    }),
    Agent.cpu("compute", { reads: [Num], execute: () => ({}) }),
    Agent.make("sum", { reads: [Entry], execute: () => Effect.succeed({}) })
  ],
  tiers: [["look", "compute"], ["sum"]]
})

describe("spans, with a tracer", () => {
  it.effect("one of the job, one of each executed cycle, one of each fiber task, with their attributes", () => {
    const { named, provide, spans } = recording()
    return Effect.gen(function* () {
      yield* Engine.run(tiered, {}, { id: "traced" })
      expect(named("converge.cycle").map(attributesOf)).toEqual([
        { cycle: 1, tier: 0, tasks: 3 },
        { cycle: 2, tier: 1, tasks: 1 }
      ])
      expect(named("converge.agent").map(attributesOf)).toEqual([
        { jobId: "traced", agent: "look", cycle: 1, each: "Num/1" },
        { jobId: "traced", agent: "look", cycle: 1, each: "Num/2" },
        { jobId: "traced", agent: "sum", cycle: 2 }
      ])
      yield* until(() => !spans.map(exitOf).includes("Started"))
      expect(named("converge.job").map(attributesOf)).toEqual([
        { jobId: "traced", program: "tiered", status: "converged" }
      ])
      expect(spans.map(exitOf)).toEqual(spans.map(() => "Success"))
    }).pipe(provide, Effect.provide(engine()))
  })

  it.effect("of a job that fails, fail with its error; one that is cancelled is no error", () => {
    const { named, provide } = recording()
    return Effect.gen(function* () {
      const fails = Agent.make("fails", { execute: () => Effect.fail({ _tag: "Quota", left: 0 }) })
      yield* failure(Engine.run(Program.make("fails", { input: noInput, agents: [fails] }), {}))
      yield* failure(Engine.run(counter(9), {}, { budget: { maxCycles: 2 } }))
      const job = yield* Engine.start(stuck().program, {})
      yield* untilAtWork(job)
      yield* job.cancel
      yield* until(() => !named("converge.job").map(exitOf).includes("Started"))
      const ends = named("converge.job").map((span) => {
        const exit = span.status._tag === "Ended" ? span.status.exit : undefined
        const error = exit?._tag === "Failure" ? Cause.prettyErrors(exit.cause)[0] : undefined
        return [span.attributes.get("status"), error?.name]
      })
      expect(ends.slice(0, 2)).toEqual([
        ["failed", "AgentFailed"],
        ["budget-exhausted", "BudgetExhausted"]
      ])
      expect(ends[2]?.[1]).toBeUndefined()
    }).pipe(provide, Effect.provide(engine()))
  })

  it.effect("of a resumed job is linked to the span in which the job was started", () => {
    const { named, provide } = recording()
    return Effect.gen(function* () {
      const store = yield* journalStore
      const dying = engineOnStore(brokenOff(store, 2))
      yield* Effect.provide(Effect.exit(Effect.withSpan(Engine.run(counter(5), {}, { id: "on" }), "request")), dying)
      const program = counter(5)
      yield* Effect.provide(
        Effect.flatMap(Engine.resume(program, "on"), (job) => job.result),
        engineOnStore(store)
      )
      const [first, second] = named("converge.job")
      const [request] = named("request")
      expect(first?.links).toEqual([])
      expect(second?.links.map(({ span }) => [span.traceId, span.spanId])).toEqual([
        [request?.traceId, request?.spanId]
      ])
    }).pipe(provide)
  })

  it.effect("are nested: caller, job, cycle, agent, and what the agent traces itself", () => {
    const { named, provide } = recording()
    return Effect.gen(function* () {
      yield* Effect.withSpan(Engine.run(tiered, {}), "caller")
      const [job] = named("converge.job")
      const cycles = named("converge.cycle")
      const agents = named("converge.agent")
      expect(parentOf(job)).toBe(named("caller")[0])
      expect(cycles.map(parentOf)).toEqual([job, job])
      expect(agents.map(parentOf)).toEqual([cycles[0], cycles[0], cycles[1]])
      expect(named("own").map(attributesOf)).toEqual([{ id: "1" }, { id: "2" }])
      expect(named("own").map(parentOf)).toEqual([agents[0], agents[1]])
    }).pipe(provide, Effect.provide(engine()))
  })

  it.effect("of a task that is tried again there is one; it ends as the task does", () => {
    const { named, provide } = recording()
    return Effect.gen(function* () {
      let begun = 0
      const agents = [
        Agent.make("flaky", {
          retry: Schedule.recurs(3),
          execute: () => Effect.suspend(() => (++begun < 3 ? Effect.fail("no") : Effect.succeed({})))
        }),
        Agent.make("fails", { onFailure: discardAll, execute: () => Effect.fail("no") }),
        Agent.make("dies", { onFailure: discardAll, execute: () => Effect.die("no") })
      ]
      yield* Engine.run(Program.make("flaky", { input: noInput, agents }), {})
      expect(begun).toBe(3)
      const seen = named("converge.agent").map((span) => [span.attributes.get("agent"), exitOf(span)])
      expect(seen).toEqual([
        ["flaky", "Success"],
        ["fails", "Failure"],
        ["dies", "Failure"]
      ])
    }).pipe(provide, Effect.provide(engine()))
  })

  it.effect("end when their job is cancelled", () => {
    const { named, provide, spans } = recording()
    return Effect.gen(function* () {
      const job = yield* Engine.start(stuck().program, {})
      yield* untilAtWork(job)
      yield* job.cancel
      expect(spans.map(({ name }) => name)).toEqual(["converge.job", "converge.cycle", "converge.agent"])
      yield* until(() => !spans.map(exitOf).includes("Started"))
      expect(exitOf(named("converge.agent")[0])).toBe("Failure")
      expect(exitOf(named("converge.job")[0])).toBe("Success")
    }).pipe(provide, Effect.provide(engine()))
  })

  it.effect("belong to the tracer of whoever starts the job, not to the engine's", () => {
    const [ofEngine, one, two] = [recording(), recording(), recording()]
    return Effect.gen(function* () {
      yield* one.provide(Engine.run(counter(1), {}, { id: "one" }))
      yield* two.provide(Engine.run(counter(1), {}, { id: "two" }))
      expect(one.named("converge.job").map((span) => span.attributes.get("jobId"))).toEqual(["one"])
      expect(two.named("converge.job").map((span) => span.attributes.get("jobId"))).toEqual(["two"])
      expect(one.spans).toHaveLength(5)
      expect(ofEngine.named("converge.job")).toEqual([])
    }).pipe(Effect.provide(engine()), ofEngine.provide)
  })
})

describe("spans, without a tracer", () => {
  it.effect("are not made: an agent runs in no span", () =>
    Effect.gen(function* () {
      const found: Array<boolean> = []
      const looks = Agent.make("looks", {
        execute: () =>
          Effect.map(Effect.option(Effect.currentParentSpan), (span) => {
            found.push(Option.isSome(span))
            return {}
          })
      })
      const program = Program.make("looks", { input: noInput, agents: [looks] })
      yield* Engine.run(program, {})
      yield* recording().provide(Engine.run(program, {}))
      expect(found).toEqual([false, true])
    }).pipe(Effect.provide(engine()))
  )
})

/** The values of the engine's metrics, by name and status. */
const metrics = Effect.map(Metric.snapshot, (snapshots) =>
  Object.fromEntries(
    snapshots
      .filter(({ id }) => id.startsWith("converge_"))
      .map(({ attributes, id, state }) => [
        [id, attributes?.["status"], attributes?.["cause"]].filter((part) => part !== undefined).join(" "),
        "count" in state ? state.count : (state as { readonly value: number }).value
      ])
  )
)

/** Metrics of its own for each test. */
const counted = Effect.provideServiceEffect(
  Metric.MetricRegistry,
  Effect.sync(() => new Map())
)

describe("metrics", () => {
  it.effect("count committed cycles, facts, and tasks merged and discarded", () =>
    Effect.gen(function* () {
      const adds = Agent.make("adds", {
        accepts: (view) => view.cycle < 4,
        writes: [Num],
        execute: (view) => Effect.succeed({ facts: [num(view.cycle), num(view.cycle * 10)] })
      })
      const fails = Agent.make("fails", { each: Num, onFailure: discardAll, execute: () => Effect.fail("no") })
      const result = yield* Engine.run(Program.make("counts", { input: noInput, agents: [adds, fails] }), {})
      expect(result).toMatchObject({ cycles: 5, version: 6 })
      expect(yield* metrics).toMatchObject({
        converge_cycles_total: 4,
        converge_facts_total: 6,
        converge_tasks_total: 3,
        converge_tasks_discarded_total: 6,
        "converge_job_diagnostics_total AgentFailed": 6,
        "converge_jobs_halted_total converged": 1,
        converge_jobs_running: 0
      })
    }).pipe(Effect.provide(engine()), counted)
  )

  it.effect("count the facts of signals too", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const waits = Agent.make("waits", { execute: () => Effect.as(gate.arrive, {}) })
      const program = Program.make("waits", { signals: [Num], input: noInput, agents: [waits], kinds: [Num] })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const signalled = yield* Effect.forkChild(job.signal(nums(1, 3)), { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(signalled)
      expect((yield* job.result).version).toBe(3)
      expect(yield* metrics).toMatchObject({
        converge_cycles_total: 2,
        converge_facts_total: 3,
        converge_tasks_total: 1
      })
    }).pipe(Effect.provide(engine()), counted)
  )

  it.effect("count the ends by status, of jobs that never ran as well", () =>
    Effect.gen(function* () {
      const fails = Agent.make("fails", { execute: () => Effect.fail("no") })
      yield* Engine.run(idle, {})
      yield* Engine.run(counter(2), {})
      yield* failure(Engine.run(Program.make("fails", { input: noInput, agents: [fails] }), {}))
      yield* failure(Engine.run(counter(9), {}, { budget: { maxCycles: 2 } }))
      const job = yield* Engine.start(stuck().program, {})
      const queued = yield* Engine.start(idle, {})
      yield* queued.cancel
      yield* job.cancel
      expect(yield* metrics).toMatchObject({
        "converge_jobs_halted_total converged": 2,
        "converge_jobs_halted_total failed": 1,
        "converge_jobs_halted_total budget-exhausted": 1,
        "converge_jobs_halted_total cancelled": 2
      })
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })), counted)
  )

  it.effect("gauge the jobs that hold a place, paused ones included and queued ones not", () =>
    Effect.gen(function* () {
      const running = Effect.map(metrics, (values) => values["converge_jobs_running"])
      const one = yield* Engine.start(stuck().program, {})
      const two = yield* Engine.start(counter(5), {})
      yield* two.pause
      const queued = yield* Engine.start(idle, {})
      expect(yield* running).toBe(2)
      yield* one.cancel
      yield* queued.result
      expect(yield* running).toBe(1)
      yield* two.resume
      yield* two.result
      expect(yield* running).toBe(0)
    }).pipe(Effect.provide(engine({ maxRunningJobs: 2 })), counted)
  )

  it.effect("count nothing of a cycle that was discarded", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(stuck().program, {})
      yield* untilAtWork(job)
      yield* job.cancel
      expect(yield* metrics).not.toHaveProperty("converge_cycles_total")
      expect(yield* metrics).not.toHaveProperty("converge_tasks_discarded_total")
    }).pipe(Effect.provide(engine()), counted)
  )
})
