/**
 * Admission: how many jobs an engine runs, how many wait, and what it refuses before a job exists.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { Agent, Engine, JobError, Program } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import {
  counter,
  engine,
  entry,
  Entry,
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
  untilAtWork
} from "../support/behaviour/harness.ts"

/** A job that ends when its gate is opened. */
const gated = () => {
  const gate = makeGate()
  return { gate, program: counter(0, { before: () => gate.arrive }) }
}

const liveIds = Effect.flatMap(Engine.Engine, (service) =>
  Effect.map(service.live, (jobs) => jobs.map(({ jobId }) => jobId))
)

const stateNow = (job: { readonly status: Effect.Effect<{ readonly state: string }> }) =>
  Effect.map(job.status, ({ state }) => state)

describe("places", () => {
  it.effect("as many jobs run as there are places; the others wait, and start in the order they came", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const parts = ["a", "b", "c", "d", "e"].map((id) => {
        const gate = makeGate()
        const note = Effect.sync(() => void order.push(id))
        return { id, gate, program: counter(0, { before: () => Effect.andThen(note, gate.arrive) }) }
      })
      const jobs = yield* Effect.forEach(parts, ({ id, program }) => Engine.start(program, {}, { id }))
      yield* turns(10)
      expect(order).toEqual(["a", "b"])
      expect(yield* Effect.forEach(jobs, stateNow)).toEqual(["running", "running", "queued", "queued", "queued"])
      expect(yield* jobs[2]!.status).toMatchObject({ phase: undefined, cycle: 0, tier: -1, version: 1 })
      expect(yield* liveIds).toEqual(["a", "b", "c", "d", "e"])
      yield* parts[1]!.gate.open
      yield* jobs[1]!.result
      yield* parts[2]!.gate.arrived
      expect(order).toEqual(["a", "b", "c"])
      for (const { gate } of parts) yield* gate.open
      for (const job of jobs) expect((yield* job.result).status).toBe("converged")
      expect(order).toEqual(["a", "b", "c", "d", "e"])
      expect(yield* liveIds).toEqual([])
    }).pipe(Effect.provide(engine({ maxRunningJobs: 2 })))
  )

  it.effect("one is free again however a job ends, and whoever waited for the end finds it free", () =>
    Effect.gen(function* () {
      const fails = Agent.make("fails", { execute: () => Effect.fail("no") })
      const endings = [
        Engine.run(counter(3), {}),
        failure(Engine.run(Program.make("fails", { input: noInput, agents: [fails] }), {})),
        failure(Engine.run(counter(9), {}, { budget: { maxCycles: 2 } })),
        Effect.flatMap(Engine.start(stuck().program, {}), (job) => job.cancel),
        Effect.flatMap(Effect.forkChild(Engine.run(stuck().program, {})), Fiber.interrupt),
        Effect.flatMap(Engine.start(stuck().program, {}), (job) => {
          job.actor.stop()
          return failure(job.result)
        })
      ]
      for (const ending of [...endings, ...endings]) yield* ending
      expect(yield* liveIds).toEqual([])
      expect((yield* Engine.run(counter(1), {})).status).toBe("converged")
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1, maxQueuedJobs: 0 })))
  )

  it.effect("a paused job keeps its place", () =>
    Effect.gen(function* () {
      const { gate, program } = gated()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
      const waiting = yield* Engine.start(idle, {})
      yield* gate.open
      yield* Fiber.join(paused)
      yield* turns(10)
      expect(yield* stateNow(waiting)).toBe("queued")
      yield* job.resume
      expect((yield* waiting.result).status).toBe("converged")
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )
})

describe("a queue that is full", () => {
  it.effect("refuses the next job, until a place frees", () =>
    Effect.gen(function* () {
      const { gate, program } = gated()
      const holder = yield* Engine.start(program, {})
      const waiting = yield* Engine.start(idle, {})
      const error = yield* failure(Engine.start(idle, {}, { id: "refused" }))
      expect(error).toBeInstanceOf(JobError.AdmissionRejected)
      expect(error).toMatchObject({ reason: "queue-full", message: "not admitted: queue-full" })
      expect(yield* failure(Engine.run(idle, {}))).toMatchObject({ _tag: "AdmissionRejected", reason: "queue-full" })
      expect(yield* liveIds).toEqual([holder.id, waiting.id])
      yield* gate.open
      yield* waiting.result
      expect((yield* Engine.run(idle, {}, { id: "refused" })).jobId).toBe("refused")
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1, maxQueuedJobs: 1 })))
  )

  it.effect("has room again when one that waits is cancelled, which then never runs", () =>
    Effect.gen(function* () {
      const holder = yield* Engine.start(stuck().program, {})
      const { program, seen } = stuck()
      const waiting = yield* Engine.start(program, {}, { id: "waits" })
      yield* waiting.cancel
      expect(yield* waiting.status).toMatchObject({ state: "cancelled", cycle: 0 })
      expect(stateOf(waiting)).toBe("cancelled")
      expect(yield* failure(waiting.result)).toMatchObject({ _tag: "JobCancelled", jobId: "waits", cycle: 0 })
      expect(tagsOf(yield* eventsOf(waiting))).toEqual(["JobStarted", "JobHalted"])
      const next = yield* Engine.start(idle, {}, { id: "waits" })
      expect(yield* stateNow(next)).toBe("queued")
      yield* holder.cancel
      expect((yield* next.result).status).toBe("converged")
      expect(seen.began).toBe(0)
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1, maxQueuedJobs: 1 })))
  )

  it.effect("of length 0: a job runs at once or not at all", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(stuck().program, {})
      expect(yield* failure(Engine.start(idle, {}))).toMatchObject({ reason: "queue-full" })
      yield* job.cancel
      expect((yield* Engine.run(idle, {})).status).toBe("converged")
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1, maxQueuedJobs: 0 })))
  )

  it.effect("does not grow past its limit when many start at once", () =>
    Effect.gen(function* () {
      const { program } = stuck()
      const started = yield* Effect.forEach(
        Array.from({ length: 20 }),
        () => Effect.result(Engine.start(program, {})),
        { concurrency: "unbounded" }
      )
      expect(started.filter(({ _tag }) => _tag === "Success")).toHaveLength(5)
      expect(yield* liveIds).toHaveLength(5)
    }).pipe(Effect.provide(engine({ maxRunningJobs: 2, maxQueuedJobs: 3 })))
  )
})

describe("contexts that are too large together", () => {
  /** Seeds so many characters, and waits. */
  const holding = (length: number) =>
    Program.make("holding", {
      input: noInput,
      agents: [Agent.make("waits", { reads: [Entry], execute: () => Effect.never })],
      seed: () => [entry("large", "x".repeat(length))]
    })

  it.effect("have the next job refused until one of them ends; those that are live go on", () =>
    Effect.gen(function* () {
      const first = yield* Engine.start(holding(600), {})
      const second = yield* Engine.start(holding(600), {})
      const error = yield* failure(Engine.start(idle, {}, { id: "refused" }))
      expect(error).toBeInstanceOf(JobError.AdmissionRejected)
      expect(error).toMatchObject({ reason: "memory-pressure", message: "not admitted: memory-pressure" })
      expect(yield* liveIds).toEqual([first.id, second.id])
      expect(yield* stateNow(first)).toBe("running")
      yield* second.cancel
      expect((yield* Engine.run(idle, {}, { id: "refused" })).jobId).toBe("refused")
      yield* first.cancel
    }).pipe(Effect.provide(engine({ maxLiveContextBytes: 1_000 })))
  )

  it.effect("keep a stored job waiting, which is resumed when there is room", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* Effect.provide(
        Engine.start(counter(5, { before: () => Effect.never }), {}, { id: "stored" }),
        engineOnStore(store)
      )
      yield* Effect.gen(function* () {
        const holder = yield* Engine.start(holding(600), {})
        const error = yield* failure(Engine.resume(counter(5), "stored"))
        expect(error).toMatchObject({ _tag: "AdmissionRejected", reason: "memory-pressure" })
        yield* holder.cancel
        const resumed = yield* Engine.resume(counter(5), "stored")
        expect((yield* resumed.result).output).toBe(6)
      }).pipe(Effect.provide(engineOnStore(store, { maxLiveContextBytes: 500 })))
    })
  )

  it.effect("are no reason for anything where no limit is set", () =>
    Effect.gen(function* () {
      const large = yield* Engine.start(holding(1_000_000), {})
      expect((yield* Engine.run(idle, {})).status).toBe("converged")
      yield* large.cancel
    }).pipe(Effect.provide(engine()))
  )
})

describe("a job's id", () => {
  it.effect("must not be that of a live job, running or queued; that of an ended one is free", () =>
    Effect.gen(function* () {
      const running = yield* Engine.start(stuck().program, {}, { id: "one" })
      const queued = yield* Engine.start(idle, {}, { id: "two" })
      for (const id of ["one", "two"]) {
        const error = yield* failure(Engine.start(idle, {}, { id }))
        expect(error).toBeInstanceOf(JobError.InvalidInput)
        expect(error).toMatchObject({ program: "idle", message: `the job id "${id}" is that of a live job` })
      }
      yield* untilAtWork(running)
      yield* running.cancel
      yield* queued.result
      expect((yield* Engine.run(idle, {}, { id: "one" })).jobId).toBe("one")
      expect((yield* Engine.run(idle, {}, { id: "two" })).jobId).toBe("two")
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )

  it.effect("of two starts at the same time with one id, one is refused", () =>
    Effect.gen(function* () {
      const start = Effect.result(Engine.start(counter(3), {}, { id: "same" }))
      const both = yield* Effect.all([start, start], { concurrency: 2 })
      expect(both.map(({ _tag }) => _tag).sort()).toEqual(["Failure", "Success"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is made up where none is given, another one each time", () =>
    Effect.gen(function* () {
      const ids = yield* Effect.forEach(Array.from({ length: 500 }), () =>
        Effect.map(Engine.start(idle, {}), ({ id }) => id)
      )
      expect(new Set(ids).size).toBe(500)
      expect(ids.every((id) => /^[0-9a-z-]{10,}$/.test(id))).toBe(true)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("must be a text that is not empty", () =>
    Effect.gen(function* () {
      for (const id of ["", 7 as never]) {
        const error = yield* failure(Engine.start(idle, {}, { id }))
        expect(error).toMatchObject({ _tag: "InvalidInput", message: "a job's id must be a string that is not empty" })
      }
    }).pipe(Effect.provide(engine()))
  )
})

describe("what does not fit is refused before a job exists", () => {
  const Input = Schema.Struct({ size: Schema.Int })
  const sized = Program.make("sized", {
    input: Input,
    agents: [],
    kinds: [Num, Entry],
    seed: ({ size }) => (size < 0 ? (undefined as never) : [num(size), entry("size")])
  })
  const seeding = (seed: () => unknown) =>
    Program.make("seeding", { input: noInput, agents: [], kinds: [Num], seed: seed as () => [] })

  const refused: Record<string, readonly [Effect.Effect<unknown, unknown, Engine.Engine>, RegExp]> = {
    "an input of the wrong type": [Engine.start(sized, { size: "1" as never }), /^input: .*size/s],
    "an input that lacks a field": [Engine.start(sized, {} as never), /^input: .*size/s],
    "no input": [Engine.start(sized, undefined as never), /^input: /],
    "seeds that are no array": [
      Engine.start(sized, { size: -1 }),
      /^seed: it must return an array of proposals, or another iterable of them$/
    ],
    "seeds that are a text": [
      Engine.start(
        seeding(() => "text"),
        {}
      ),
      /^seed: it must return an array of proposals, or another iterable of them$/
    ],
    "seeds that are a promise of some": [
      Engine.start(
        seeding(() => Promise.resolve([num(1)])),
        {}
      ),
      /^seed: it returned a promise; use a plain function$/
    ],
    "a generator of seeds that throws after some": [
      Engine.start(
        seeding(function* () {
          yield num(1)
          throw new Error("no more seeds today")
        }),
        {}
      ),
      /^seed: no more seeds today$/
    ],
    "a generator whose second seed does not fit": [
      Engine.start(
        seeding(function* () {
          yield num(1)
          yield num(0.5)
        }),
        {}
      ),
      /^seed: facts\[1\] \(Num\): /
    ],
    "a seed that throws": [
      Engine.start(
        seeding(() => {
          throw new Error("no seeds today")
        }),
        {}
      ),
      /^seed: no seeds today$/
    ],
    "a seed that does not fit its schema": [
      Engine.start(
        seeding(() => [num(0.5)]),
        {}
      ),
      /^seed: .*Num/s
    ],
    "a seed of an undeclared kind": [
      Engine.start(
        seeding(() => [entry("a")]),
        {}
      ),
      /^seed: .*Entry/s
    ],
    "a seed that is no proposal": [
      Engine.start(
        seeding(() => [1]),
        {}
      ),
      /^seed: /
    ],
    "two seeds of one id": [
      Engine.start(
        seeding(() => [num(1), num(1)]),
        {}
      ),
      /^seed: .*1/s
    ],
    "a budget that does not exist": [
      Engine.start(idle, {}, { budget: { maxFact: 1 } as never }),
      /^there is no budget "maxFact"; did you mean "maxFacts"\?$/
    ],
    "a budget that is no count": [
      Engine.start(idle, {}, { budget: { maxFacts: -1 } }),
      /^budget\.maxFacts must be a whole number of at least 0, or Infinity, not -1$/
    ],
    "a budget that is no duration": [
      Engine.start(idle, {}, { budget: { maxDuration: "soon" as never } }),
      /^budget\.maxDuration must be a duration such as "5 seconds", not "soon"$/
    ]
  }
  for (const [what, [start, message]] of Object.entries(refused)) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const error = yield* failure(start)
        expect(error).toBeInstanceOf(JobError.InvalidInput)
        expect((error as JobError.InvalidInput).message).toMatch(message)
        expect(yield* liveIds).toEqual([])
        expect((yield* Engine.run(sized, { size: 1 })).version).toBe(2)
      }).pipe(Effect.provide(engine({ maxRunningJobs: 1, maxQueuedJobs: 0 })))
    )
  }

  it.effect("what is no program at all", () =>
    Effect.gen(function* () {
      for (const program of [undefined, {}, { name: "forged" }]) {
        expect(yield* failure(Engine.start(program as never, {} as never))).toBeInstanceOf(JobError.InvalidProgram)
      }
    }).pipe(Effect.provide(engine()))
  )
})
