/**
 * G9: every end is typed, and every error carries the partial result. A fault of what surrounds the job (its store, its
 * pool, its clock, who watches it) ends it as a typed error or as a defect; none leaves anybody waiting.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, Fact, Invariant, type Job, JobError, JobStore, Program } from "../../src/index.ts"
import type { CpuOutcome } from "../../src/workers/WorkerPool.ts"
import {
  anyProgram,
  counter,
  ended,
  engine,
  engineOver,
  entry,
  Entry,
  eventsOf,
  failure,
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
  until
} from "../support/behaviour/harness.ts"
import { discardAll } from "../support/core/lenient.ts"

/** An effect with a key that does not exist. */
const odd: object = { fact: [] }

/** Seeds a fact, adds another in cycle 1, and does its worst in cycle 2. */
const worst = (name: string, agent: Partial<Parameters<typeof Agent.make>[1]>, program: object = {}) =>
  anyProgram(
    Program.make(name, {
      input: noInput,
      agents: [
        Agent.make("first", { writes: [Entry], execute: () => Effect.succeed({ facts: [entry("first")] }) }),
        Agent.make("worst", {
          each: Entry,
          writes: [Num],
          execute: () => Effect.succeed({}),
          ...agent
        } as unknown as {
          readonly each: typeof Entry
          readonly writes: [typeof Num]
          readonly execute: () => Effect.Effect<{}, { readonly why: string }>
        })
      ],
      kinds: [Num],
      seed: () => [num(0)],
      ...program
    })
  )

/** One program for each way to end, but for those that a pool of threads or a store makes. */
const ends: Readonly<Record<string, { readonly program: ReturnType<typeof worst>; readonly fields: object }>> = {
  AgentFailed: {
    program: worst("AgentFailed", { execute: () => Effect.fail({ why: "it rained" }) }),
    fields: { agent: "worst", cycle: 2, error: { why: "it rained" } }
  },
  AgentPanicked: {
    program: worst("AgentPanicked", { execute: () => Effect.die(new Error("boom")) }),
    fields: { agent: "worst", cycle: 2, message: "boom", stack: expect.stringContaining("boom") }
  },
  AgentTimedOut: {
    program: worst("AgentTimedOut", { execute: () => Effect.never, timeout: "2 seconds" }),
    fields: { agent: "worst", cycle: 2, timeoutMs: 2_000 }
  },
  InvalidEffect: {
    program: worst("InvalidEffect", { execute: () => Effect.succeed(odd) }),
    fields: { agent: "worst", cycle: 2, message: expect.stringContaining('"fact"') }
  },
  MergeConflict: {
    program: worst("MergeConflict", {
      writes: [Entry],
      execute: () => Effect.succeed({ facts: [entry("first", "another")] })
    }),
    fields: {
      kind: "Entry",
      id: "first",
      existing: { key: "first", text: "first" },
      proposed: { key: "first", text: "another" },
      agents: ["first", "worst"],
      cycle: 2
    }
  },
  BudgetExhausted: {
    program: worst(
      "BudgetExhausted",
      { execute: () => Effect.succeed({ facts: nums(1, 9) }) },
      { budget: { maxFacts: 5 } }
    ),
    fields: { budget: "facts", used: 2, limit: 5, spender: "worst", cycle: 2 }
  },
  InvariantViolated: {
    program: worst(
      "InvariantViolated",
      { execute: () => Effect.succeed({ facts: [num(13)] }) },
      { invariants: [Invariant.structural("luck", (view) => view.size(Num) < 2 || "unlucky", { reads: [Num] })] }
    ),
    fields: { name: "luck", class: "structural", reason: "unlucky", facts: [{ kind: "Num", id: "13" }], cycle: 2 }
  },
  ProgramPanicked: {
    program: worst(
      "ProgramPanicked",
      {},
      {
        output: () => {
          throw new Error("no words")
        }
      }
    ),
    fields: { phase: "output", message: "no words", stack: expect.stringContaining("no words") }
  }
}

/** The class of the error with a tag. */
const classOf = (tag: string): new () => Error => new Map(Object.entries(JobError)).get(tag) as never

const expectPartial = (
  error: { readonly _tag: string; readonly partial: Job.JobResult.Partial },
  status: string
): void => {
  const { partial } = error
  expect(partial).toMatchObject({ status, program: error._tag, version: 2 })
  // The context can be read, and holds what was committed.
  expect(partial.context.facts().map(({ id, kind }) => `${kind}/${id}`)).toEqual(["Num/0", "Entry/first"])
  expect(partial.context.hash).toBe(partial.hash)
  expect(partial.output).toBeUndefined()
  expect(partial.usage.facts).toBe(2)
}

describe("an agent, a merge, a budget or the program itself ends a job", () => {
  it.effect.each(Object.keys(ends))("%s, with the fields of the contract and the partial result", (tag) =>
    Effect.gen(function* () {
      const { fields, program } = ends[tag]!
      const job = yield* Engine.start(program, {})
      const over = yield* Effect.forkChild(ended(job.result), {
        startImmediately: true
      })
      if (tag === "AgentTimedOut") {
        yield* turns(10)
        yield* TestClock.adjust("2 seconds")
      }
      const error = yield* Fiber.join(over)
      expect(error._tag).toBe(tag)
      expect(error).toBeInstanceOf(classOf(tag))
      expect(error).toBeInstanceOf(Error)
      expect(error).toMatchObject({ jobId: job.id, ...fields })
      expectPartial(error, tag === "BudgetExhausted" ? "budget-exhausted" : "failed")
      expect(error.partial.jobId).toBe(job.id)
      // The log and the status say the same.
      const last = (yield* eventsOf(job)).at(-1)
      expect(last).toMatchObject({ _tag: "JobHalted", status: error.partial.status, hash: error.partial.hash })
      expect(last).toHaveProperty("error._tag", tag)
      expect(last).not.toHaveProperty("error.stack")
      expect(JSON.parse(JSON.stringify(JobError.toJson(error)))).toMatchObject({ _tag: tag })
      expect(job.actor.getSnapshot()).toMatchObject({ status: "done", context: { halt: { error: tag } } })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("JobCancelled", () =>
    Effect.gen(function* () {
      const { program, seen } = stuck()
      const job = yield* Engine.start(program, {})
      yield* until(() => seen.began === 1)
      yield* job.cancel
      const error = yield* failure(job.result)
      expect(error).toBeInstanceOf(JobError.JobCancelled)
      expect(error).toMatchObject({ jobId: job.id, cycle: 0, partial: { status: "cancelled" } })
    }).pipe(Effect.provide(engine()))
  )

  const threaded: ReadonlyArray<readonly [string, CpuOutcome["result"]]> = [
    ["AgentOutOfMemory", { _tag: "AgentOutOfMemory", agent: "cpu", cycle: 1, limitMb: 64 }],
    ["WorkerCrashed", { _tag: "WorkerCrashed", agent: "cpu", cycle: 1, exitCode: 9 }]
  ]
  it.effect.each(threaded)("%s, as the pool reports it", ([tag, result]) =>
    Effect.gen(function* () {
      const cpu = Agent.cpu("cpu", { execute: () => ({}) })
      const program = Program.make("cpu", { module: import.meta.url, input: noInput, agents: [cpu] })
      const error = yield* ended(Engine.run(program, {}))
      expect(error).toMatchObject({ ...result, partial: { status: "failed", version: 0, cycles: 1 } })
      expect(error).toBeInstanceOf(classOf(tag))
    }).pipe(Effect.provide(engineOver({ pool: { execute: () => Effect.succeed([{ result, cpuMs: 0 }]) } })))
  )

  it.effect("the first failing task in merge order ends the job, the others are diagnostics", () =>
    Effect.gen(function* () {
      const fails = (name: string, wait: number) =>
        Agent.make(name, { execute: () => Effect.andThen(turns(wait), Effect.fail(name)) })
      const program = Program.make("three", { input: noInput, agents: [fails("a", 9), fails("b", 5), fails("c", 1)] })
      const error = yield* ended(Engine.run(program, {}))
      expect(error).toMatchObject({ _tag: "AgentFailed", agent: "a", error: "a" })
      expect(error.partial?.diagnostics.map(({ agent }) => agent)).toEqual(["b", "c"])
    }).pipe(Effect.provide(engine()))
  )
})

describe("the program's own functions", () => {
  const boom = (): never => {
    throw new Error("boom")
  }

  it.effect("a throw in accepts is that agent's panic, and it has not run", () =>
    Effect.gen(function* () {
      let ran = 0
      const panics = Agent.make("panics", { accepts: boom, execute: () => Effect.sync(() => (ran++, {})) })
      const error = yield* ended(Engine.run(Program.make("accepts", { input: noInput, agents: [panics] }), {}))
      expect(error).toMatchObject({ _tag: "AgentPanicked", agent: "panics", message: "boom" })
      expect(ran).toBe(0)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a throw in a kind's id, on a later call, is the panic of the agent that proposed", () =>
    Effect.gen(function* () {
      let calls = 0
      const Shy = Fact.kind("Shy", { schema: Num.schema, id: ({ n }) => (++calls > 3 ? boom() : String(n)) })
      const adds = Agent.make("adds", {
        each: Shy,
        writes: [Shy],
        execute: ({ value: { n } }) => Effect.succeed({ facts: [Shy.of({ n: n + 1 })] })
      })
      const program = Program.make("id", { input: noInput, agents: [adds], seed: () => [Shy.of({ n: 0 })] })
      const error = yield* ended(Engine.run(program, {}))
      expect(error).toMatchObject({ _tag: "AgentPanicked", agent: "adds", message: "boom", partial: { version: 3 } })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a throw in a combining function is the panic of the later agent, and discards its effect alone", () =>
    Effect.gen(function* () {
      const Joined = Fact.kind("Joined", { schema: Entry.schema, id: ({ key }) => key, conflict: boom })
      const adds = (name: string) =>
        Agent.make(name, {
          writes: [Joined, Num],
          onFailure: discardAll,
          execute: () => Effect.succeed({ facts: [num(name.charCodeAt(0)), Joined.of({ key: "k", text: name })] })
        })
      const program = Program.make("joined", { input: noInput, agents: [adds("a"), adds("b")] })
      const result = yield* Engine.run(program, {})
      expect(result.context.facts().map(({ id }) => id)).toEqual(["97", "k"])
      expect(result.diagnostics).toMatchObject([{ agent: "b", cause: { _tag: "AgentPanicked", message: "boom" } }])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a throw in an invariant of each class is the program's panic", () =>
    Effect.gen(function* () {
      for (const make of [Invariant.structural, Invariant.semantic, Invariant.acceptance]) {
        const program = Program.make("invariant", {
          input: noInput,
          agents: [Agent.make("adds", { writes: [Num], execute: () => Effect.succeed({ facts: [num(1)] }) })],
          invariants: [make("boom", boom)]
        })
        expect(yield* ended(Engine.run(program, {}))).toMatchObject({
          _tag: "ProgramPanicked",
          phase: "invariant",
          message: "boom",
          partial: { status: "failed" }
        })
      }
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a throw of something that is no error is described", () =>
    Effect.gen(function* () {
      for (const thrown of [undefined, null, 3, "text", { a: 1 }, Object.create(null) as object]) {
        const throws = Agent.make("throws", {
          execute: (): Effect.Effect<{}> => {
            throw thrown
          }
        })
        const error = yield* ended(Engine.run(Program.make("throws", { input: noInput, agents: [throws] }), {}))
        expect(error).toMatchObject({ _tag: "AgentPanicked", agent: "throws" })
      }
    }).pipe(Effect.provide(engine()))
  )

  it.effect("messages and stacks are bounded", () =>
    Effect.gen(function* () {
      const throws = Agent.make("throws", { execute: () => Effect.die(new Error("x".repeat(1_000_000))) })
      const error = yield* ended(Engine.run(Program.make("throws", { input: noInput, agents: [throws] }), {}))
      if (error._tag !== "AgentPanicked") return expect.unreachable()
      expect(error.message.length).toBeLessThan(10_000)
      expect(error.stack.length).toBeLessThan(10_000)
    }).pipe(Effect.provide(engine()))
  )
})

describe("the store", () => {
  const refusing = (op: "append" | "create" | "halt", how: Effect.Effect<never, JobStore.StoreError>) =>
    engineOver({
      store: {
        [op]: (_: unknown, __: unknown, row: unknown) =>
          op === "append" && (row as { cycle: number }).cycle < 3 ? Effect.void : how
      }
    })
  const hows: ReadonlyArray<readonly [string, Effect.Effect<never, JobStore.StoreError>]> = [
    ["fails", Effect.fail(new JobStore.StoreError({ reason: "full", message: "disk full" }))],
    ["dies", Effect.die(new Error("disk full"))],
    ["interrupts itself", Effect.interrupt]
  ]

  it.effect.each(hows)(
    "whose append %s ends the job with StoreFailed, and the cycle is not in the result",
    ([name, how]) =>
      Effect.gen(function* () {
        const gate = makeGate()
        const job = yield* Engine.start(counter(9, { before: (n) => (n === 2 ? gate.arrive : Effect.void) }), {})
        yield* gate.arrived
        const sent = yield* Effect.forkChild(failure(job.signal([num(99)])), { startImmediately: true })
        yield* gate.open
        const error = yield* failure(job.result)
        expect(error).toMatchObject({
          _tag: "StoreFailed",
          cycle: 3,
          partial: { status: "failed", cycles: 2, version: 3 }
        })
        // The message of a store may name files; its reason does not.
        expect(error.message).toBe(`the store did not take cycle 3: ${name === "fails" ? "full" : "failed"}`)
        expect(error.partial.context.size(Num)).toBe(3)
        expect(yield* Fiber.join(sent)).toMatchObject({ _tag: "JobHalted", status: "failed" })
        expect(tagsOf(yield* eventsOf(job)).at(-1)).toBe("JobHalted")
      }).pipe(Effect.provide(refusing("append", how)))
  )

  it.effect.each(hows)("whose create %s ends the job with StoreFailed before its first cycle", ([, how]) =>
    Effect.gen(function* () {
      const error = yield* ended(Engine.run(counter(3), {}))
      expect(error).toMatchObject({ _tag: "StoreFailed", cycle: 0, partial: { cycles: 0, version: 1 } })
    }).pipe(Effect.provide(refusing("create", how)))
  )

  it.effect.each(hows)("whose halt %s does not change how the job ended", ([, how]) =>
    Effect.gen(function* () {
      expect((yield* Engine.run(counter(3), {})).status).toBe("converged")
    }).pipe(Effect.provide(refusing("halt", how)))
  )

  it.effect("that fails at the cycle in which the job halts anyway wins: what is not stored did not happen", () =>
    Effect.gen(function* () {
      const error = yield* ended(Engine.run(counter(9, { budget: { maxFacts: 3 } }), {}))
      expect(error).toMatchObject({ _tag: "StoreFailed", cycle: 3 })
    }).pipe(
      Effect.provide(refusing("append", Effect.fail(new JobStore.StoreError({ reason: "failed", message: "no" }))))
    )
  )

  it.effect("that serves two engines keeps their journals apart: a taken id ends the second job, not the first", () =>
    Effect.gen(function* () {
      const store = yield* Effect.provide(JobStore.JobStore, JobStore.layerMemory)
      const first = yield* openEngine(engineOver({ store }))
      const second = yield* openEngine(engineOver({ store }))
      const gate = makeGate()
      const job = yield* first.use(Engine.start(counter(2, { before: () => gate.arrive }), {}, { id: "x" }))
      yield* gate.arrived
      expect(yield* ended(second.use(Engine.run(counter(2), {}, { id: "x" })))).toMatchObject({
        _tag: "StoreFailed",
        cycle: 0,
        reason: "exists"
      })
      yield* gate.open
      expect((yield* job.result).output).toBe(3)
      yield* first.close
      yield* second.close
    })
  )

  it.effect("that has a journal of a start which was interrupted is told that it ended", () => {
    const gate = makeGate()
    const told: Array<string> = []
    const layer = engineOver({
      store: {
        create: () => Effect.as(gate.arrive, 1),
        append: () => Effect.void,
        halt: (jobId, _, { status }) => Effect.sync(() => told.push(`${jobId} ${status}`))
      }
    })
    return Effect.gen(function* () {
      const start = yield* Effect.forkChild(Engine.start(counter(1), {}, { id: "one" }), { startImmediately: true })
      yield* gate.arrived
      const interrupted = yield* Effect.forkChild(Fiber.interrupt(start), { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(interrupted)
      expect(told).toEqual(["one cancelled"])
      expect(yield* (yield* Engine.Engine).live).toEqual([])
      expect((yield* Engine.run(counter(1), {}, { id: "one" })).status).toBe("converged")
    }).pipe(Effect.provide(layer))
  })
})

describe("the pool", () => {
  const cpu = Program.make("cpu", {
    module: import.meta.url,
    input: noInput,
    agents: [Agent.make("other", { execute: () => Effect.as(turns(3), {}) }), Agent.cpu("cpu", { execute: () => ({}) })]
  })

  it.effect("that dies ends the job as a defect, and nobody waits", () => {
    const gate = makeGate()
    const layer = engineOver(
      { pool: { execute: () => Effect.andThen(gate.arrive, Effect.die(new Error("no threads"))) } },
      { maxRunningJobs: 1 }
    )
    return Effect.gen(function* () {
      const job = yield* Engine.start(cpu, {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(failure(job.pause), { startImmediately: true })
      yield* gate.open
      const exit = yield* Effect.exit(job.result)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({ message: "no threads" })
      expect(yield* Fiber.join(paused)).toMatchObject({ _tag: "JobHalted", status: "failed" })
      yield* job.cancel
      expect(yield* failure(job.signal([]))).toMatchObject({ _tag: "JobHalted" })
      expect(yield* failure(job.pause)).toMatchObject({ _tag: "JobHalted" })
      expect((yield* eventsOf(job)).at(-1)).toMatchObject({ _tag: "JobHalted", status: "failed" })
      expect(yield* job.status).toMatchObject({ state: "failed" })
      yield* turn
      expect(stateOf(job)).toBe("failed")
      expect(yield* (yield* Engine.Engine).live).toEqual([])
      // The engine is none the worse.
      expect((yield* Engine.run(counter(2), {})).output).toBe(3)
    }).pipe(Effect.provide(layer))
  })

  it.effect("that dies when it is told to forget a job does not change how the job ended", () =>
    Effect.gen(function* () {
      expect((yield* Engine.run(counter(3), {})).status).toBe("converged")
    }).pipe(Effect.provide(engineOver({ pool: { release: () => Effect.die("no") } })))
  )
})

describe("who watches", () => {
  it.effect("an inspection observer that throws is told no more, and the job goes on", () =>
    Effect.gen(function* () {
      for (const fails of [1, 2, 5, 9, 20]) {
        let told = 0
        const observer = {
          next: () => {
            if (++told === fails) throw new Error("I saw nothing")
          }
        }
        for (const inspect of [observer, observer.next]) {
          told = 0
          const job = yield* Effect.provideService(Engine.start(counter(3), {}), Engine.inspect, inspect)
          expect((yield* job.result).output).toBe(4)
          expect(told).toBe(fails)
        }
      }
      expect(yield* (yield* Engine.Engine).live).toEqual([])
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1, maxQueuedJobs: 0 })))
  )

  it.effect("an inspection observer that steers the job does not confuse it", () =>
    Effect.gen(function* () {
      for (let at = 1; at < 25; at++) {
        for (const type of ["CANCEL", "PAUSE"] as const) {
          let told = 0
          const job: Pick<Job.Job<Program.Program.Any>, "actor" | "resume" | "result"> = yield* Effect.provideService(
            Engine.start(counter(3), {}),
            Engine.inspect,
            (event) => {
              // In the middle of the actor's own step: it takes the event after that.
              if (event.type !== "@xstate.actor" && ++told === at && event.actorRef === job.actor)
                job.actor.send({ type })
            }
          )
          if (type === "PAUSE") {
            yield* turns(10)
            yield* Effect.ignore(job.resume)
          }
          const exit = yield* Effect.exit(job.result)
          if (type === "PAUSE") expect(Exit.isSuccess(exit)).toBe(true)
        }
      }
      expect(yield* (yield* Engine.Engine).live).toEqual([])
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1, maxQueuedJobs: 0 })))
  )
})

describe("the clock", () => {
  it.effect("that dies, now or later, ends the job as a defect", () =>
    Effect.gen(function* () {
      const real = yield* Clock.Clock
      let failsAt = 1
      for (; ; failsAt++) {
        let asked = 0
        const dying =
          <A>(now: () => A) =>
          (): A => {
            // A time that is only shown is the last one, if the clock fails.
            if (new Error().stack?.includes("shownMs") === true) return now()
            if (++asked === failsAt) throw new Error("out of time")
            return now()
          }
        const currentTimeMillisUnsafe = dying(() => real.currentTimeMillisUnsafe())
        const clock: Clock.Clock = Object.assign(Object.create(real) as Clock.Clock, {
          currentTimeMillisUnsafe,
          currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
          monotonicTimeNanosUnsafe: dying(() => real.monotonicTimeNanosUnsafe())
        })
        const job = yield* Effect.provideService(
          Engine.start(counter(2), {}, { id: `at ${failsAt}` }),
          Clock.Clock,
          clock
        )
        const exit = yield* Effect.exit(job.result)
        expect((yield* eventsOf(job)).at(-1)?._tag).toBe("JobHalted")
        yield* job.cancel
        // From here on the job is over before the clock dies.
        if (Exit.isSuccess(exit)) break
        const error = Cause.squash(exit.cause)
        // A journal has a time, too.
        const isOfStore = typeof error === "object" && error !== null && "_tag" in error && error._tag === "StoreFailed"
        expect(error).toMatchObject(isOfStore ? { reason: "failed" } : { message: "out of time" })
      }
      // A job without a limit of time asks the clock when it starts and when it ends.
      expect(failsAt).toBeGreaterThan(2)
      expect(yield* (yield* Engine.Engine).live).toEqual([])
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1, maxQueuedJobs: 0 })))
  )
})
