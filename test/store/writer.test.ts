/** The thread that writes: its death, what was handed over to it, and what it does by the clock. */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { basename, dirname } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { Worker } from "node:worker_threads"
import { type JobStore, Limits } from "../../src/index.ts"
import { nextTurn } from "../../src/platform/slices.ts"
import { end, errorOf, newJob, openStore, reasonOf, row, withFile } from "../support/store/harness.ts"

type Store = JobStore.JobStore["Service"]

const cyclesOf = (store: Store) =>
  Effect.map(Stream.runCollect(store.rows("a", 0)), (rows) => rows.map(({ cycle }) => cycle))

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

/** Holds the file, so that nothing can be written, until it is let go. */
const holding = (filename: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const database = new DatabaseSync(filename, { timeout: 5_000 })
      database.exec("BEGIN IMMEDIATE")
      return { letGo: () => database.exec("ROLLBACK"), database }
    }),
    ({ database }) => Effect.sync(() => database.close())
  )

/** Waits for something that comes in real time, whatever the clock says. */
const eventually = (isSo: Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.flatMap(isSo, (it) => (it ? Effect.void : Effect.andThen(nextTurn, eventually(isSo))))

describe("a thread that dies", () => {
  /** Opens a store, and gives the threads that are started from then on, the first of them being its own. */
  const opened = (filename: string) =>
    Effect.gen(function* () {
      const threads: Array<Worker> = []
      const listen = (worker: Worker) => void threads.push(worker)
      process.on("worker", listen)
      yield* Effect.addFinalizer(() => Effect.sync(() => process.off("worker", listen)))
      return { ...(yield* openStore({ filename, busyTimeout: 500 })), threads }
    })

  it.live("fails what it had not answered, and the next write has another", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store, threads } = yield* opened(filename)
        const fence = yield* store.create(newJob("a"))
        yield* store.append("a", fence, row(1))
        const { letGo } = yield* holding(filename)
        const writes = yield* Effect.forkChild(
          Effect.all(
            [2, 3].map((cycle) => errorOf(store.append("a", fence, row(cycle)))),
            { concurrency: "unbounded" }
          ),
          { startImmediately: true }
        )
        yield* Effect.promise(() => threads[0]!.terminate())
        for (const error of yield* Fiber.join(writes)) {
          expect(error.reason).toBe("failed")
          expect(error.message).toMatch(
            /the thread that writes has ended, with exit code 1; its last writes may or may not be/
          )
        }
        letGo()
        expect(yield* cyclesOf(store)).toEqual([1])
        yield* store.append("a", fence, row(2))
        expect(yield* cyclesOf(store)).toEqual([1, 2])
        expect(threads).toHaveLength(2)
      })
    )
  )

  it.live("with a part of a context leaves nothing of it", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store, threads } = yield* opened(filename)
        const pieces = function* () {
          yield "x".repeat(Limits.storePieceLength)
          void threads[0]!.terminate()
          for (let turn = 0; turn < 1_000; turn++) yield "y".repeat(10_000)
        }
        expect(yield* errorOf(store.create(newJob("a", { base: pieces })))).toMatchObject({ reason: "failed" })
        expect(yield* reasonOf(store.load("a"))).toBe("missing")
        yield* store.create(newJob("a", { base: () => ["z"] }))
      })
    )
  )

  it.live("does not keep its store from letting go of what it holds", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { close, store, threads } = yield* opened(filename)
        yield* store.create(newJob("a"))
        yield* Effect.promise(() => threads[0]!.terminate())
        yield* close
        const other = yield* openStore({ filename })
        yield* other.store.lease("a")
      })
    )
  )
})

describe("with durability exit, a write", () => {
  it.live("is acknowledged before it is made, and seen by the next read", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename, durability: "exit" })
        const fence = yield* store.create(newJob("a"))
        const { letGo } = yield* holding(filename)
        for (const cycle of upTo(10)) yield* store.append("a", fence, row(cycle))
        yield* store.note("a", fence, "note")
        const reading = yield* Effect.forkChild(store.load("a"), { startImmediately: true })
        yield* nextTurn
        expect(reading.pollUnsafe()).toBeUndefined()
        letGo()
        expect(yield* Fiber.join(reading)).toMatchObject({ cycle: 10, note: "note" })
      })
    )
  )

  it.live("that fails fails the next of its job, and no other job's", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename, durability: "exit", maxSizeMb: 1 })
        const jobs = ["a", "b", "c"]
        for (const jobId of jobs) yield* store.create(newJob(jobId))
        const huge = row(1, { text: () => "x".repeat(2_000_000) })
        yield* store.append("a", 1, huge)
        yield* store.append("b", 1, huge)
        yield* store.append("c", 1, row(1))
        yield* store.list()
        // Told once; then the job may go on from what is there.
        expect(yield* reasonOf(store.append("a", 1, row(2)))).toBe("full")
        yield* store.append("a", 1, row(1))
        // The end of a journal is not written over a hole.
        expect(yield* reasonOf(store.halt("b", 1, end()))).toBe("full")
        expect(yield* store.load("b")).toMatchObject({ status: undefined, cycle: 0 })
        yield* store.halt("a", 1, end())
        yield* store.halt("c", 1, end())
        expect(yield* store.load("a")).toMatchObject({ status: "converged", cycle: 1 })
      })
    )
  )

  it.live("waits when too many are handed over", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename, durability: "exit" })
        const fence = yield* store.create(newJob("a"))
        const { letGo } = yield* holding(filename)
        let acknowledged = 0
        const write = (cycle: number) =>
          Effect.tap(store.append("a", fence, row(cycle)), () => Effect.sync(() => acknowledged++))
        const all = upTo(Limits.storeQueuedWrites + 100)
        const writes = yield* Effect.forkChild(Effect.forEach(all, write, { discard: true }))
        yield* eventually(Effect.sync(() => acknowledged >= Limits.storeQueuedWrites))
        for (let turn = 0; turn < 20; turn++) yield* nextTurn
        expect(acknowledged).toBe(Limits.storeQueuedWrites)
        letGo()
        yield* Fiber.join(writes)
        expect(yield* cyclesOf(store)).toEqual(all)
      })
    )
  )
})

describe("retention", () => {
  it.effect("forgets old journals when the store is opened, and again by the clock", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const finish = (store: Store, jobId: string, haltedAt: number) =>
          Effect.gen(function* () {
            const fence = yield* store.create(newJob(jobId))
            yield* store.halt(jobId, fence, end({ haltedAt }))
          })
        const first = yield* openStore({ filename })
        yield* finish(first.store, "a", 1)
        yield* finish(first.store, "b", 2)
        yield* first.close
        const retention = { keepLatest: 1, maxAge: "10 minutes", every: "5 minutes" } as const
        const { store } = yield* openStore({ filename, retention })
        const isListed = (jobIds: string) =>
          Effect.map(Effect.orDie(store.list()), ({ jobs }) => jobs.map(({ jobId }) => jobId).join() === jobIds)
        yield* eventually(isListed("b"))
        // Far ahead: a slow machine looks often, and each look is a minute.
        const haltedAt = 36_000_000_000
        yield* finish(store, "c", haltedAt)
        // It sleeps from when it has done its work, which is in real time.
        const later = (minutes: number, jobIds: string) =>
          eventually(Effect.andThen(TestClock.adjust(`${minutes} minutes`), isListed(jobIds)))
        yield* later(1, "c")
        expect(yield* Clock.currentTimeMillis).toBeLessThan(haltedAt)
        yield* later(100_000, "")
      })
    )
  )
})

describe("the care of a file", () => {
  it.live("copies it while it is written to", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { file, store } = yield* openStore({ filename, durability: "normal" })
        const fence = yield* store.create(newJob("a"))
        for (const cycle of upTo(50)) yield* store.append("a", fence, row(cycle))
        const copy = `${filename}.copy`
        let isDone = false
        let cycle = 50
        const writing = yield* Effect.forkChild(
          Effect.whileLoop({
            while: () => !isDone,
            body: () => store.append("a", fence, row(++cycle)),
            step: () => {}
          })
        )
        yield* file.backup(copy)
        isDone = true
        yield* Fiber.join(writing)
        const opened = yield* openStore({ filename: copy })
        const cycles = yield* cyclesOf(opened.store)
        expect(cycles.length).toBeGreaterThanOrEqual(50)
        expect(cycles).toEqual(upTo(cycles.length))
        expect(yield* cyclesOf(store)).toEqual(upTo(cycle))
      })
    )
  )

  it.live("copies it to no name that is taken, and leaves no half of a copy", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { file } = yield* openStore({ filename })
        const taken = `${filename}.taken`
        writeFileSync(taken, "x")
        expect(yield* errorOf(file.backup(taken))).toMatchObject({
          reason: "failed",
          message: `${taken}: the file exists already`
        })
        expect(statSync(taken).size).toBe(1)
        const nowhere = `${filename}/nowhere/copy.db`
        expect(yield* errorOf(file.backup(nowhere))).toMatchObject({ reason: "failed" })
        const name = basename(filename)
        expect(readdirSync(dirname(filename)).sort()).toEqual([name, `${name}-shm`, `${name}-wal`, `${name}.taken`])
      })
    )
  )

  it.live("gives the space of pruned journals back", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { close, file, store } = yield* openStore({ filename, durability: "normal" })
        const fence = yield* store.create(newJob("a", { base: () => ["x".repeat(100_000)] }))
        const text = "x".repeat(2_000)
        const appends = upTo(2_000).map((cycle) => store.append("a", fence, row(cycle, { text: () => text })))
        yield* Effect.all(appends, { concurrency: "unbounded", discard: true })
        yield* store.halt("a", fence, end())
        yield* store.create(newJob("b"))
        expect(yield* store.prune({ keepLatest: 0 })).toBe(1)
        const database = new DatabaseSync(filename)
        for (const table of ["rows", "texts", "bases", "base_pieces", "kept", "garbage"]) {
          const where = table === "texts" ? "WHERE job = 1" : ""
          expect(database.prepare(`SELECT count(*) AS n FROM converge_${table} ${where}`).get()).toEqual({ n: 0 })
        }
        database.close()
        yield* file.vacuum
        expect(statSync(filename).size).toBeLessThan(200_000)
        expect(yield* store.load("b")).toMatchObject({ jobId: "b" })
        yield* close
        expect(existsSync(`${filename}-wal`)).toBe(false)
      })
    )
  )

  it.live("goes on with a deletion that did not end", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const first = yield* openStore({ filename })
        const fence = yield* first.store.create(newJob("a"))
        yield* first.store.append("a", fence, row(1))
        yield* first.store.halt("a", fence, end())
        yield* first.close
        const database = new DatabaseSync(filename, { timeout: 5_000 })
        yield* Effect.addFinalizer(() => Effect.sync(() => database.close()))
        database.exec("INSERT INTO converge_garbage SELECT id FROM converge_jobs; DELETE FROM converge_jobs")
        yield* openStore({ filename })
        const rows = database.prepare("SELECT count(*) AS n FROM converge_rows")
        yield* eventually(Effect.sync(() => rows.get()?.["n"] === 0))
      })
    )
  )
})

describe("a write", () => {
  it.live("is made although whoever waits for it is interrupted", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename })
        const fence = yield* store.create(newJob("a"))
        const { letGo } = yield* holding(filename)
        const writing = yield* Effect.forkChild(store.append("a", fence, row(1)), { startImmediately: true })
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(writing), { startImmediately: true })
        yield* nextTurn
        expect(interrupting.pollUnsafe()).toBeUndefined()
        letGo()
        yield* Fiber.join(interrupting)
        expect(Exit.isFailure(yield* Fiber.await(writing))).toBe(true)
        expect(yield* cyclesOf(store)).toEqual([1])
      })
    )
  )
})
