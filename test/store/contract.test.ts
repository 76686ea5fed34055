/** The behaviour of every store with journals, whatever it keeps them in. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { JobStore } from "../../src/index.ts"
import { connection, makeOlder } from "../support/store/disk.ts"
import { end, newJob, openStore, reasonOf, row, withFile } from "../support/store/harness.ts"
import { checkOf, type Store, storeNames } from "../support/store/stores.ts"

const all = <A>(stream: Stream.Stream<A, JobStore.StoreError>) => Stream.runCollect(stream)
const ids = (jobs: ReadonlyArray<{ readonly jobId: string }>) => jobs.map(({ jobId }) => jobId)

describe("a file of version 1", () => {
  it.live("is brought up to date when it is opened, with its jobs, of which nobody knows the parents", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const first = yield* openStore({ filename })
        const fence = yield* first.store.create(newJob("a"))
        yield* first.store.append("a", fence, row(1))
        yield* first.close
        const database = yield* connection(filename)
        makeOlder(database, 1)
        const { store } = yield* openStore({ filename })
        expect(yield* store.load("a")).toMatchObject({ jobId: "a", cycle: 1 })
        const again = yield* store.create(newJob("a/1", { parent: "a" }))
        yield* store.halt("a/1", again, end({ haltedAt: 1 }))
        expect(yield* store.prune({ keepLatest: 0 })).toBe(0)
      })
    )
  )
})

describe.each(storeNames)("a store %s", (name) => {
  const check = checkOf(name)

  check("keeps a journal from its beginning to its end", (store) =>
    Effect.gen(function* () {
      expect(store.isDurable).toBe(true)
      const fence = yield* store.create(newJob("a"))
      expect(fence).toBe(1)
      expect(yield* store.load("a")).toEqual({
        jobId: "a",
        program: "program",
        status: undefined,
        createdAt: 1_000,
        haltedAt: undefined,
        cycle: 0,
        hash: "hash of a",
        isHeld: true,
        attempts: { count: 1, at: expect.any(Number) as number, failure: undefined, quarantine: undefined },
        text: "genesis of a",
        genesisHash: "hash of a",
        header: `{"header":"a"}`,
        note: "",
        bases: [],
        end: undefined
      })
      yield* store.append("a", fence, row(1))
      yield* store.append("a", fence, row(2))
      yield* store.halt("a", fence, end())
      expect(yield* store.load("a")).toMatchObject({
        status: "converged",
        haltedAt: 2_000,
        cycle: 2,
        hash: "hash 2",
        genesisHash: "hash of a",
        isHeld: false,
        end: `{"end":true}`
      })
      const rows = yield* all(store.rows("a", 0))
      expect(rows).toEqual(
        [1, 2].map((n) => ({ cycle: n, text: `text ${n}`, hash: `hash ${n}`, extra: `{"extra":${n}}`, isIntact: true }))
      )
    })
  )

  check("keeps any text as it is", (store) =>
    Effect.gen(function* () {
      const texts = ["", "ä€😀\u0001", "x".repeat(300_000), `{"a":"\\u0000"}`, "'; DROP TABLE converge_jobs; --"]
      for (const [index, text] of texts.entries()) {
        const jobId = `job ${text.slice(0, 40)}${index}`
        const fence = yield* store.create(newJob(jobId, { text: () => text, header: () => text, program: text }))
        yield* store.append(jobId, fence, row(1, { text: () => text, extra: () => text, hash: text }))
        yield* store.note(jobId, fence, text)
        yield* store.keep(jobId, fence, { cycle: 2, key: text, text })
        expect(yield* store.load(jobId)).toMatchObject({ text, header: text, note: text, program: text, jobId })
        expect(yield* all(store.rows(jobId, 0))).toEqual([{ cycle: 1, text, extra: text, hash: text, isIntact: true }])
        expect(yield* store.kept(jobId)).toEqual([{ cycle: 2, key: text, text }])
        yield* store.halt(jobId, fence, end({ text: () => text }))
        expect((yield* store.load(jobId)).end).toBe(text)
      }
    })
  )

  check("refuses what there is, and what there is not", (store) =>
    Effect.gen(function* () {
      const fence = yield* store.create(newJob("a"))
      expect(yield* reasonOf(store.create(newJob("a")))).toBe("exists")
      yield* store.halt("a", fence, end())
      expect(yield* reasonOf(store.create(newJob("a")))).toBe("exists")
      for (const jobId of ["a", "b"]) {
        expect(yield* reasonOf(store.lease(jobId))).toBe("missing")
        expect(yield* reasonOf(store.lease(jobId, { force: true }))).toBe("missing")
        expect(yield* reasonOf(store.requestCancel(jobId))).toBe("missing")
        expect(yield* reasonOf(store.halt(jobId, 1, end()))).toBe("missing")
        expect(yield* reasonOf(store.release(jobId, 1))).toBe("missing")
      }
      expect(yield* reasonOf(store.load("b"))).toBe("missing")
      expect(yield* reasonOf(all(store.rows("b", 0)))).toBe("missing")
      expect(yield* reasonOf(all(store.base("b", 0)))).toBe("missing")
      expect(yield* reasonOf(store.kept("b"))).toBe("missing")
    })
  )

  check("counts the leases of a job that brought it no further", (store) =>
    Effect.gen(function* () {
      const attempts = Effect.map(store.load("a"), (journal) => journal.attempts)
      const again = store.lease("a", { force: true })
      let fence = yield* store.create(newJob("a"))
      expect(yield* attempts).toMatchObject({ count: 1, failure: undefined, quarantine: undefined })
      yield* store.release("a", fence)
      expect(yield* attempts).toBe(undefined)
      yield* again
      fence = yield* again
      expect(yield* attempts).toMatchObject({ count: 2, failure: undefined })
      yield* store.release("a", fence, { failure: "full" })
      expect(yield* attempts).toMatchObject({ count: 2, failure: "full" })
      fence = yield* again
      expect(yield* attempts).toMatchObject({ count: 3, failure: "full" })
      yield* store.append("a", fence, row(1))
      expect(yield* attempts).toMatchObject({ count: 1, failure: undefined })
      fence = yield* again
      yield* store.keep("a", fence, { cycle: 2, key: "key", text: "text" })
      expect(yield* attempts).toMatchObject({ count: 1 })
      fence = yield* again
      yield* store.note("a", fence, "note")
      expect(yield* attempts).toMatchObject({ count: 2 })
      yield* store.note("a", fence, "note", { isIdle: true })
      expect(yield* attempts).toBe(undefined)
      fence = yield* again
      yield* store.halt("a", fence, end())
      expect(yield* attempts).toBe(undefined)
    })
  )

  check("keeps a job in quarantine until it is leased anew", (store) =>
    Effect.gen(function* () {
      yield* store.create(newJob("a"))
      const fence = yield* store.lease("a", { force: true })
      yield* store.quarantine("a", fence, "it got no further")
      const quarantined = { isHeld: false, status: undefined, attempts: { count: 1, quarantine: "it got no further" } }
      expect(yield* store.load("a")).toMatchObject(quarantined)
      expect((yield* store.list()).jobs).toMatchObject([quarantined])
      yield* store.release("a", yield* store.lease("a"))
      expect(yield* store.load("a")).toMatchObject(quarantined)
      yield* store.lease("a", { anew: true })
      expect(yield* store.load("a")).toMatchObject({ isHeld: true, attempts: { count: 1, quarantine: undefined } })
      expect(yield* reasonOf(store.quarantine("a", fence, "late"))).toBe("fenced")
    })
  )

  check("takes rows in their order only", (store) =>
    Effect.gen(function* () {
      const fence = yield* store.create(newJob("a"))
      const written = (cycle: number) =>
        Effect.andThen(store.append("a", fence, row(cycle)), Effect.asVoid(store.load("a")))
      // With durability `exit`, the next write is told.
      const refused = (cycle: number) => reasonOf(Effect.andThen(written(cycle), store.note("a", fence, "")))
      expect(yield* refused(0)).toBe("out-of-order")
      expect(yield* refused(2)).toBe("out-of-order")
      yield* written(1)
      expect(yield* refused(1)).toBe("out-of-order")
      expect(yield* refused(3)).toBe("out-of-order")
      yield* written(2)
      expect((yield* all(store.rows("a", 0))).map(({ cycle }) => cycle)).toEqual([1, 2])
    })
  )

  check("takes writes in the order of the calls", (store) =>
    Effect.gen(function* () {
      const fence = yield* store.create(newJob("a"))
      const appends = Array.from({ length: 500 }, (_, index) => store.append("a", fence, row(index + 1)))
      yield* Effect.all(appends, { concurrency: "unbounded", discard: true })
      expect((yield* all(store.rows("a", 0))).map(({ cycle }) => cycle)).toEqual(appends.map((_, index) => index + 1))
    })
  )

  check("gives rows after one and up to another", (store) =>
    Effect.gen(function* () {
      const fence = yield* store.create(newJob("a"))
      // More than a page, by number and by length.
      const long = "x".repeat(100_000)
      const appends = Array.from({ length: 600 }, (_, index) =>
        store.append("a", fence, row(index + 1, { text: () => (index >= 300 && index < 320 ? long : "short") }))
      )
      yield* Effect.all(appends, { concurrency: "unbounded", discard: true })
      const cycles = (after: number, until?: number) =>
        Effect.map(all(store.rows("a", after, until)), (rows) => rows.map(({ cycle }) => cycle))
      const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
      expect(yield* cycles(0)).toEqual(range(1, 600))
      expect(yield* cycles(299, 319)).toEqual(range(300, 319))
      expect(yield* cycles(598)).toEqual([599, 600])
      expect(yield* cycles(0, 256)).toEqual(range(1, 256))
      expect(yield* cycles(600)).toEqual([])
      expect(yield* cycles(5, 5)).toEqual([])
      expect(yield* cycles(0, 1_000)).toHaveLength(600)
      expect((yield* Stream.runCollect(Stream.take(store.rows("a", 0), 3))).length).toBe(3)
    })
  )

  check("forgets a note with the next row, and what was kept with its cycle's", (store) =>
    Effect.gen(function* () {
      const fence = yield* store.create(newJob("a"))
      yield* store.note("a", fence, "paused")
      yield* store.note("a", fence, "paused again")
      const keys = ["x", "y", "x"]
      for (const key of keys) yield* store.keep("a", fence, { cycle: 1, key, text: `${key} of 1` })
      yield* store.keep("a", fence, { cycle: 2, key: "z", text: "z of 2" })
      expect((yield* store.load("a")).note).toBe("paused again")
      expect((yield* store.kept("a")).map(({ key }) => key)).toEqual([...keys, "z"])
      yield* store.append("a", fence, row(1))
      expect((yield* store.load("a")).note).toBe("")
      expect(yield* store.kept("a")).toEqual([{ cycle: 2, key: "z", text: "z of 2" }])
      yield* store.halt("a", fence, end())
      expect(yield* store.kept("a")).toEqual([])
      // Each job has its own results, whatever numbers the store gives them.
      for (const jobId of ["b", "c", "d"]) yield* store.create(newJob(jobId))
      for (const key of keys) yield* store.keep("d", 1, { cycle: 1, key, text: key })
      yield* store.append("d", 1, row(1))
      expect(yield* store.kept("d")).toEqual([])
    })
  )

  check("drops with a new context what was kept, but for the keys that stay", (store) =>
    Effect.gen(function* () {
      const fence = yield* store.create(newJob("a"))
      yield* store.create(newJob("b"))
      const kept = [
        { cycle: 1, key: "x", text: "x of 1" },
        { cycle: 1, key: "/paid", text: "5" },
        { cycle: 2, key: "y", text: "y of 2" },
        { cycle: 1, key: "/paid", text: "7" }
      ]
      for (const one of kept) yield* store.keep("a", fence, one)
      yield* store.keep("b", 1, kept[0]!)
      const base = { cycle: 1, header: "h", pieces: [] }
      expect(yield* reasonOf(store.rebase("a", fence + 1, { ...base, keptKeys: [] }))).toBe("fenced")
      yield* store.rebase("a", fence, base)
      expect(yield* store.kept("a")).toEqual(kept)
      yield* store.rebase("a", fence, { ...base, keptKeys: ["/paid"] })
      expect(yield* store.kept("a")).toEqual([kept[1], kept[3]])
      yield* store.rebase("a", fence, { ...base, keptKeys: [] })
      expect(yield* store.kept("a")).toEqual([])
      expect(yield* store.kept("b")).toEqual([kept[0]])
    })
  )

  check("keeps contexts in their pieces", (store) =>
    Effect.gen(function* () {
      const pieces = Array.from({ length: 10_000 }, (_, index) => `piece ${index}`)
      const fence = yield* store.create(newJob("a", { base: () => pieces }))
      yield* store.create(newJob("b", { base: () => [] }))
      expect((yield* store.load("a")).bases).toEqual([0])
      expect((yield* store.load("b")).bases).toEqual([0])
      expect(yield* all(store.base("a", 0))).toEqual(pieces)
      expect(yield* all(store.base("b", 0))).toEqual([])
      expect(yield* all(store.base("a", 7))).toEqual([])
      yield* store.append("a", fence, row(1))
      yield* store.append("a", fence, row(2))
      yield* store.rebase("a", fence, { cycle: 2, header: "new header", pieces: ["one", "two"] })
      expect(yield* store.load("a")).toMatchObject({ header: "new header", bases: [0, 2], cycle: 2 })
      expect(yield* all(store.base("a", 2))).toEqual(["one", "two"])
      yield* store.rebase("a", fence, { cycle: 2, header: "newer header", pieces: ["three"] })
      expect(yield* all(store.base("a", 2))).toEqual(["three"])
      expect(yield* all(store.base("a", 0))).toEqual(pieces)
      yield* store.append("a", fence, row(3))
    })
  )

  check("leaves nothing of a job whose context cannot be told, and takes the next", (store) =>
    Effect.gen(function* () {
      const broken = function* () {
        yield "one"
        throw new Error("no more")
      }
      expect(Exit.hasDies(yield* Effect.exit(store.create(newJob("a", { base: broken }))))).toBe(true)
      expect(yield* reasonOf(store.load("a"))).toBe("missing")
      yield* store.create(newJob("a", { base: () => ["two"] }))
      expect(yield* all(store.base("a", 0))).toEqual(["two"])
    })
  )

  check("takes what follows a large context after it", (store) =>
    Effect.gen(function* () {
      const fence = yield* store.create(newJob("a"))
      const pieces = Array.from({ length: 30 }, () => "x".repeat(300_000))
      const outcomes = yield* Effect.all(
        [
          store.create(newJob("b", { base: () => pieces })),
          store.append("b", 1, row(1)),
          store.rebase("b", 1, { cycle: 1, header: "h", pieces }),
          store.append("b", 1, row(2)),
          store.append("a", fence, row(1))
        ].map((write) => Effect.exit<unknown, JobStore.StoreError, never>(write)),
        { concurrency: "unbounded" }
      )
      expect(outcomes.map(Exit.isSuccess)).toEqual([true, true, true, true, true])
      expect(yield* store.load("b")).toMatchObject({ cycle: 2, bases: [0, 1] })
    })
  )

  check("lets one hold a job, and whoever takes it over fences the other off", (store) =>
    Effect.gen(function* () {
      const first = yield* store.create(newJob("a"))
      expect(yield* reasonOf(store.lease("a"))).toBe("held")
      const second = yield* store.lease("a", { force: true })
      expect(second).toBeGreaterThan(first)
      const written = (fence: number) =>
        reasonOf(
          Effect.andThen(store.append("a", fence, row(1)), Effect.andThen(store.load("a"), store.note("a", fence, "n")))
        )
      expect(yield* written(first)).toBe("fenced")
      expect(yield* reasonOf(store.halt("a", first, end()))).toBe("fenced")
      expect(yield* reasonOf(store.release("a", first))).toBe("fenced")
      expect(yield* reasonOf(store.rebase("a", first, { cycle: 0, header: "", pieces: [] }))).toBe("fenced")
      expect(yield* written(second)).toBeUndefined()
      yield* store.release("a", second)
      expect((yield* store.load("a")).isHeld).toBe(false)
      const third = yield* store.lease("a")
      expect(third).toBeGreaterThan(second)
      expect((yield* store.load("a")).isHeld).toBe(true)
      yield* store.halt("a", third, end())
    })
  )

  check("tells who holds a job that somebody asked to cancel it", (store) =>
    Effect.gen(function* () {
      const fence = yield* store.create(newJob("a"))
      yield* store.create(newJob("b"))
      yield* store.create(newJob("c"))
      expect(yield* store.cancelRequests).toEqual([])
      yield* store.requestCancel("a")
      yield* store.requestCancel("c")
      expect(yield* store.cancelRequests).toEqual(["a", "c"])
      yield* store.release("c", 1)
      yield* store.halt("a", fence, end({ status: "cancelled" }))
      expect(yield* store.cancelRequests).toEqual([])
      yield* store.lease("c")
      expect(yield* store.cancelRequests).toEqual(["c"])
    })
  )

  check("lists the newest first, and those of one time by id", (store) =>
    Effect.gen(function* () {
      for (const [jobId, createdAt] of [
        ["b", 5],
        ["a", 5],
        ["d", 9],
        ["c", 5],
        ["e", 1]
      ] as const) {
        yield* store.create(newJob(jobId, { createdAt }))
      }
      const { cursor, jobs } = yield* store.list()
      expect(ids(jobs)).toEqual(["d", "c", "b", "a", "e"])
      expect(cursor).toBeUndefined()
      // A store may know what an unfinished job has used.
      const { spending: _, ...newest } = jobs[0]!
      expect(newest).toEqual({
        attempts: expect.objectContaining({ count: 1 }) as object,
        jobId: "d",
        program: "program",
        status: undefined,
        createdAt: 9,
        haltedAt: undefined,
        cycle: 0,
        hash: "hash of d",
        isHeld: true
      })
    })
  )

  check("lists by status and by program", (store) =>
    Effect.gen(function* () {
      yield* store.create(newJob("a", { createdAt: 1 }))
      for (const [jobId, status, program] of [
        ["b", "converged", "p"],
        ["c", "failed", "q"],
        ["d", "converged", "q"]
      ] as const) {
        const fence = yield* store.create(newJob(jobId, { createdAt: 2, program }))
        yield* store.append(jobId, fence, row(1))
        yield* store.halt(jobId, fence, end({ status }))
      }
      const listed = (options: Parameters<Store["list"]>[0]) => Effect.map(store.list(options), ({ jobs }) => ids(jobs))
      expect(yield* listed({ status: "unfinished" })).toEqual(["a"])
      expect(yield* listed({ status: "converged" })).toEqual(["d", "b"])
      expect(yield* listed({ program: "q" })).toEqual(["d", "c"])
      expect(yield* listed({ program: "q", status: "converged" })).toEqual(["d"])
      expect(yield* listed({ status: "cancelled" })).toEqual([])
      expect((yield* store.list({ status: "failed" })).jobs[0]).toMatchObject({
        ...{ cycle: 1, hash: "hash 1", status: "failed", haltedAt: 2_000, isHeld: false }
      })
    })
  )

  check("lists the error of a job that has one", (store) =>
    Effect.gen(function* () {
      const text = JSON.stringify({ status: "failed", cause: { _tag: "AgentFailed", agent: "a", cycle: 1 } })
      for (const [jobId, ended] of [
        ["failed", end({ status: "failed", text: () => text })],
        ["converged", end({ text: () => JSON.stringify({ status: "converged", cause: null }) })],
        ["of another text", end({ status: "failed", text: () => "no JSON" })]
      ] as const) {
        const fence = yield* store.create(newJob(jobId, { createdAt: 1 }))
        yield* store.halt(jobId, fence, ended)
      }
      yield* store.create(newJob("unfinished", { createdAt: 1 }))
      const { jobs } = yield* store.list()
      const errors = Object.fromEntries(jobs.map(({ error, jobId }) => [jobId, error]))
      expect(errors).toEqual({ failed: "AgentFailed" })
    })
  )

  check("goes on behind a job that has left the list, and refuses what is no cursor", (store) =>
    Effect.gen(function* () {
      for (const id of ["a", "b:", "c"]) yield* store.create(newJob(id, { createdAt: 5 }))
      const first = yield* store.list({ limit: 2 })
      expect(first.cursor).toBe("5:b:")
      expect(ids((yield* store.list({ cursor: "5:bb" })).jobs)).toEqual(["b:", "a"])
      expect(ids((yield* store.list({ cursor: "5:b:" })).jobs)).toEqual(["a"])
      expect(ids((yield* store.list({ cursor: "6:" })).jobs)).toEqual(["c", "b:", "a"])
      expect(yield* Effect.orDie(Effect.flip(store.list({ cursor: "none" })))).toMatchObject({ reason: "failed" })
    })
  )

  check("pages through a list to which jobs are added, each job once", (store) =>
    Effect.gen(function* () {
      const number = (n: number) => String(n).padStart(4, "0")
      yield* Effect.all(
        // Many of one time.
        Array.from({ length: 700 }, (_, n) => store.create(newJob(`old ${number(n)}`, { createdAt: n >> 8 }))),
        { concurrency: "unbounded", discard: true }
      )
      const seen: Array<string> = []
      let cursor: string | undefined
      let added = 0
      for (const limit of [1, 2, 300, 100, 100, 100, 97]) {
        const page = yield* store.list({ limit, cursor })
        expect(page.jobs).toHaveLength(limit)
        seen.push(...ids(page.jobs))
        cursor = page.cursor
        yield* store.create(newJob(`new ${added}`, { createdAt: 1_000 + added++ }))
      }
      expect(cursor).toBeUndefined()
      const expected = Array.from({ length: 700 }, (_, n) => n).sort((a, b) => (b >> 8) - (a >> 8) || b - a)
      expect(seen).toEqual(expected.map((n) => `old ${number(n)}`))
      expect((yield* store.list({ limit: 1_000 })).jobs).toHaveLength(707)
    })
  )

  check("does not prune a finished child of an unfinished job, whose parent may have to read it", (store) =>
    Effect.gen(function* () {
      const finish = (jobId: string, haltedAt: number, parent?: string) =>
        Effect.flatMap(store.create({ ...newJob(jobId), parent }), (fence) =>
          store.halt(jobId, fence, end({ haltedAt }))
        )
      const fence = yield* store.create(newJob("a"))
      yield* finish("a/1", 1, "a")
      yield* finish("a/1/1", 2, "a/1")
      yield* finish("b/1", 3, "b")
      yield* finish("c", 4)
      expect(yield* store.prune({ haltedSince: 4 })).toBe(2)
      expect(ids((yield* store.list()).jobs).sort()).toEqual(["a", "a/1", "c"])
      expect(yield* store.prune({ keepLatest: 1 })).toBe(0)
      expect(yield* store.prune({ keepLatest: 0, haltedSince: 100 })).toBe(1)
      yield* store.halt("a", fence, end({ haltedAt: 5 }))
      expect(yield* store.prune({ keepLatest: 0 })).toBe(2)
    })
  )

  check("prunes journals of finished jobs, by their age and by their number", (store) =>
    Effect.gen(function* () {
      yield* store.create(newJob("unfinished"))
      const journal = (_: unknown, index: number) =>
        Effect.gen(function* () {
          const jobId = `job ${index + 1}`
          const fence = yield* store.create(newJob(jobId, { base: () => ["x"] }))
          yield* store.append(jobId, fence, row(1))
          yield* store.halt(jobId, fence, end({ haltedAt: index + 1 }))
        })
      yield* Effect.all(Array.from({ length: 300 }, journal), { concurrency: "unbounded", discard: true })
      expect(yield* store.prune({})).toBe(0)
      expect(yield* store.prune({ keepLatest: 300, haltedSince: 1 })).toBe(0)
      expect(yield* store.prune({ haltedSince: 11 })).toBe(10)
      expect(yield* store.prune({ keepLatest: 5 })).toBe(285)
      expect(yield* store.prune({ keepLatest: 3, haltedSince: 297 })).toBe(2)
      const { jobs } = yield* store.list()
      expect(ids(jobs).sort()).toEqual(["job 298", "job 299", "job 300", "unfinished"])
      expect(yield* reasonOf(store.load("job 1"))).toBe("missing")
      expect(yield* store.prune({ keepLatest: 0 })).toBe(3)
      // Its id is free again.
      yield* store.create(newJob("job 300"))
      expect(yield* all(store.rows("job 300", 0))).toEqual([])
      expect((yield* store.load("job 300")).bases).toEqual([])
    })
  )
})
