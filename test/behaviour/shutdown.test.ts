/**
 * Shutdown: an engine whose scope closes takes no more jobs, lets running ones end for as long as `drainTimeout` says,
 * cancels the rest, and is closed when all have let go.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, JobError, Program } from "../../src/index.ts"
import { isSliceOver } from "../../src/platform/slices.ts"
import {
  counter,
  engine,
  engineOver,
  eventsOf,
  failure,
  idle,
  makeGate,
  noInput,
  num,
  Num,
  openEngine,
  stateOf,
  stuck,
  tagsOf,
  turns,
  until,
  untilAtWork
} from "../support/behaviour/harness.ts"

/** An agent that waits for ever, and lets go slowly: not before the gate is opened. */
const reluctant = () => {
  const gate = makeGate()
  const waits = Agent.make("waits", { execute: () => Effect.onInterrupt(Effect.never, () => gate.arrive) })
  return { gate, program: Program.make("reluctant", { input: noInput, agents: [waits] }) }
}

/** How a job of whatever program failed. */
const errorOf = (job: { readonly result: Effect.Effect<unknown, unknown> }) => failure(job.result)

const closing = (close: Effect.Effect<void>) => Effect.forkChild(close, { startImmediately: true })

describe("an engine that closes", () => {
  it.effect("cancels running, paused and queued jobs, and waits for their finalizers", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine({ maxRunningJobs: 2 }))
      const { gate, program } = reluctant()
      const running = yield* use(Engine.start(program, {}))
      yield* untilAtWork(running)
      const paused = yield* use(Engine.start(counter(5), {}))
      yield* paused.pause
      const queued = yield* use(Engine.start(idle, {}))
      const closed = yield* closing(close)
      yield* gate.arrived
      yield* turns(20)
      expect(closed.pollUnsafe()).toBeUndefined()
      expect(stateOf(running)).toBe("running.stopping")
      yield* gate.open
      yield* Fiber.join(closed)
      for (const job of [running, paused, queued]) {
        expect(stateOf(job)).toBe("cancelled")
        expect(yield* errorOf(job)).toMatchObject({ _tag: "JobCancelled", jobId: job.id })
        expect(tagsOf(yield* eventsOf(job)).at(-1)).toBe("JobHalted")
      }
    })
  )

  it.effect("releases what agents acquired for their job", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine())
      const log: Array<string> = []
      const holds = Agent.make("holds", {
        execute: () =>
          Effect.acquireRelease(
            Effect.sync(() => log.push("acquired")),
            () =>
              Effect.andThen(
                Effect.promise(() => new Promise((resolve) => setImmediate(resolve))),
                () => {
                  log.push("released")
                  return Effect.void
                }
              )
          ).pipe(Effect.andThen(Effect.never))
      })
      yield* use(Engine.start(Program.make("holds", { input: noInput, agents: [holds] }), {}))
      yield* until(() => log.length === 1)
      yield* close
      expect(log).toEqual(["acquired", "released"])
    })
  )

  it.effect("takes no more jobs, while it closes and after", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine())
      const { gate, program } = reluctant()
      const job = yield* use(Engine.start(program, {}))
      yield* untilAtWork(job)
      const closed = yield* closing(close)
      yield* gate.arrived
      const expectRefused = Effect.gen(function* () {
        const calls: ReadonlyArray<Effect.Effect<unknown, unknown, Engine.Engine>> = [
          Engine.start(idle, {}),
          Engine.run(idle, {}),
          Engine.start(idle, {}, { id: job.id })
        ]
        for (const call of calls) {
          const error = yield* failure(use(call))
          expect(error).toBeInstanceOf(JobError.AdmissionRejected)
          expect(error).toMatchObject({ reason: "shutting-down" })
        }
      })
      yield* expectRefused
      yield* gate.open
      yield* Fiber.join(closed)
      yield* expectRefused
    })
  )

  it.effect("begins no task of a cycle that waits for its turn of the event loop", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine())
      const { program, seen } = stuck()
      const job = yield* use(Engine.start(program, {}))
      // The slice is over when the tasks are selected, so they would begin a turn later.
      job.actor.subscribe(() => {
        if (stateOf(job) === "running.executing") while (!isSliceOver());
      })
      yield* until(() => stateOf(job) === "running.executing")
      expect(seen.began).toBe(0)
      yield* close
      expect(yield* errorOf(job)).toMatchObject({ _tag: "JobCancelled" })
      expect(seen.began).toBe(0)
    })
  )

  it.effect("and has nothing to do is closed at once; jobs that have ended keep their result", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine({ drainTimeout: "1 hour" }))
      const job = yield* use(Engine.start(counter(2), {}))
      const result = yield* job.result
      yield* close
      expect(yield* job.result).toBe(result)
      expect(result.context.size(Num)).toBe(3)
      expect(yield* job.status).toMatchObject({ state: "converged" })
      yield* job.cancel
      expect(yield* failure(job.signal([num(9)]))).toMatchObject({ _tag: "JobHalted", status: "converged" })
    })
  )

  it.effect("is closed, and gives places on, also if a clock fails at the end of a job", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine({ maxRunningJobs: 1 }))
      let isBroken = false
      const failing = <A>(time: A): A => {
        if (isBroken) throw new Error("the clock failed")
        return time
      }
      const clock = yield* Clock.Clock
      const own: Clock.Clock = {
        sleep: (duration) => clock.sleep(duration),
        currentTimeMillis: clock.currentTimeMillis,
        currentTimeNanos: clock.currentTimeNanos,
        monotonicTimeNanos: clock.monotonicTimeNanos,
        currentTimeMillisUnsafe: () => failing(clock.currentTimeMillisUnsafe()),
        currentTimeNanosUnsafe: () => failing(clock.currentTimeNanosUnsafe()),
        monotonicTimeNanosUnsafe: () => failing(clock.monotonicTimeNanosUnsafe())
      }
      const start = Effect.provideService(use(Engine.start(stuck().program, {})), Clock.Clock, own)
      const first = yield* start
      const second = yield* use(Engine.start(stuck().program, {}))
      yield* untilAtWork(first)
      isBroken = true
      yield* first.cancel
      expect(yield* Effect.exit(first.result)).toMatchObject({ _tag: "Failure" })
      expect(tagsOf(yield* eventsOf(first)).at(-1)).toBe("JobHalted")
      yield* untilAtWork(second)
      yield* close
      expect(yield* errorOf(second)).toMatchObject({ _tag: "JobCancelled" })
    })
  )

  it.effect("answers whoever waits for a signal or a pause", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine())
      const job = yield* use(Engine.start(stuck().program, {}))
      yield* untilAtWork(job)
      const signalled = yield* Effect.forkChild(failure(job.signal([num(1)])), { startImmediately: true })
      const paused = yield* Effect.forkChild(failure(job.pause), { startImmediately: true })
      yield* close
      for (const fiber of [signalled, paused]) {
        expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "JobHalted", status: "cancelled" })
      }
    })
  )

  it.effect("cancels a job whose caller runs it, with a typed end", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine())
      const { program, seen } = stuck()
      const run = yield* Effect.forkChild(failure(use(Engine.run(program, {}))))
      yield* until(() => seen.began === 1)
      yield* close
      expect(yield* Fiber.join(run)).toMatchObject({ _tag: "JobCancelled", partial: { status: "cancelled" } })
      expect(seen.released).toBe(1)
    })
  )
})

describe("a job that is still being seeded", () => {
  it.effect("is refused when its seeds are in, and leaves nothing", () =>
    Effect.gen(function* () {
      const created = Deferred.makeUnsafe<void>()
      const journal: Array<string> = []
      const store = {
        create: ({ jobId }: { readonly jobId: string }) => {
          journal.push(`create ${jobId}`)
          return Effect.as(Deferred.await(created), 1)
        },
        halt: (jobId: string, _: number, { status }: { readonly status: string }) =>
          Effect.sync(() => void journal.push(`halt ${jobId} ${status}`))
      }
      const { close, service, use } = yield* openEngine(engineOver({ store }))
      const starting = yield* Effect.forkChild(failure(use(Engine.start(counter(3), {}, { id: "young" }))))
      yield* until(() => journal.length === 1)
      expect(yield* service.live).toHaveLength(1)
      yield* close
      yield* Deferred.succeed(created, undefined)
      expect(yield* Fiber.join(starting)).toMatchObject({ _tag: "AdmissionRejected", reason: "shutting-down" })
      expect(yield* service.live).toEqual([])
      expect(journal).toEqual(["create young", "halt young cancelled"])
    })
  )

  it.effect("does not begin to run while others drain", () =>
    Effect.gen(function* () {
      const created = Deferred.makeUnsafe<void>()
      let asked = 0
      const store = {
        create: () => Effect.as(++asked === 2 ? Deferred.await(created) : Effect.void, 1),
        append: () => Effect.void,
        halt: () => Effect.void
      }
      const { close, use } = yield* openEngine(engineOver({ store }, { drainTimeout: "1 minute" }))
      const gate = makeGate()
      const job = yield* use(Engine.start(counter(0, { before: () => gate.arrive }), {}))
      yield* gate.arrived
      const starting = yield* Effect.forkChild(failure(use(Engine.start(idle, {}))))
      yield* until(() => asked === 2)
      const closed = yield* closing(close)
      yield* Deferred.succeed(created, undefined)
      expect(yield* Fiber.join(starting)).toMatchObject({ reason: "shutting-down" })
      expect(closed.pollUnsafe()).toBeUndefined()
      yield* gate.open
      yield* Fiber.join(closed)
      expect((yield* job.result).status).toBe("converged")
    })
  )
})

describe("drainTimeout", () => {
  it.effect("lets running jobs end within it; the engine is closed as soon as they have", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine({ drainTimeout: "10 seconds" }))
      const gate = makeGate()
      const job = yield* use(Engine.start(counter(3, { before: (n) => (n === 1 ? gate.arrive : Effect.void) }), {}))
      yield* gate.arrived
      const closed = yield* closing(close)
      yield* TestClock.adjust("9 seconds")
      yield* turns(10)
      expect(closed.pollUnsafe()).toBeUndefined()
      expect(yield* failure(use(Engine.start(idle, {})))).toMatchObject({ reason: "shutting-down" })
      yield* gate.open
      yield* Fiber.join(closed)
      expect(yield* job.result).toMatchObject({ status: "converged", output: 4 })
    })
  )

  it.effect("then cancels the rest, and waits for them", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine({ drainTimeout: "10 seconds" }))
      const { gate, program } = reluctant()
      const job = yield* use(Engine.start(program, {}))
      const quick = yield* use(Engine.start(counter(2), {}))
      yield* untilAtWork(job)
      const closed = yield* closing(close)
      expect((yield* quick.result).status).toBe("converged")
      yield* TestClock.adjust("9999 millis")
      yield* turns(10)
      expect(stateOf(job)).toBe("running.executing")
      yield* TestClock.adjust("1 millis")
      yield* gate.arrived
      yield* TestClock.adjust("1 hour")
      expect(closed.pollUnsafe()).toBeUndefined()
      yield* gate.open
      yield* Fiber.join(closed)
      expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled" })
    })
  )

  it.effect("is for running jobs: those that wait for a place get none any more, and are cancelled", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine({ maxRunningJobs: 1, drainTimeout: "10 seconds" }))
      const gate = makeGate()
      const job = yield* use(Engine.start(counter(0, { before: () => gate.arrive }), {}))
      const { program, seen } = stuck()
      const queued = yield* use(Engine.start(program, {}))
      yield* gate.arrived
      const closed = yield* closing(close)
      yield* gate.open
      yield* Fiber.join(closed)
      expect((yield* job.result).status).toBe("converged")
      expect(yield* failure(queued.result)).toMatchObject({ _tag: "JobCancelled" })
      expect(seen.began).toBe(0)
    })
  )

  it.effect("does not hold for jobs that fail meanwhile, or are cancelled by others", () =>
    Effect.gen(function* () {
      const { close, use } = yield* openEngine(engine({ drainTimeout: "10 seconds" }))
      const gate = makeGate()
      const fails = Agent.make("fails", { execute: () => Effect.andThen(gate.arrive, Effect.fail("no")) })
      const failing = yield* use(Engine.start(Program.make("fails", { input: noInput, agents: [fails] }), {}))
      const job = yield* use(Engine.start(stuck().program, {}))
      yield* gate.arrived
      const closed = yield* closing(close)
      yield* job.cancel
      yield* gate.open
      yield* Fiber.join(closed)
      expect(yield* failure(failing.result)).toMatchObject({ _tag: "AgentFailed", error: "no" })
    })
  )
})
