/** Real jobs that go through all that a job may go through: for tests that watch them. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { InspectionEvent } from "xstate"
import { Agent, Engine, Intent, JobStore, Program } from "../../src/index.ts"
import {
  Num,
  counter,
  engineOver,
  idle,
  makeGate,
  noInput,
  num,
  stuck,
  turns,
  untilState
} from "../support/behaviour/harness.ts"

/** Jobs that end in every way, steered at every phase; most of them more than once. */
export const manyJobs = (inspect: (event: InspectionEvent) => void) =>
  Effect.gen(function* () {
    const start = <P extends Program.Program.Any>(program: P, options?: Engine.StartOptions) =>
      Effect.provideService(Engine.start(program as unknown as typeof idle, {}, options), Engine.inspect, inspect)
    const over = (job: { readonly result: Effect.Effect<unknown, unknown> }) => Effect.exit(job.result)

    yield* Effect.flatMap(start(idle), over)
    yield* Effect.flatMap(start(counter(5)), over)
    for (const budget of [{ maxFacts: 3 }, { maxCycles: 2 }, { maxAgents: 1 }]) {
      yield* Effect.flatMap(start(counter(5), { budget }), over)
    }
    const fails = Agent.make("fails", { execute: () => Effect.fail("no") })
    yield* Effect.flatMap(start(Program.make("fails", { input: noInput, agents: [fails] })), over)
    const panics = Program.make("panics", {
      input: noInput,
      agents: [],
      output: () => {
        throw new Error("no words")
      }
    })
    yield* Effect.flatMap(start(panics), over)

    // Out of time, while it runs.
    const slow = yield* start(stuck().program, { budget: { maxDuration: "1 second" } })
    yield* turns(5)
    yield* TestClock.adjust("1 second")
    yield* over(slow)

    // Its store fails; its pool dies.
    yield* Effect.flatMap(start(counter(5), { id: "unstored" }), over)
    const cpu = Program.make("cpu", {
      module: import.meta.url,
      input: noInput,
      agents: [Agent.cpu("cpu", { execute: () => ({}) })]
    })
    yield* Effect.flatMap(start(cpu), over)

    // Steered in each phase, by its own actor's subscriber.
    for (const phase of ["eligible", "executing", "merging", "checking"] as const) {
      for (const type of ["PAUSE", "CANCEL", "RESUME"] as const) {
        const job = yield* start(counter(3))
        let sent = false
        job.actor.subscribe(({ value }) => {
          if (value === "paused") return job.actor.send({ type: "RESUME" })
          if (sent || typeof value !== "object" || value.running !== phase) return
          sent = true
          job.actor.send({ type })
        })
        yield* over(job)
      }
    }

    // Paused for a while, with a signal in between, and cancelled there.
    for (const end of ["resume", "cancel"] as const) {
      const gate = makeGate()
      const job = yield* start(counter(3, { before: () => gate.arrive }))
      yield* gate.arrived
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(paused)
      yield* Effect.forkChild(Effect.exit(job.signal([num(77)])), { startImmediately: true })
      job.actor.send({ type: "PAUSE" })
      yield* job[end]
      yield* over(job)
    }

    // A job whose cycle has signals and no task.
    const gate = makeGate()
    const once = Agent.make("once", { execute: () => Effect.as(gate.arrive, {}) })
    const job = yield* start(Program.make("once", { input: noInput, agents: [once], kinds: [Num] }))
    yield* gate.arrived
    yield* Effect.forkChild(Effect.exit(job.signal([num(1)])), { startImmediately: true })
    yield* gate.open
    yield* over(job)

    // Awaiting a decision: signalled, paused and cancelled there.
    const asks = Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" })] }) })
    const asking = Program.make("asking", { input: noInput, agents: [asks], kinds: [Num] })
    for (const end of ["signal", "cancel"] as const) {
      const job = yield* start(asking)
      yield* untilState(job, "awaiting")
      yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* untilState(job, "paused")
      yield* job.resume
      yield* untilState(job, "awaiting")
      const decided = Intent.Decision.of({ approval: "go", approved: true, by: "me", reason: "" })
      yield* end === "cancel" ? job.cancel : Effect.exit(job.signal([decided]))
      yield* over(job)
    }

    // Queued, and never begun.
    const holder = yield* start(stuck().program)
    for (const type of ["PAUSE", "RESUME", "CANCEL"] as const) {
      const queued = yield* start(idle)
      queued.actor.send({ type })
      if (type === "PAUSE") yield* queued.cancel
      if (type === "RESUME") queued.actor.stop()
      yield* over(queued)
    }
    const waits = yield* start(idle)
    waits.actor.send({ type: "PAUSE" })
    yield* holder.cancel
    yield* turns(5)
    yield* waits.resume
    yield* over(waits)
  })

/** Where they run: a store that refuses one of them, a pool that dies, one place. */
export const world = engineOver(
  {
    store: {
      append: (jobId) =>
        jobId === "unstored" ? Effect.fail(new JobStore.StoreError({ reason: "full", message: "full" })) : Effect.void
    },
    pool: { execute: () => Effect.die(new Error("no threads")) }
  },
  { maxRunningJobs: 1 }
)
