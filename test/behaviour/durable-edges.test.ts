/**
 * Where durable jobs begin, are kept, and end: what no row says, and what several do at a time (G11).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agent, Engine, Fact, JobStore, Journal, Program, WorkerPool } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import {
  counter,
  ended,
  failure,
  makeGate,
  noInput,
  Num,
  num,
  openEngine,
  until
} from "../support/behaviour/harness.ts"

type Store = JobStore.JobStore["Service"]

const on = (store: Store) => Effect.provideService(JobStore.JobStore, store)

/** The store, whose journals are read as somebody has changed them. */
const changed = (
  store: Store,
  change: (journal: JobStore.StoredJournal) => Partial<JobStore.StoredJournal>
): Store => ({
  ...store,
  load: (jobId) => Effect.map(store.load(jobId), (journal) => ({ ...journal, ...change(journal) }))
})

const Seen = Fact.kind("Seen", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

/** One agent that is dear and reads all there is, beside one that never ends in the first process. */
const dear = (asked: Array<number>, isStuck: boolean) =>
  Program.make("dear", {
    signals: [Num],
    input: noInput,
    seed: () => [num(1)],
    agents: [
      Agent.make("dear", {
        reads: [Num],
        writes: [Seen],
        memoize: true,
        execute: (view) =>
          Effect.sync(() => {
            const fresh = view.delta(Num)
            asked.push(fresh.length)
            return { facts: fresh.map(({ value }) => Seen.of(value)) }
          })
      }),
      Agent.make("other", { reads: [Num], execute: () => (isStuck ? Effect.never : Effect.succeed({})) })
    ],
    output: (view) => view.all(Seen).map(({ value }) => value.n)
  })

/** A job whose dear agent has given its effect, in a process that did not live to commit it. */
const keptJob = (asked: Array<number>) =>
  Effect.gen(function* () {
    const store = yield* journalStore
    const { close, use } = yield* openEngine(engineOnStore(store))
    yield* use(Engine.start(dear(asked, true), {}, { id: "j" }))
    yield* until(Effect.orDie(Effect.map(store.kept("j"), (kept) => kept.length === 1)))
    yield* close
    return store
  })

describe("what an agent gave before its cycle was committed", () => {
  it.effect("is not taken for what it would give with a signal that came since", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const store = yield* keptJob(asked)
      const result = yield* Effect.gen(function* () {
        const job = yield* Engine.resume(dear(asked, false), "j")
        yield* job.signal([num(2)])
        return yield* job.result
      }).pipe(Effect.provide(engineOnStore(store)))
      expect(new Set(result.output)).toEqual(new Set([1, 2]))
    })
  )

  it.effect("is used when nothing has come since", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const store = yield* keptJob(asked)
      const job = Effect.flatMap(Engine.resume(dear(asked, false), "j"), ({ result }) => result)
      expect((yield* Effect.provide(job, engineOnStore(store))).output).toEqual([1])
      expect(asked).toEqual([1])
    })
  )

  it.effect("is not used when somebody has changed it, and not by another version of the program", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const store = yield* keptJob(asked)
      const forged: Store = {
        ...store,
        kept: (jobId) =>
          Effect.map(store.kept(jobId), (all) =>
            all.map((kept) => ({ ...kept, text: kept.text.replace('{"n":1}', '{"n":666}') }))
          )
      }
      const job = Effect.flatMap(Engine.resume(dear(asked, false), "j"), ({ result }) => result)
      expect((yield* Effect.provide(job, engineOnStore(forged))).output).toEqual([1])
      expect(asked).toEqual([1, 1])
    })
  )
})

describe("a start that is refused", () => {
  const full = (store: Store) =>
    Engine.layer({ maxRunningJobs: 1, maxQueuedJobs: 0 }).pipe(
      Layer.provide(Layer.succeed(JobStore.JobStore, store)),
      Layer.provide(WorkerPool.layerInline)
    )

  it.effect("leaves nothing behind: it can be made again", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const gate = makeGate()
      const program = counter(2, { before: () => gate.arrive })
      const start = (id: string) => Effect.result(Engine.run(program, {}, { id }))
      yield* Effect.gen(function* () {
        const all = yield* Effect.forkChild(Effect.forEach(["a", "b", "c"], start, { concurrency: 3 }))
        yield* gate.arrived
        yield* gate.open
        const tags = (yield* Fiber.join(all)).map((result) => (result._tag === "Failure" ? result.failure._tag : "ok"))
        expect(tags.sort()).toEqual(["AdmissionRejected", "AdmissionRejected", "ok"])
        expect((yield* store.list()).jobs).toHaveLength(1)
        for (const id of ["a", "b", "c"]) expect((yield* Engine.run(program, {}, { id })).status).toBe("converged")
      }).pipe(Effect.provide(full(store)))
    })
  )

  it.effect("because of an id that is no Unicode says so", () =>
    Effect.gen(function* () {
      const error = yield* failure(Engine.start(counter(1), {}, { id: "\ud800" }))
      expect(error).toMatchObject({ _tag: "InvalidInput", message: "a job's id must be well-formed Unicode" })
    }).pipe(Effect.provide(Layer.unwrap(Effect.map(journalStore, (store) => engineOnStore(store)))))
  )
})

describe("several starts of one id at a time", () => {
  it.effect("are one job", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const results = yield* Effect.forEach([1, 2, 3, 4], () => Engine.run(counter(3), {}, { id: "race" }), {
        concurrency: "unbounded"
      }).pipe(Effect.provide(engineOnStore(store)))
      expect(new Set(results.map(({ hash }) => hash)).size).toBe(1)
      expect((yield* store.list()).jobs).toHaveLength(1)
    })
  )

  it.effect("on two engines are one job: the second takes up what the first has begun, or its result", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      // The first look finds nothing, as if the other engine had been faster by a moment.
      let looks = 0
      const late: Store = {
        ...store,
        load: (jobId) => store.load(looks++ === 0 ? "nobody" : jobId)
      }
      const first = yield* Effect.provide(Engine.run(counter(3), {}, { id: "x" }), engineOnStore(store))
      const second = yield* Effect.provide(Engine.run(counter(3), {}, { id: "x" }), engineOnStore(late))
      expect(second.hash).toBe(first.hash)
      expect(looks).toBeGreaterThan(1)
    })
  )

  it.effect("of one that ends between the look and the lease give its result", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* ended(Effect.provide(Engine.run(counter(3), {}, { id: "x" }), engineOnStore(brokenOff(store, 1))))
      let isFirst = true
      const raced: Store = {
        ...store,
        lease: (jobId, options) =>
          Effect.suspend(() => {
            if (!isFirst) return store.lease(jobId, options)
            isFirst = false
            const other = Effect.provide(Engine.run(counter(3), {}, { id: "x" }), engineOnStore(store))
            return Effect.andThen(Effect.orDie(other), store.lease(jobId, options))
          })
      }
      const result = yield* Effect.provide(Engine.run(counter(3), {}, { id: "x" }), engineOnStore(raced))
      expect(result).toMatchObject({ status: "converged", output: 4 })
    })
  )

  it.effect("a fork does not take the id of another job", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* Effect.gen(function* () {
        yield* Engine.run(counter(3), {}, { id: "x" })
        const error = yield* failure(Engine.fork(counter(3), "x", { at: 1, id: "x" }))
        expect(error).toMatchObject({ _tag: "StoreError", reason: "exists" })
      }).pipe(Effect.provide(engineOnStore(store)))
    })
  )
})

describe("a note or an end that is not what was written", () => {
  const broken = Effect.gen(function* () {
    const store = yield* journalStore
    for (const id of ["a", "b", "c"])
      yield* ended(Effect.provide(Engine.run(counter(3), {}, { id }), engineOnStore(brokenOff(store, 1))))
    return store
  })

  it.effect("is named, and hinders no other job", () =>
    Effect.gen(function* () {
      const store = yield* broken
      const forged = changed(store, ({ jobId }) => (jobId === "b" ? { note: "x" } : {}))
      const jobs = yield* Effect.provide(
        Effect.flatMap(Engine.resumeAll([counter(3)]), (jobs) =>
          Effect.forEach(jobs, ({ id, result }) => Effect.as(result, id))
        ),
        engineOnStore(forged)
      )
      expect([...jobs].sort()).toEqual(["a", "c"])
      expect(yield* on(forged)(Journal.verify("b"))).toMatchObject({ isIntact: false, corrupt: { part: "note" } })
      const events = yield* failure(on(forged)(Stream.runCollect(Stream.unwrap(Journal.events("b")))))
      expect(events).toMatchObject({ _tag: "JournalCorrupt", part: "note", cycle: 1 })
    })
  )

  it.effect("is named where the status is another, ended or not", () =>
    Effect.gen(function* () {
      const store = yield* broken
      yield* Effect.provide(Engine.run(counter(3), {}, { id: "whole" }), engineOnStore(store))
      for (const [id, status] of [
        ["whole", "cancelled"],
        ["whole", undefined],
        ["a", "converged"]
      ] as const) {
        const forged = changed(store, ({ jobId }) => (jobId === id ? { status } : {}))
        const error = yield* failure(Effect.provide(Engine.resume(counter(3), id), engineOnStore(forged)))
        expect(error).toMatchObject({ _tag: "JournalCorrupt", part: "status" })
        expect(yield* on(forged)(Journal.verify(id))).toMatchObject({ isIntact: false, corrupt: { part: "status" } })
      }
    })
  )
})
