/** Attempts of a durable job that bring it no further: counted in the store, spaced, ended by a quarantine (RQ1 to RQ5). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, Intent, JobStore, Program } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import {
  cell,
  Cell,
  ended,
  makeGate,
  noInput,
  num,
  Num,
  turns,
  until,
  untilState
} from "../support/behaviour/harness.ts"

type Store = JobStore.JobStore["Service"]

/** A program of one agent that counts how often it was asked. */
const counting = (name: string, before: Effect.Effect<void> = Effect.void) => {
  const seen = { asked: 0 }
  const program = Program.make(name, {
    input: noInput,
    agents: [
      Agent.make("asks", {
        each: Num,
        execute: ({ value: { n } }) =>
          n === 1
            ? Effect.succeed({})
            : Effect.tap(Effect.succeed({ facts: [num(1)] }), () => {
                seen.asked++
                return before
              }),
        writes: [Num]
      })
    ],
    seed: () => [num(0)]
  })
  return { seen, program }
}

/** The store, which refuses the rows of one job while `isBroken`. */
const refusing = (store: Store, jobId: string, reason: "full" | "too-large" | "unwritable") => {
  const state = { isBroken: true }
  const refuse: Effect.Effect<void, JobStore.StoreError> =
    reason === "unwritable"
      ? Effect.sync(() => void "x".repeat(2 ** 30))
      : Effect.suspend(() => Effect.fail(new JobStore.StoreError({ reason, message: "the store said no" })))
  const broken: Store = {
    ...store,
    append: (id, fence, row) => (id === jobId && state.isBroken ? refuse : store.append(id, fence, row))
  }
  return { state, broken }
}

const attemptsOf = (store: Store, jobId: string) => Effect.map(store.load(jobId), ({ attempts }) => attempts)

/** Lets time pass, with the searches of the engine in it. */
const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => Effect.andThen(TestClock.adjust(1_000), turns(20)), {
    discard: true
  })

describe("a job whose row the store refuses again and again", () => {
  it.effect("is tried again after pauses that grow, then left in quarantine, and others go on", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const { broken, state } = refusing(store, "poison", "full")
      const { program, seen } = counting("counting")
      yield* Effect.gen(function* () {
        expect(yield* ended(Engine.run(program, {}, { id: "poison" }))).toMatchObject({ _tag: "StoreFailed" })
        expect(seen.asked).toBe(1)
        yield* pass(5)
        expect(seen.asked).toBe(2)
        yield* pass(5)
        expect(seen.asked).toBe(3)
        yield* pass(5)
        expect(seen.asked).toBe(4)
        yield* pass(9)
        expect(seen.asked).toBe(4)
        yield* pass(5)
        expect(seen.asked).toBe(5)
        expect((yield* attemptsOf(store, "poison"))?.quarantine).toBe(undefined)
        yield* pass(3_600)
        expect(seen.asked).toBe(5)
        const quarantine =
          "it was taken up 5 times after cycle 0 without progress; the last failure was of its store: full"
        expect(yield* store.load("poison")).toMatchObject({
          status: undefined,
          isHeld: false,
          attempts: { quarantine }
        })
        expect((yield* Engine.run(program, {}, { id: "good" })).status).toBe("converged")
        expect(yield* Effect.flip(Engine.start(program, {}, { id: "poison" }))).toMatchObject({
          _tag: "StoreError",
          reason: "quarantined",
          message: expect.stringContaining(quarantine) as string
        })
        const { resume } = yield* Engine.Engine
        const resumed = yield* resume(program, "poison")
        expect(yield* ended(resumed.result)).toMatchObject({ _tag: "StoreFailed" })
        expect(yield* attemptsOf(store, "poison")).toMatchObject({ count: 1, quarantine: undefined })
        state.isBroken = false
        yield* pass(5)
        expect((yield* store.load("poison")).status).toBe("converged")
      }).pipe(Effect.provide(engineOnStore(broken, { programs: [program] })))
    })
  )

  it.effect("may have another number of attempts, as the engine says", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const { broken } = refusing(store, "poison", "full")
      const { program, seen } = counting("counting")
      yield* Effect.gen(function* () {
        yield* ended(Engine.run(program, {}, { id: "poison" }))
        yield* pass(60)
        expect(seen.asked).toBe(2)
        expect(yield* attemptsOf(store, "poison")).toMatchObject({ count: 2, quarantine: expect.any(String) as string })
      }).pipe(Effect.provide(engineOnStore(broken, { programs: [program], maxAttempts: 2 })))
    })
  )

  it.effect.each(["too-large", "unwritable"] as const)("is not tried again if it is too large: %s", (reason) =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const { broken } = refusing(store, "poison", reason)
      const { program, seen } = counting("counting")
      yield* Effect.gen(function* () {
        const error = yield* ended(Engine.run(program, {}, { id: "poison" }))
        expect(error).toMatchObject({ _tag: "StoreFailed", reason: "too-large", cycle: 1 })
        expect(error.message).toMatch(/did not take cycle 1: too-large. It never will: let agents return smaller facts/)
        yield* pass(60)
        expect(seen.asked).toBe(1)
        expect(yield* store.load("poison")).toMatchObject({ status: "failed" })
        const again = yield* Engine.start(program, {}, { id: "poison" })
        expect(yield* ended(again.result)).toMatchObject({ _tag: "StoreFailed", reason: "too-large" })
      }).pipe(Effect.provide(engineOnStore(broken, { programs: [program] })))
    })
  )
})

describe("jobs that were under way when their process died", () => {
  /** Leaves a job as `count` processes did that died before they committed its first cycle. */
  const leave = <P extends Program.Program.Any>(
    store: Store,
    program: P,
    input: Program.Program.Input<P>,
    jobId: string,
    count: number
  ) =>
    Effect.gen(function* () {
      const { broken } = refusing(store, jobId, "full")
      const run = Effect.flatMap(Engine.Engine, (engine) => engine.start(program, input, { id: jobId }))
      const left = Effect.flatMap(run, (job) => Effect.exit(job.result)) as Effect.Effect<
        unknown,
        unknown,
        Engine.Engine
      >
      yield* Effect.provide(left, engineOnStore(broken))
      for (let fence = 2; fence <= count; fence++) {
        yield* store.lease(jobId)
        yield* store.release(jobId, fence, { failure: "full" })
      }
    })

  it.effect("are taken up at once after one or two deaths, all of them", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const { program } = counting("counting")
      yield* leave(store, program, {}, "one", 1)
      yield* leave(store, program, {}, "two", 2)
      const all = Effect.map(store.list({ status: "converged" }), ({ jobs }) => jobs.length === 2)
      yield* Effect.provide(until(Effect.orDie(all)), engineOnStore(store, { programs: [program] }))
    })
  )

  it.effect(
    "are tried apart after three: the least suspicious first, one alone, then two, and the last attempt alone",
    () =>
      Effect.gen(function* () {
        const store = yield* journalStore
        const gates = new Map(["a", "b", "c", "d", "e"].map((id) => [id, makeGate()]))
        const open = (id: string) => gates.get(id)?.open ?? Effect.void
        const names: Array<string> = []
        const program = Program.make("gated", {
          input: Schema.Struct({ id: Schema.String }),
          agents: [
            Agent.make("asks", {
              each: Cell,
              writes: [Num],
              execute: ({ id }) => {
                names.push(id)
                return Effect.as(isLeaving ? Effect.void : (gates.get(id)?.arrive ?? Effect.void), { facts: [num(1)] })
              }
            })
          ],
          seed: ({ id }) => [cell(id, "")]
        })
        let isLeaving = true
        const counts = { a: 4, b: 3, c: 4, d: 3, e: 3 }
        for (const [id, count] of Object.entries(counts)) {
          yield* leave(store, program, { id }, id, count)
          yield* TestClock.adjust(1)
        }
        isLeaving = false
        names.length = 0
        yield* pass(60)
        yield* Effect.gen(function* () {
          yield* pass(6)
          expect(names).toEqual(["b"])
          yield* open("b")
          yield* pass(5)
          expect(names).toEqual(["b", "d", "e"])
          yield* pass(5)
          expect(names).toHaveLength(3)
          // One that neither fails nor ends holds the others up for a while only.
          yield* pass(11)
          expect(names).toEqual(["b", "d", "e", "a"])
          yield* open("a")
          yield* pass(5)
          expect(names).toEqual(["b", "d", "e", "a", "c"])
        }).pipe(Effect.provide(engineOnStore(store, { programs: [program] })))
      })
  )

  it.effect("do not count an engine that was shut down, or a rest in which nobody works for them", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const waits = Program.make("waits", {
        input: noInput,
        agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.approval({ id: "ok" })] }) })]
      })
      const engine = engineOnStore(store, { programs: [waits] })
      yield* Effect.provide(
        Effect.flatMap(Engine.start(waits, {}, { id: "job" }), (job) => untilState(job, "awaiting")),
        engine
      )
      for (let times = 0; times < 8; times++) {
        // The first engine dies, and the next one is shut down.
        yield* store.lease("job", { force: true })
        const job = Effect.provide(
          Engine.Engine.use(({ resume }) => Effect.flatMap(resume(waits, "job"), (job) => untilState(job, "awaiting"))),
          engineOnStore({ ...store, lease: (jobId, options) => store.lease(jobId, { ...options, force: true }) })
        )
        yield* job
      }
      expect((yield* attemptsOf(store, "job"))?.count ?? 0).toBeLessThan(2)
    })
  )

  it.effect("wait for a child in quarantine, until somebody resumes it", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const child = counting("child").program
      const parent = Program.make("parent", {
        input: noInput,
        agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.child(child, {})] }) })]
      })
      const id = "job/1/asks//0"
      const { broken, state } = refusing(store, id, "full")
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(parent, {}, { id: "job" })
        yield* pass(120)
        expect(yield* attemptsOf(store, id)).toMatchObject({ count: 5, quarantine: expect.any(String) as string })
        expect((yield* job.status).state).toBe("awaiting")
        state.isBroken = false
        yield* Engine.Engine.use(({ resume }) => resume(child, id))
        yield* pass(10)
        expect((yield* job.result).status).toBe("converged")
      }).pipe(Effect.provide(engineOnStore(broken, { programs: [parent], children: [child] })))
    })
  )
})
