/**
 * G10: cancellation is real (P5, P6). It comes from every state, by every way there is, and is acknowledged when fibers
 * have ended and everything that agents acquired has been released.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { Agent, Engine, Fact, type Job, Program } from "../../src/index.ts"
import {
  counter,
  engine,
  engineOver,
  entry,
  Entry,
  eventsOf,
  failure,
  idle,
  makeGate,
  noInput,
  num,
  Num,
  nums,
  openEngine,
  stateOf,
  stuck,
  tagsOf,
  turn,
  turns,
  until,
  untilAtWork
} from "../support/behaviour/harness.ts"

type AnyJob = Pick<Job.Job<Program.Program.Any>, "actor" | "cancel">

/** The ways to cancel a job, but for those of its engine. */
const ways: ReadonlyArray<readonly [string, (job: AnyJob) => Effect.Effect<void>]> = [
  ["job.cancel", (job) => job.cancel],
  ["CANCEL sent to the actor", (job) => Effect.sync(() => job.actor.send({ type: "CANCEL" }))],
  ["the actor's stop", (job) => Effect.sync(() => void job.actor.stop())],
  ["the actor's stop, twice", (job) => Effect.sync(() => void job.actor.stop().stop())],
  ["CANCEL and then stop", (job) => Effect.sync(() => (job.actor.send({ type: "CANCEL" }), void job.actor.stop()))],
  [
    "all at once",
    (job) =>
      Effect.andThen(
        Effect.sync(() => void job.actor.stop()),
        Effect.andThen(job.cancel, job.cancel)
      )
  ]
]

describe.each(ways)("by %s", (_, cancel) => {
  it.live("an agent that cancels its own job in its first step stops those beside it that wait", () =>
    Effect.gen(function* () {
      let job: AnyJob | undefined
      let began = 0
      let released = 0
      const waits = (name: string) =>
        Agent.make(name, {
          execute: () => {
            began++
            return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void released++))
          }
        })
      const cancels = Agent.make("cancels", {
        execute: () => {
          Effect.runFork(cancel(job!))
          return Effect.succeed({})
        }
      })
      const agents = [waits("before"), cancels, waits("after")]
      const own = yield* Engine.start(Program.make("own", { input: noInput, agents }), {})
      job = own
      expect(yield* failure(own.result)).toMatchObject({ _tag: "JobCancelled", cycle: 0 })
      // The one after it may not have begun.
      expect(began).toBeGreaterThan(0)
      expect(released).toBe(began)
      expect(yield* (yield* Engine.Engine).live).toEqual([])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a task that is in its first step, and had to wait for it, lets go of what it acquired", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      let released = 0
      const agent = Agent.make("late", {
        each: Num,
        execute: ({ value: { n } }) =>
          n === 1
            ? Effect.as(turns(2), {})
            : Effect.acquireUseRelease(
                Effect.void,
                // The test goes on within this step.
                () => Effect.as(gate.arrive, {}),
                () => Effect.sync(() => released++)
              )
      })
      const program = Program.make("late", { input: noInput, agents: [agent], seed: () => nums(1, 2) })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      yield* cancel(job)
      expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled" })
      expect(released).toBe(1)
    }).pipe(Effect.provide(engine({ fiberConcurrency: 1 })))
  )

  it.effect("a queued job ends without having begun, and leaves the queue", () =>
    Effect.gen(function* () {
      const holder = yield* Engine.start(stuck().program, {})
      const { program, seen } = stuck()
      const job = yield* Engine.start(program, {})
      yield* cancel(job)
      expect(yield* failure(job.result)).toMatchObject({
        _tag: "JobCancelled",
        cycle: 0,
        partial: { status: "cancelled", cycles: 0 }
      })
      expect(tagsOf(yield* eventsOf(job))).toEqual(["JobStarted", "JobHalted"])
      expect(seen).toEqual({ began: 0, released: 0 })
      expect(yield* (yield* Engine.Engine).live).toHaveLength(1)
      yield* holder.cancel
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )

  it.effect("an executing job ends when its agents have let go", () =>
    Effect.gen(function* () {
      const { program, seen } = stuck()
      const job = yield* Engine.start(program, {})
      yield* until(() => seen.began === 1)
      yield* cancel(job)
      expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled", partial: { cycles: 0, version: 0 } })
      expect(seen).toEqual({ began: 1, released: 1 })
      expect((yield* job.status).state).toBe("cancelled")
      expect(["stopped", "done"]).toContain(job.actor.getSnapshot().status)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a paused job ends", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(counter(1_000), {})
      yield* job.pause
      yield* cancel(job)
      expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled" })
      expect(yield* (yield* Engine.Engine).live).toEqual([])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a job that has ended stays as it ended", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(counter(2), {})
      const result = yield* job.result
      yield* cancel(job)
      expect(yield* job.result).toBe(result)
      expect((yield* job.status).state).toBe("converged")
      expect(tagsOf(yield* eventsOf(job)).filter((tag) => tag === "JobHalted")).toHaveLength(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect.each(["accepts", "id", "combine", "output"] as const)(
    "it may come from inside the program's own %s",
    (place) =>
      Effect.gen(function* () {
        let job: AnyJob | undefined
        let asked = false
        const ask = (at: string): void => {
          if (at !== place || job === undefined || asked) return
          asked = true
          Effect.runForkWith(services)(cancel(job))
        }
        const services = yield* Effect.context<never>()
        const Joined = Fact.kind("Joined", {
          schema: Entry.schema,
          id: ({ key }) => (ask("id"), key),
          conflict: (a, b) => (ask("combine"), a.text > b.text ? a : b)
        })
        const adds = Agent.make("adds", {
          each: Num,
          writes: [Joined, Num],
          accepts: () => (ask("accepts"), true),
          execute: ({ value: { n } }) =>
            Effect.succeed({ facts: [Joined.of({ key: "k", text: String(n) }), ...(n < 5 ? [num(n + 1)] : [])] })
        })
        const program = Program.make("asks", {
          input: noInput,
          agents: [adds],
          seed: () => [num(0)],
          output: () => ask("output")
        })
        const held = yield* Engine.start(program, {})
        job = held
        expect(yield* failure(held.result)).toMatchObject({ _tag: "JobCancelled", partial: { output: undefined } })
        expect(asked).toBe(true)
        expect(yield* (yield* Engine.Engine).live).toEqual([])
      }).pipe(Effect.provide(engine()))
  )

  it.effect("it may come from inside an agent of the job", () =>
    Effect.gen(function* () {
      let job: AnyJob | undefined
      let released = 0
      const asks = Agent.make("asks", {
        execute: () =>
          Effect.ensuring(
            Effect.andThen(
              Effect.suspend(() => cancel(job!)),
              Effect.never
            ),
            Effect.sync(() => released++)
          )
      })
      const held = yield* Engine.start(Program.make("asks", { input: noInput, agents: [asks] }), {})
      job = held
      expect(yield* failure(held.result)).toMatchObject({ _tag: "JobCancelled" })
      expect(released).toBe(1)
    }).pipe(Effect.provide(engine()))
  )
})

describe("what is acknowledged", () => {
  it.effect("job.cancel returns after the last finalizer, however slow", () =>
    Effect.gen(function* () {
      const gates = [makeGate(), makeGate(), makeGate()]
      const ended: Array<number> = []
      const agents = gates.map((gate, index) =>
        Agent.make(`slow${index}`, {
          execute: () =>
            Effect.onInterrupt(Effect.never, () =>
              Effect.andThen(
                gate.arrive,
                Effect.sync(() => ended.push(index))
              )
            )
        })
      )
      const job = yield* Engine.start(Program.make("slow", { input: noInput, agents }), {})
      yield* untilAtWork(job, gates.length)
      const cancelled = yield* Effect.forkChild(job.cancel, { startImmediately: true })
      for (const gate of gates) {
        yield* gate.arrived
        yield* turns(5)
        expect(cancelled.pollUnsafe()).toBeUndefined()
        expect(stateOf(job)).toBe("running.stopping")
        yield* gate.open
      }
      yield* Fiber.join(cancelled)
      expect(ended).toEqual([0, 1, 2])
      expect(stateOf(job)).toBe("cancelled")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("the actor reaches cancelled only when the job's scope has closed", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const order: Array<string> = []
      const holds = Agent.make("holds", {
        execute: () =>
          Effect.andThen(
            Effect.acquireRelease(Effect.void, () =>
              Effect.andThen(
                gate.arrive,
                Effect.sync(() => order.push("released"))
              )
            ),
            Effect.never
          )
      })
      const job = yield* Engine.start(Program.make("holds", { input: noInput, agents: [holds] }), {})
      job.actor.subscribe({ complete: () => order.push("actor done") })
      yield* untilAtWork(job)
      const cancelled = yield* Effect.forkChild(
        Effect.andThen(
          job.cancel,
          Effect.sync(() => order.push("cancel returned"))
        ),
        { startImmediately: true }
      )
      yield* gate.arrived
      yield* turns(5)
      expect(order).toEqual([])
      yield* gate.open
      yield* Fiber.join(cancelled)
      expect(order).toEqual(["released", "actor done", "cancel returned"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("fibers that agents forked, as children or into the job's scope, have ended", () =>
    Effect.gen(function* () {
      const seen = { child: 0, scoped: 0 }
      const counted = (key: keyof typeof seen) =>
        Effect.ensuring(
          Effect.andThen(
            Effect.sync(() => seen[key]++),
            Effect.never
          ),
          Effect.sync(() => seen[key]--)
        )
      const forks = Agent.make("forks", {
        execute: () =>
          Effect.gen(function* () {
            yield* Effect.forkChild(counted("child"), { startImmediately: true })
            yield* Effect.forkScoped(counted("scoped"), { startImmediately: true })
            return yield* Effect.never
          })
      })
      const job = yield* Engine.start(Program.make("forks", { input: noInput, agents: [forks] }), {})
      yield* until(() => seen.scoped === 1)
      expect(seen).toEqual({ child: 1, scoped: 1 })
      yield* job.cancel
      expect(seen).toEqual({ child: 0, scoped: 0 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a fiber forked into the job's scope outlives its cycle, and a child its task does not", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const seen = { child: 0, scoped: 0 }
      const counted = (key: keyof typeof seen) =>
        Effect.ensuring(
          Effect.andThen(
            Effect.sync(() => seen[key]++),
            Effect.never
          ),
          Effect.sync(() => seen[key]--)
        )
      const forks = Agent.make("forks", {
        writes: [Num],
        execute: () =>
          Effect.gen(function* () {
            yield* Effect.forkChild(counted("child"), { startImmediately: true })
            yield* Effect.forkScoped(counted("scoped"), { startImmediately: true })
            return { facts: [num(1)] }
          })
      })
      const waits = Agent.make("waits", { each: Num, execute: () => Effect.as(gate.arrive, {}) })
      const job = yield* Engine.start(Program.make("forks", { input: noInput, agents: [forks, waits] }), {})
      yield* gate.arrived
      expect(seen).toEqual({ child: 0, scoped: 1 })
      yield* gate.open
      yield* job.result
      expect(seen).toEqual({ child: 0, scoped: 0 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("what an agent must not be interrupted in is waited for", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const must = Agent.make("must", { execute: () => Effect.as(Effect.uninterruptible(gate.arrive), {}) })
      const job = yield* Engine.start(Program.make("must", { input: noInput, agents: [must] }), {})
      yield* gate.arrived
      const cancelled = yield* Effect.forkChild(job.cancel, { startImmediately: true })
      yield* turns(10)
      expect(cancelled.pollUnsafe()).toBeUndefined()
      yield* gate.open
      yield* Fiber.join(cancelled)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a finalizer that dies does not hold the end up", () =>
    Effect.gen(function* () {
      let released = 0
      const dies = Agent.make("dies", {
        execute: () =>
          Effect.gen(function* () {
            yield* Effect.addFinalizer(() => Effect.sync(() => released++))
            yield* Effect.addFinalizer(() => Effect.die("boom"))
            return yield* Effect.onInterrupt(Effect.never, () => Effect.die("bang"))
          })
      })
      const job = yield* Engine.start(Program.make("dies", { input: noInput, agents: [dies] }), {})
      yield* untilAtWork(job)
      yield* job.cancel
      expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled" })
      expect(released).toBe(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("an agent between two attempts is not tried again", () =>
    Effect.gen(function* () {
      let tries = 0
      const flaky = Agent.make("flaky", {
        execute: () => Effect.suspend(() => (tries++, Effect.fail("no"))),
        retry: Schedule.spaced("1 hour")
      })
      const job = yield* Engine.start(Program.make("flaky", { input: noInput, agents: [flaky] }), {})
      yield* until(() => tries === 1)
      yield* job.cancel
      expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled" })
      expect(tries).toBe(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("interrupting the wait for a cancel does not take it back", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const slow = Agent.make("slow", { execute: () => Effect.onInterrupt(Effect.never, () => gate.arrive) })
      const job = yield* Engine.start(Program.make("slow", { input: noInput, agents: [slow] }), {})
      yield* untilAtWork(job)
      const cancelled = yield* Effect.forkChild(job.cancel, { startImmediately: true })
      yield* gate.arrived
      yield* Fiber.interrupt(cancelled)
      yield* gate.open
      expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled" })
    }).pipe(Effect.provide(engine()))
  )
})

describe("what is left", () => {
  it.effect("nothing of the cycle that was stopped, everything of those before", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const done: Array<string> = []
      const quick = Agent.make("quick", {
        each: Num,
        writes: [Num, Entry],
        execute: ({ value: { n } }) =>
          Effect.sync(() => (done.push(`quick ${n}`), { facts: n < 3 ? [num(n + 1)] : [entry("lost")] }))
      })
      const slow = Agent.make("slow", {
        each: Num,
        writes: [],
        execute: ({ value: { n } }) => (n === 3 ? Effect.as(gate.arrive, {}) : Effect.succeed({}))
      })
      const program = Program.make("two", { input: noInput, agents: [quick, slow], seed: () => [num(0)] })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      expect(done).toContain("quick 3")
      yield* job.cancel
      const { partial } = yield* failure(job.result)
      expect(partial).toMatchObject({ status: "cancelled", cycles: 3, version: 4, usage: { facts: 4, agents: 6 } })
      expect(partial.context.counts()).toEqual({ Num: 4 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a cycle whose row the store was taking is waited for, and kept", () => {
    const store = makeGate()
    const layer = engineOver({ store: { append: (_, __, { cycle }) => (cycle === 2 ? store.arrive : Effect.void) } })
    return Effect.gen(function* () {
      const job = yield* Engine.start(counter(5), {})
      yield* store.arrived
      const cancelled = yield* Effect.forkChild(job.cancel, { startImmediately: true })
      yield* turns(10)
      expect(cancelled.pollUnsafe()).toBeUndefined()
      yield* store.open
      yield* Fiber.join(cancelled)
      const { partial } = yield* failure(job.result)
      // The row is in the journal, so its facts are in the result.
      expect(partial).toMatchObject({ cycles: 2, version: 3 })
    }).pipe(Effect.provide(layer))
  })

  it.effect("the partial context can be gone on from", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const expected = yield* Engine.run(counter(6), {})
      const job = yield* Engine.start(counter(6, { before: (n) => (n === 3 ? gate.arrive : Effect.void) }), {})
      yield* gate.arrived
      yield* job.cancel
      const { partial } = yield* failure(job.result)
      expect(partial.context.size(Num)).toBe(4)
      const program = counter(6)
      const result = yield* Engine.run(program, {}, { context: partial.context })
      expect(result.output).toBe(7)
      expect(result.context.facts().map(({ id }) => id)).toEqual(expected.context.facts().map(({ id }) => id))
    }).pipe(Effect.provide(engine()))
  )
})

describe("who cancels", () => {
  it.effect("interrupting Engine.run cancels the job, and waits until it has let go", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      let begun = 0
      const slow = Agent.make("slow", {
        execute: () => Effect.suspend(() => (begun++, Effect.onInterrupt(Effect.never, () => gate.arrive)))
      })
      const run = yield* Effect.forkChild(Engine.run(Program.make("slow", { input: noInput, agents: [slow] }), {}), {
        startImmediately: true
      })
      const { live } = yield* Engine.Engine
      yield* until(() => begun === 1)
      const interrupted = yield* Effect.forkChild(Fiber.interrupt(run), { startImmediately: true })
      yield* gate.arrived
      yield* turns(5)
      expect(interrupted.pollUnsafe()).toBeUndefined()
      yield* gate.open
      yield* Fiber.join(interrupted)
      const exit = yield* Fiber.await(run)
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
      expect(yield* live).toEqual([])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("interrupting Engine.run of a queued job takes it out of the queue", () =>
    Effect.gen(function* () {
      const holder = yield* Engine.start(stuck().program, {})
      const run = yield* Effect.forkChild(Engine.run(idle, {}), { startImmediately: true })
      const { live } = yield* Engine.Engine
      yield* until(Effect.map(live, (jobs) => jobs.length === 2))
      yield* Fiber.interrupt(run)
      expect(yield* live).toHaveLength(1)
      yield* holder.cancel
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )

  it.effect("interrupting the wait for a result leaves the job alone", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const job = yield* Engine.start(counter(1, { before: () => gate.arrive }), {})
      const wait = yield* Effect.forkChild(job.result, { startImmediately: true })
      yield* gate.arrived
      yield* Fiber.interrupt(wait)
      yield* gate.open
      expect((yield* job.result).output).toBe(2)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a started job needs nothing of its caller: it outlives the fiber and the scope that started it", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const handed = Deferred.makeUnsafe<Job.Job<ReturnType<typeof counter>>>()
      const caller = yield* Effect.forkChild(
        Effect.scoped(
          Effect.gen(function* () {
            yield* Deferred.succeed(handed, yield* Engine.start(counter(2, { before: () => gate.arrive }), {}))
            return yield* Effect.never
          })
        ),
        { startImmediately: true }
      )
      const job = yield* Deferred.await(handed)
      yield* gate.arrived
      yield* Fiber.interrupt(caller)
      yield* turns(5)
      expect(stateOf(job)).toBe("running.executing")
      yield* gate.open
      expect((yield* job.result).output).toBe(3)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("one job's cancel leaves the others alone", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const before = (n: number) => (n === 5 ? gate.arrive : Effect.void)
      const jobs = yield* Effect.forEach(Array.from({ length: 20 }), (_, n) =>
        Engine.start(counter(10 + n, { before }), {})
      )
      for (const job of jobs) yield* until(Effect.map(job.status, ({ cycle }) => cycle === 5))
      yield* Effect.forEach(
        jobs.filter((_, n) => n % 2 === 0),
        (job) => job.cancel,
        { concurrency: "unbounded" }
      )
      yield* gate.open
      for (const [n, job] of jobs.entries()) {
        if (n % 2 === 0) expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled" })
        else expect((yield* job.result).output).toBe(11 + n)
      }
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a job cancelled at every possible turn ends as cancelled or converged, whole", () =>
    Effect.gen(function* () {
      const opened = yield* openEngine(engine())
      const ends = { cancelled: 0, converged: 0 }
      const expected = yield* opened.use(Engine.run(counter(4), {}))
      for (let wait = 0; wait < 60; wait++) {
        const job = yield* opened.use(Engine.start(counter(4, { before: () => turn }), {}))
        yield* Effect.replicateEffect(turn, wait % 20, { discard: true })
        yield* job.cancel
        const exit = yield* Effect.result(job.result)
        if (exit._tag === "Success") {
          ends.converged++
          expect(exit.success.hash).toBe(expected.hash)
        } else {
          ends.cancelled++
          const { context, cycles } = exit.failure.partial
          expect(exit.failure._tag).toBe("JobCancelled")
          expect(context.facts()).toHaveLength(Math.min(cycles + 1, 5))
          expect(nums(0, Math.min(cycles, 4)).map(({ value }) => value)).toEqual(
            context.facts().map(({ value }) => value)
          )
        }
      }
      expect(ends.cancelled).toBeGreaterThan(5)
      expect(ends.converged).toBeGreaterThan(5)
      expect(yield* opened.service.live).toEqual([])
      yield* opened.close
    })
  )
})
