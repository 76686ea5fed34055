/**
 * G11, durable: a job that was broken off after any cycle goes on from there, and ends as one that never was.
 *
 * Here the store refuses from some row on, as if the process had died; real deaths are in test/integration.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agent, Engine, Program, Provenance } from "../../src/index.ts"
import { comparable, type End, runInline, runToEnd } from "../support/core/run.ts"
import { disturbWith } from "../support/core/chaos.ts"
import { fatal, synthetic } from "../support/core/synthetic.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { counter, ended, eventsOf, failure, makeGate, num, Num, openEngine } from "../support/behaviour/harness.ts"

/** Every derivation there is. */
const derivations = (end: End<typeof synthetic>): string =>
  JSON.stringify(
    end.result.context.facts().map((fact) => {
      const explained = Provenance.explain(end.result.context, fact)
      return [fact.provenance, explained?.trace, explained?.causes.map((cause) => cause.fact.provenance)]
    })
  )

const resumed = <P extends typeof synthetic>(program: P, id: string) =>
  Effect.gen(function* () {
    const job = yield* Engine.resume(program, id)
    const outcome = yield* Effect.result(job.result)
    const events = yield* Stream.runCollect(job.events)
    return outcome._tag === "Success"
      ? { result: outcome.success, error: undefined, events }
      : { result: outcome.failure.partial, error: outcome.failure, events }
  })

describe("a job with everything in it", () => {
  for (const [name, program, input] of [
    ["converges", synthetic, { from: 1 }],
    ["fails", fatal, { from: 4 }]
  ] as const) {
    it.live(`that ${name} ends in the same way after it was broken off in any cycle, as often as that happens`, () =>
      Effect.gen(function* () {
        disturbWith(null)
        const whole = yield* runInline(program, input, { id: "job" })
        const cycles = whole.result.usage.cycles
        for (let at = 0; at <= cycles; at++) {
          const store = yield* journalStore
          const first = yield* Effect.provide(
            runToEnd(program, input, { id: "job" }),
            engineOnStore(brokenOff(store, at))
          )
          const isWhole = first.error?._tag !== "StoreFailed"
          const second = yield* Effect.provide(resumed(program, "job"), engineOnStore(store))
          expect(comparable(second), `broken off after ${at} of ${cycles} cycles`).toEqual(comparable(whole))
          expect(derivations(second)).toBe(derivations(whole))
          expect(second.result.usage.agents).toBe(whole.result.usage.agents)
          if (isWhole) expect(at).toBeGreaterThanOrEqual(cycles - 1)
          const third = yield* Effect.provide(resumed(program, "job"), engineOnStore(store))
          expect(comparable(third), "read back when it had ended").toEqual(comparable(whole))
        }
        // One row at a time.
        const store = yield* journalStore
        for (let at = 0; at <= cycles; at++) {
          yield* Effect.provide(runToEnd(program, input, { id: "job" }), engineOnStore(brokenOff(store, 1)))
        }
        const last = yield* Effect.provide(runToEnd(program, input, { id: "job" }), engineOnStore(store))
        expect(comparable(last)).toEqual(comparable(whole))
      })
    )
  }
})

describe("a job of a durable store", () => {
  it.effect("is created by the first start of its id, taken up by later ones, and in the end read", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const first = yield* ended(
        Effect.provide(Engine.run(counter(5), {}, { id: "c" }), engineOnStore(brokenOff(store, 2)))
      )
      expect(first).toMatchObject({ _tag: "StoreFailed", reason: "closed", cycle: 3 })
      const second = yield* Effect.provide(Engine.run(counter(5), {}, { id: "c" }), engineOnStore(store))
      expect(second).toMatchObject({ jobId: "c", status: "converged", output: 6 })
      const again = yield* Effect.provide(Engine.run(counter(5), {}, { id: "c" }), engineOnStore(store))
      expect(again).toMatchObject({ jobId: "c", hash: second.hash, output: 6, usage: { facts: 6 } })
    })
  )

  it.effect("is not mistaken for another with the same id", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* Effect.provide(Engine.run(synthetic, { from: 1 }, { id: "x" }), engineOnStore(store))
      const other = yield* failure(
        Effect.provide(Engine.run(synthetic, { from: 2 }, { id: "x" }), engineOnStore(store))
      )
      expect(other).toMatchObject({ _tag: "InvalidInput", message: expect.stringContaining("another input") as string })
      const program = yield* failure(Effect.provide(Engine.run(counter(1), {}, { id: "x" }), engineOnStore(store)))
      expect(program).toMatchObject({ _tag: "InvalidInput", message: expect.stringContaining("synthetic") as string })
    })
  )

  it.effect("that is live is the same job to whoever starts it again", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const gate = makeGate()
      const program = counter(3, { before: () => gate.arrive })
      yield* Effect.gen(function* () {
        const first = yield* Engine.start(program, {}, { id: "j" })
        yield* gate.arrived
        const second = yield* Engine.start(program, {}, { id: "j" })
        expect(second.actor).toBe(first.actor)
        expect(yield* failure(Engine.start(counter(3), {}, { id: "j", budget: { maxCycles: -1 } }))).toMatchObject({
          _tag: "InvalidInput"
        })
        yield* gate.open
        expect((yield* second.result).hash).toBe((yield* first.result).hash)
      }).pipe(Effect.provide(engineOnStore(store)))
    })
  )

  it.effect("that was under way when its engine closed can be resumed by another", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const gate = yield* Effect.sync(() => ({ isOpen: false }))
      const program = counter(4, { before: (n) => (n === 2 && !gate.isOpen ? Effect.never : Effect.void) })
      const { close, use } = yield* openEngine(engineOnStore(store))
      const job = yield* use(Engine.start(program, {}, { id: "j" }))
      const events: Array<string> = []
      yield* Effect.forkChild(Stream.runForEach(job.events, ({ _tag }) => Effect.sync(() => void events.push(_tag))))
      while (events.filter((tag) => tag === "FactsCommitted").length < 2) yield* Effect.yieldNow
      yield* close
      expect(yield* ended(job.result)).toMatchObject({ _tag: "JobCancelled", cycle: 2 })
      expect(yield* store.load("j")).toMatchObject({ status: undefined, cycle: 2, isHeld: false })
      gate.isOpen = true
      const result = yield* Effect.provide(
        Effect.flatMap(Engine.resume(program, "j"), (again) => again.result),
        engineOnStore(store)
      )
      const whole = yield* runInline(counter(4), {}, { id: "j" })
      expect(result.hash).toBe(whole.result.hash)
    })
  )

  it.effect("that was cancelled stays so", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const program = counter(4, { before: (n) => (n === 1 ? Effect.never : Effect.void) })
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(program, {}, { id: "j" })
        while ((yield* job.status).cycle < 1) yield* Effect.yieldNow
        yield* job.cancel
      }).pipe(Effect.provide(engineOnStore(store)))
      expect(yield* store.load("j")).toMatchObject({ status: "cancelled", cycle: 1 })
      const again = yield* Effect.provide(
        Effect.flatMap(Engine.resume(program, "j"), (job) => ended(job.result)),
        engineOnStore(store)
      )
      expect(again).toMatchObject({ _tag: "JobCancelled", partial: { cycles: 1, status: "cancelled" } })
    })
  )

  it.effect("that was paused is paused when it is taken up, and its event log goes on as if nothing had happened", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const program = counter(4, { before: () => Effect.yieldNow })
      const { close, use } = yield* openEngine(engineOnStore(store))
      const job = yield* use(Engine.start(program, {}, { id: "j" }))
      while ((yield* job.status).cycle < 2) yield* Effect.yieldNow
      yield* job.pause
      yield* job.resume
      yield* job.pause
      const at = (yield* job.status).cycle
      yield* close
      const again = yield* openEngine(engineOnStore(store))
      const taken = yield* again.use(Engine.resume(program, "j"))
      while ((yield* taken.status).state !== "paused") yield* Effect.yieldNow
      expect((yield* taken.status).cycle).toBe(at)
      yield* taken.resume
      expect((yield* taken.result).status).toBe("converged")
      const events = yield* eventsOf(taken)
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
      const around = events.map(({ _tag }) => _tag).filter((tag) => tag === "JobPaused" || tag === "JobResumed")
      expect(around).toEqual(["JobPaused", "JobResumed", "JobPaused", "JobResumed"])
      const read = yield* again.use(Engine.resume(program, "j"))
      expect(yield* eventsOf(read)).toEqual(events)
      yield* again.close
    })
  )

  it.effect("is resumed by an engine that is given its program, also when its owner dies later", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const program = counter(3)
      yield* ended(Effect.provide(Engine.run(program, {}, { id: "a" }), engineOnStore(brokenOff(store, 1))))
      const owner = yield* openEngine(engineOnStore(brokenOff(store, 1)))
      const { close } = yield* openEngine(engineOnStore(store, { programs: [program] }))
      while ((yield* store.load("a")).status === undefined) yield* Effect.yieldNow
      yield* owner.close
      yield* close
      expect(yield* store.load("a")).toMatchObject({ status: "converged", cycle: 4 })
    })
  )

  it.effect("keeps what an expensive agent gave, and does not ask it again", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const asked: Array<string> = []
      const make = (memoize: boolean) =>
        Program.make("dear", {
          input: Schema.Struct({}),
          seed: () => [num(1), num(2)],
          agents: [
            Agent.make("dear", {
              each: Num,
              writes: [Num],
              memoize,
              execute: ({ id, value: { n } }) =>
                Effect.sync(() => {
                  asked.push(id)
                  return { facts: n < 3 ? [num(n * 10)] : [], usage: { tokens: n } }
                })
            })
          ]
        })
      for (const memoize of [true, false]) {
        asked.length = 0
        const id = `memoize ${memoize}`
        yield* ended(Effect.provide(Engine.run(make(memoize), {}, { id }), engineOnStore(brokenOff(store, 0))))
        const result = yield* Effect.provide(Engine.run(make(memoize), {}, { id }), engineOnStore(store))
        expect(result.usage).toMatchObject({ tokens: 33, facts: 4 })
        expect(asked).toEqual(memoize ? ["1", "2", "10", "20"] : ["1", "2", "1", "2", "10", "20"])
      }
    })
  )
})

describe("a fork", () => {
  it.effect("goes on from a past cycle with other facts, and leaves the job as it was", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* Effect.gen(function* () {
        const whole = yield* Engine.run(counter(5), {}, { id: "one" })
        const same = yield* Effect.flatMap(Engine.fork(counter(5), "one", { at: 2 }), (job) => job.result)
        expect(same.context.all(Num).map(({ id }) => id)).toEqual(whole.context.all(Num).map(({ id }) => id))
        const job = yield* Engine.fork(counter(5), "one", { at: 2, facts: [num(40)], id: "two" })
        const other = yield* job.result
        expect(other.context.all(Num).map(({ id }) => id)).toEqual(["0", "1", "2", "40", "3", "4", "5"])
        expect((yield* Engine.run(counter(5), {}, { id: "one" })).hash).toBe(whole.hash)
        const read = yield* Effect.flatMap(Engine.resume(counter(5), "two"), (again) => again.result)
        expect(read.hash).toBe(other.hash)
        expect(read.context.facts()).toEqual(other.context.facts())
      }).pipe(Effect.provide(engineOnStore(store)))
    })
  )
})
