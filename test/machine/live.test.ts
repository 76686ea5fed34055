/**
 * The machine is the running code: what live jobs go through, seen by an inspection observer, are steps of the model, and
 * the driver reports each phase where the machine waits for it and nowhere else.
 */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { InspectionEvent } from "xstate"
import { adjacencyMapToArray, getAdjacencyMap } from "xstate/graph"
import { Agent, Engine, Intent, JobStore, Program } from "../../src/index.ts"
import { jobMachine } from "../../machines/job.machine.ts"
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
import { edgeOf, type Snapshot, traversal } from "./jobModel.ts"

/** All that the model can do in one step: from where, on what, to where. */
const edges = new Set(
  adjacencyMapToArray(getAdjacencyMap(jobMachine, traversal)).map(({ event, nextState, state }) =>
    edgeOf(state, event.type, nextState)
  )
)

/** Where the driver may report what. In `stopping` it may still end the phase that it was in. */
const reports: Readonly<Record<string, string>> = {
  SELECTED: "running.eligible",
  EXECUTED: "running.executing",
  MERGED: "running.merging",
  CHECKED: "running.checking"
}

/** Steps of the model that no job takes: nothing of a job's own can die there, only a bug of the engine. */
const untaken = ["eligible", "merging", "checking", "stopping"].map((phase) => `running.${phase} DRIVER_EXITED failed`)

/** Records the steps of every job's own actor. */
const recorder = () => {
  const seen: Array<string> = []
  const before = new Map<string, Snapshot>()
  const inspect = (inspected: InspectionEvent): void => {
    if (inspected.type !== "@xstate.snapshot" || inspected.actorRef.sessionId !== inspected.rootId) return
    const after = inspected.snapshot as Snapshot
    const from = before.get(inspected.rootId)
    // A stop from outside is no step: the actor ends where it was.
    if (from !== undefined && inspected.event.type !== "xstate.stop")
      seen.push(edgeOf(from, inspected.event.type, after))
    before.set(inspected.rootId, after)
  }
  return { seen, inspect }
}

/** Jobs that end in every way, steered at every phase; most of them more than once. */
const manyJobs = (inspect: (event: InspectionEvent) => void) =>
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

const world = engineOver(
  {
    store: {
      append: (jobId) =>
        jobId === "unstored" ? Effect.fail(new JobStore.StoreError({ reason: "full", message: "full" })) : Effect.void
    },
    pool: { execute: () => Effect.die(new Error("no threads")) }
  },
  { maxRunningJobs: 1 }
)

it.effect("every step that a live job takes is one of the model's", () =>
  Effect.gen(function* () {
    const { inspect, seen } = recorder()
    yield* manyJobs(inspect)
    const taken = new Set(seen)
    expect([...taken].filter((edge) => !edges.has(edge))).toEqual([])
    // And they are most of what the model can do: the rest is what a driver never sends there.
    const expected = [...edges].filter((edge) => {
      const [from, type, to] = edge.split(" ") as [string, string, string]
      if (from === to || type === "STOPPED") return false
      return !(type in reports) || reports[type] === from
    })
    expect(new Set(expected.filter((edge) => !taken.has(edge)))).toEqual(new Set(untaken))
    expect(taken.size).toBeGreaterThan(30)
  }).pipe(Effect.provide(world))
)

it.effect("the driver reports each phase where the machine waits for it", () =>
  Effect.gen(function* () {
    const { inspect, seen } = recorder()
    yield* manyJobs(inspect)
    const told = seen.map((edge) => edge.split(" ") as [string, string, string]).filter(([, type]) => type in reports)
    expect(told.length).toBeGreaterThan(100)
    for (const [from, type] of told) expect([reports[type], "running.stopping"]).toContain(from)
  }).pipe(Effect.provide(world))
)
