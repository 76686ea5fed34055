/**
 * Pause and resume (P1 to P4), from every state: a pause takes effect between cycles, loses no work, stops the duration
 * clock, and never leaves its caller waiting.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, Invariant, JobError, Program } from "../../src/index.ts"
import {
  counter,
  engine,
  eventsOf,
  failure,
  idle,
  makeGate,
  noInput,
  num,
  Num,
  stateOf,
  stuck,
  tagsOf,
  turns,
  until,
  untilAtWork,
  untilState
} from "../support/behaviour/harness.ts"

/** A counter whose task about `at` waits at a gate. */
const gated = (to: number, at: number) => {
  const gate = makeGate()
  return { gate, program: counter(to, { before: (n) => (n === at ? gate.arrive : Effect.void) }) }
}

describe("a pause loses no work", () => {
  it.effect("while agents execute: they end, the cycle commits, and the job goes on to the same hash", () =>
    Effect.gen(function* () {
      const unpaused = yield* Engine.run(counter(6), {})
      const { gate, program } = gated(6, 3)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* turns(20)
      expect(paused.pollUnsafe()).toBeUndefined()
      expect(stateOf(job)).toBe("running.executing")
      yield* gate.open
      yield* Fiber.join(paused)
      expect(stateOf(job)).toBe("paused")
      expect(yield* job.status).toMatchObject({ state: "paused", phase: undefined, cycle: 4, version: 5 })
      yield* turns(20)
      expect((yield* job.status).cycle).toBe(4)
      yield* job.resume
      const result = yield* job.result
      expect(result).toMatchObject({ status: "converged", hash: unpaused.hash, cycles: unpaused.cycles, output: 7 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect.each(["1 hour", Infinity] as const)(
    "where a listener ends the task in the step of the pause, of a job of %s: the task runs once",
    (maxDuration) =>
      Effect.gen(function* () {
        const gate = Deferred.makeUnsafe<void>()
        const came = Deferred.makeUnsafe<void>()
        let executions = 0
        const wait = Effect.suspend(() => {
          executions++
          Deferred.doneUnsafe(came, Effect.void)
          return Deferred.await(gate)
        })
        const job = yield* Engine.start(
          counter(3, { before: (n) => (n === 2 ? wait : Effect.void) }),
          {},
          { budget: { maxDuration } }
        )
        yield* Deferred.await(came)
        yield* turns(5)
        job.actor.subscribe(({ context }) => {
          if (context.pausing) Deferred.doneUnsafe(gate, Effect.void)
        })
        yield* job.pause
        yield* job.resume
        expect(yield* job.result).toMatchObject({ status: "converged", output: 4 })
        expect(executions).toBe(1)
      }).pipe(Effect.provide(engine()))
  )

  it.effect("a pause and a resume after every cycle change nothing but the log", () =>
    Effect.gen(function* () {
      const unpaused = yield* Engine.start(counter(900), {})
      const expected = yield* unpaused.result
      const job = yield* Engine.start(counter(900), {})
      let pauses = 0
      for (let cycle = 1; cycle < expected.cycles; cycle++) {
        yield* job.pause
        pauses++
        expect(stateOf(job)).toBe("paused")
        const before = (yield* job.status).cycle
        yield* job.resume
        yield* until(Effect.map(job.status, (status) => status.cycle > before || status.state === "converged"))
        if (stateOf(job) === "converged") break
      }
      const result = yield* job.result
      expect(pauses).toBeGreaterThan(3)
      expect(result.hash).toBe(expected.hash)
      const without = (events: ReadonlyArray<{ readonly _tag: string; readonly seq: number }>) =>
        events
          .filter(({ _tag }) => _tag !== "JobPaused" && _tag !== "JobResumed")
          .map((event) => ({ ...event, seq: 0 }))
      const events = yield* eventsOf(job)
      expect(without(events)).toEqual(without(yield* eventsOf(unpaused)))
      expect(tagsOf(events).filter((tag) => tag === "JobPaused")).toHaveLength(pauses)
      expect(tagsOf(events).filter((tag) => tag === "JobResumed")).toHaveLength(pauses)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a job resumed in the very step in which it paused goes on, with one driver", () =>
    Effect.gen(function* () {
      const expected = yield* Engine.run(counter(20), {})
      const job = yield* Engine.start(counter(20), {})
      let resumed = 0
      job.actor.subscribe((snapshot) => {
        if (snapshot.value === "paused") {
          resumed++
          job.actor.send({ type: "RESUME" })
        } else if (stateOf(job) === "running.merging" && !snapshot.context.pausing) {
          job.actor.send({ type: "PAUSE" })
        }
      })
      const result = yield* job.result
      expect(resumed).toBeGreaterThan(10)
      expect(result).toMatchObject({ status: "converged", hash: expected.hash, cycles: expected.cycles })
      expect(tagsOf(yield* eventsOf(job)).filter((tag) => tag === "JobPaused")).toHaveLength(resumed)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a reader that steers the job from its events does not confuse it", () =>
    Effect.gen(function* () {
      const expected = yield* Engine.run(counter(20), {})
      const job = yield* Engine.start(counter(20), {})
      let pauses = 0
      yield* Stream.runForEach(job.events, (event) =>
        event._tag === "CycleStarted" && pauses++ < 5
          ? Effect.ignore(Effect.andThen(job.pause, job.resume))
          : event._tag === "JobPaused"
            ? Effect.ignore(job.resume)
            : Effect.void
      )
      expect((yield* job.result).hash).toBe(expected.hash)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a job resumed by whoever waited for the pause, at once, goes on", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(4, 1)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const both = yield* Effect.forkChild(Effect.andThen(job.pause, job.resume), { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(both)
      expect((yield* job.result).status).toBe("converged")
    }).pipe(Effect.provide(engine()))
  )
})

describe("when a pause is asked for", () => {
  it.effect("of a job that waits for a place: it is paused when it gets one", () =>
    Effect.gen(function* () {
      const first = stuck()
      const holder = yield* Engine.start(first.program, {})
      const job = yield* Engine.start(counter(2), {})
      expect((yield* job.status).state).toBe("queued")
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* turns(5)
      expect(paused.pollUnsafe()).toBeUndefined()
      yield* holder.cancel
      yield* Fiber.join(paused)
      expect(yield* job.status).toMatchObject({ state: "paused", cycle: 0 })
      yield* job.resume
      expect((yield* job.result).output).toBe(3)
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )

  it.effect("of a queued job, and withdrawn before it has a place", () =>
    Effect.gen(function* () {
      const holder = yield* Engine.start(stuck().program, {})
      const job = yield* Engine.start(counter(2), {})
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* job.resume
      yield* Fiber.join(paused)
      yield* holder.cancel
      expect((yield* job.result).output).toBe(3)
      expect(tagsOf(yield* eventsOf(job))).not.toContain("JobPaused")
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )

  it.effect("of a paused job: it succeeds at once, and one resume is enough", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(2, 0)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const all = yield* Effect.forkChild(Effect.all([job.pause, job.pause, job.pause], { concurrency: 3 }), {
        startImmediately: true
      })
      yield* gate.open
      yield* Fiber.join(all)
      yield* job.pause
      yield* job.resume
      expect((yield* job.result).status).toBe("converged")
      expect(tagsOf(yield* eventsOf(job)).filter((tag) => tag === "JobPaused")).toHaveLength(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("while the fixed point is judged: the pause wins over convergence", () =>
    Effect.gen(function* () {
      const program = counter(1)
      const job = yield* Engine.start(program, {})
      let checks = 0
      // The third check is of the turn in which nothing is eligible.
      job.actor.subscribe(({ value }) => {
        if (typeof value === "object" && value.running === "checking" && ++checks === 3)
          job.actor.send({ type: "PAUSE" })
      })
      yield* untilState(job, "paused")
      expect(yield* job.status).toMatchObject({ state: "paused", cycle: 2 })
      yield* job.resume
      expect(yield* job.result).toMatchObject({ status: "converged", cycles: 3, output: 2 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("at the fixed point, it puts the verdict off: what a signal mends meanwhile counts", () =>
    Effect.gen(function* () {
      const program = Program.make("mended", {
        signals: [Num],
        input: noInput,
        agents: [],
        kinds: [Num],
        invariants: [Invariant.acceptance("some", (view) => view.size(Num) > 0 || "none")]
      })
      const job = yield* Engine.start(program, {})
      const watching = job.actor.subscribe(({ value }) => {
        if (typeof value !== "object" || value.running !== "checking") return
        watching.unsubscribe()
        job.actor.send({ type: "PAUSE" })
      })
      yield* untilState(job, "paused")
      const sent = yield* Effect.forkChild(job.signal([num(1)]), { startImmediately: true })
      yield* job.resume
      yield* Fiber.join(sent)
      expect((yield* job.result).status).toBe("converged")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("inside the program's own output, it comes too late to hold back what was judged", () =>
    Effect.gen(function* () {
      let ask: () => void = () => undefined
      const program = Program.make("asks", {
        input: noInput,
        agents: [],
        output: () => {
          ask()
          return 1
        }
      })
      const job = yield* Engine.start(program, {})
      ask = () => job.actor.send({ type: "PAUSE" })
      // The machine has not been told the verdict, so the pause stands, and the output is made again after it.
      yield* untilState(job, "paused")
      ask = () => undefined
      yield* job.resume
      expect((yield* job.result).output).toBe(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("of a job that has ended: it fails with JobHalted", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(idle, {})
      yield* job.result
      for (const call of [job.pause, job.resume]) {
        const error = yield* failure(call)
        expect(error).toBeInstanceOf(JobError.JobHalted)
        expect(error).toMatchObject({ jobId: job.id, status: "converged" })
      }
    }).pipe(Effect.provide(engine()))
  )

  it.effect("of a job that ends first: it fails with JobHalted and how it ended", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const fails = Agent.make("fails", {
        execute: () => Effect.andThen(gate.arrive, Effect.fail("no" as const))
      })
      const job = yield* Engine.start(Program.make("fails", { input: noInput, agents: [fails] }), {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(failure(job.pause), { startImmediately: true })
      yield* gate.open
      expect(yield* Fiber.join(paused)).toMatchObject({ _tag: "JobHalted", status: "failed" })
      expect(yield* failure(job.result)).toMatchObject({ _tag: "AgentFailed", error: "no" })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("of a job that is being cancelled: it fails with JobHalted", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const slow = Agent.make("slow", { execute: () => Effect.onInterrupt(Effect.never, () => gate.arrive) })
      const job = yield* Engine.start(Program.make("slow", { input: noInput, agents: [slow] }), {})
      yield* untilAtWork(job)
      const cancelled = yield* Effect.forkChild(job.cancel, { startImmediately: true })
      yield* gate.arrived
      expect(stateOf(job)).toBe("running.stopping")
      const paused = yield* Effect.forkChild(failure(job.pause), { startImmediately: true })
      yield* job.resume
      yield* turns(5)
      expect(paused.pollUnsafe()).toBeUndefined()
      yield* gate.open
      yield* Fiber.join(cancelled)
      expect(yield* Fiber.join(paused)).toMatchObject({ _tag: "JobHalted", status: "cancelled" })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("and the wait is interrupted: the pause stands", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(2, 0)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* Fiber.interrupt(paused)
      yield* gate.open
      yield* untilState(job, "paused")
      yield* job.resume
      expect((yield* job.result).status).toBe("converged")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("and withdrawn by an event sent to the actor: the wait succeeds", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(2, 0)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      job.actor.send({ type: "RESUME" })
      yield* Fiber.join(paused)
      yield* gate.open
      expect((yield* job.result).status).toBe("converged")
      expect(tagsOf(yield* eventsOf(job))).not.toContain("JobPaused")
    }).pipe(Effect.provide(engine()))
  )
})

describe("a resume", () => {
  it.effect("of a job that is not paused does nothing", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(2, 1)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      yield* job.resume
      expect(stateOf(job)).toBe("running.executing")
      yield* gate.open
      yield* job.result
      expect(tagsOf(yield* eventsOf(job))).not.toContain("JobResumed")
    }).pipe(Effect.provide(engine()))
  )
})

describe("while a job is paused", () => {
  it.effect("the duration clock stands", () =>
    Effect.gen(function* () {
      const gates = [makeGate(), makeGate()]
      const program = counter(1, { before: (n) => gates[n]!.arrive, budget: { maxDuration: "10 seconds" } })
      const job = yield* Engine.start(program, {})
      yield* gates[0]!.arrived
      yield* TestClock.adjust("4 seconds")
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* gates[0]!.open
      yield* Fiber.join(paused)
      yield* TestClock.adjust("1 hour")
      yield* turns(5)
      expect((yield* job.status).usage.durationMs).toBe(4_000)
      yield* job.resume
      yield* gates[1]!.arrived
      yield* TestClock.adjust("5 seconds")
      yield* turns(5)
      expect(stateOf(job)).toBe("running.executing")
      yield* TestClock.adjust("2 seconds")
      expect(yield* failure(job.result)).toMatchObject({ _tag: "BudgetExhausted", budget: "duration", used: 10_000 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("nothing of it runs", () =>
    Effect.gen(function* () {
      let asked = 0
      const polls = Agent.make("polls", { accepts: () => asked++ < 40, execute: () => Effect.succeed({}) })
      const job = yield* Engine.start(Program.make("polls", { input: noInput, agents: [polls] }), {})
      yield* job.pause
      const before = asked
      yield* turns(30)
      expect(asked).toBe(before)
      yield* job.resume
      yield* job.result
      expect(asked).toBeGreaterThan(40)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a signal waits, and commits after the resume", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(1, 0)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(paused)
      const signalled = yield* Effect.forkChild(job.signal([num(50)]), { startImmediately: true })
      yield* turns(20)
      expect(signalled.pollUnsafe()).toBeUndefined()
      expect((yield* job.status).version).toBe(2)
      yield* job.resume
      yield* Fiber.join(signalled)
      expect((yield* job.result).context.find("Num", "50")).toBeDefined()
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a signal that was taken up by the cycle that the pause put off is not in the status, nor lost", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(1, 0)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const signalled = yield* Effect.forkChild(job.signal([num(50)]), { startImmediately: true })
      let seen = 0
      // The pause comes when the signal has been taken from the mailbox: in the second `eligible`.
      job.actor.subscribe(({ value }) => {
        if (typeof value === "object" && value.running === "eligible" && ++seen === 1) job.actor.send({ type: "PAUSE" })
      })
      yield* gate.open
      yield* untilState(job, "paused")
      expect(yield* job.status).toMatchObject({ cycle: 1, version: 2, usage: { facts: 2 } })
      expect(signalled.pollUnsafe()).toBeUndefined()
      yield* job.resume
      yield* Fiber.join(signalled)
      expect((yield* job.result).context.find("Num", "50")).toBeDefined()
    }).pipe(Effect.provide(engine()))
  )

  it.effect("it can be cancelled, and ends without going on", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(3, 1)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(paused)
      yield* job.cancel
      const error = yield* failure(job.result)
      expect(error).toMatchObject({ _tag: "JobCancelled", partial: { status: "cancelled", cycles: 2, version: 3 } })
      expect(tagsOf(yield* eventsOf(job)).slice(-2)).toEqual(["JobPaused", "JobHalted"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("its actor can be stopped: that cancels it", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(3, 0)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const stopped = yield* Effect.forkChild(
        Effect.andThen(
          job.pause,
          Effect.sync(() => job.actor.stop())
        ),
        {
          startImmediately: true
        }
      )
      yield* gate.open
      yield* Fiber.join(stopped)
      expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled" })
      yield* until(() => stateOf(job) === "paused")
      expect(yield* (yield* Engine.Engine).live).toEqual([])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("it holds its place on the engine", () =>
    Effect.gen(function* () {
      const { gate, program } = gated(3, 0)
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(paused)
      const next = yield* Engine.start(idle, {})
      yield* turns(10)
      expect((yield* next.status).state).toBe("queued")
      yield* job.resume
      yield* next.result
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )

  it.effect("what agents acquired for the job's life is kept", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const gate = makeGate()
      const holds = Agent.make("holds", {
        each: Num,
        writes: [Num],
        execute: ({ value: { n } }) =>
          Effect.gen(function* () {
            if (n === 0) {
              yield* Effect.acquireRelease(
                Effect.sync(() => seen.push("acquired")),
                () => Effect.sync(() => seen.push("released"))
              )
              yield* gate.arrive
            } else seen.push(`task ${n}`)
            return { facts: n < 2 ? [num(n + 1)] : [] }
          })
      })
      const program = Program.make("holds", { input: noInput, agents: [holds], seed: () => [num(0)] })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(paused)
      expect(seen).toEqual(["acquired"])
      yield* job.resume
      yield* job.result
      expect(seen).toEqual(["acquired", "task 1", "task 2", "released"])
    }).pipe(Effect.provide(engine()))
  )
})
