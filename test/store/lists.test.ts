/** Lists of jobs by attributes and by time, their pages in both directions, and the deletion of one job, in every store. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { JobStore } from "../../src/index.ts"
import { connection, makeOlder } from "../support/store/disk.ts"
import { end, newJob, openStore, reasonOf, row, withFile } from "../support/store/harness.ts"
import { checkOf, type Store, storeNames } from "../support/store/stores.ts"

const ids = (jobs: ReadonlyArray<{ readonly jobId: string }>) => jobs.map(({ jobId }) => jobId)

const listing = (store: Store) => (options: JobStore.ListOptions) =>
  Effect.map(store.list(options), ({ jobs }) => ids(jobs))

const finish = (store: Store, jobId: string, more: Partial<JobStore.NewJob> = {}) =>
  Effect.flatMap(store.create(newJob(jobId, more)), (fence) => store.halt(jobId, fence, end()))

describe.each(storeNames)("a store %s", (name) => {
  const check = checkOf(name)

  check("keeps the attributes of a job, for as long as it keeps the job", (store) =>
    Effect.gen(function* () {
      const attributes = { customer: "Ada & Söhne 😀", "'; DROP TABLE converge_jobs; --": "", __proto__x: "a:b=c" }
      const fence = yield* store.create(newJob("a", { attributes }))
      yield* store.create(newJob("b"))
      expect((yield* store.load("a")).attributes).toEqual(attributes)
      expect("attributes" in (yield* store.load("b"))).toBe(false)
      yield* store.append("a", fence, row(1))
      yield* store.halt("a", fence, end())
      expect((yield* store.list({ status: "converged" })).jobs[0]?.attributes).toEqual(attributes)
    })
  )

  check("lists the children of a job, whatever else it is asked for, and names the parent of each", (store) =>
    Effect.gen(function* () {
      const attributes = { customer: "Ada" }
      yield* store.create(newJob("a", { createdAt: 1, attributes }))
      for (const [index, program] of ["one", "two", "one"].entries()) {
        yield* finish(store, `a/${index}`, { createdAt: 2 + index, parent: "a", program, attributes })
      }
      yield* store.create(newJob("a/3", { createdAt: 5, parent: "a", program: "one" }))
      yield* store.create(newJob("b/0", { createdAt: 6, parent: "b", program: "one", attributes }))
      const listed = listing(store)
      expect(yield* listed({ parent: "a" })).toEqual(["a/3", "a/2", "a/1", "a/0"])
      expect(yield* listed({ parent: "a", status: "unfinished" })).toEqual(["a/3"])
      expect(yield* listed({ parent: "a", program: "one", status: "converged" })).toEqual(["a/2", "a/0"])
      expect(yield* listed({ parent: "a", attributes, program: "two" })).toEqual(["a/1"])
      expect(yield* listed({ parent: "a", since: 3, until: 4 })).toEqual(["a/2", "a/1"])
      const first = yield* store.list({ parent: "a", limit: 2 })
      expect(yield* listed({ parent: "a", limit: 2, cursor: first.cursor })).toEqual(["a/1", "a/0"])
      expect(yield* listed({ parent: "none" })).toEqual([])
      expect(first.jobs.map(({ parent }) => parent)).toEqual(["a", "a"])
      expect((yield* store.load("a/1")).parent).toBe("a")
      expect("parent" in (yield* store.load("a"))).toBe(false)
    })
  )

  check("lists jobs that have all the attributes, whatever else it is asked for", (store) =>
    Effect.gen(function* () {
      for (let index = 0; index < 40; index++) {
        const attributes = { customer: `c${index % 4}`, size: index % 2 === 0 ? "even" : "odd", n: String(index) }
        const program = index % 3 === 0 ? "three" : "other"
        const fence = yield* store.create(newJob(`job ${index}`, { createdAt: index, attributes, program }))
        if (index < 20) yield* store.halt(`job ${index}`, fence, end())
      }
      yield* store.create(newJob("none", { createdAt: 99 }))
      const listed = listing(store)
      expect(yield* listed({ attributes: { n: "17" } })).toEqual(["job 17"])
      expect(yield* listed({ attributes: { n: "17", size: "odd" } })).toEqual(["job 17"])
      expect(yield* listed({ attributes: { n: "17", size: "even" } })).toEqual([])
      expect(yield* listed({ attributes: { size: "even", customer: "c1" } })).toEqual([])
      expect(yield* listed({ attributes: { customer: "c2", size: "even" }, status: "unfinished" })).toEqual(
        [38, 34, 30, 26, 22].map((n) => `job ${n}`)
      )
      expect(yield* listed({ attributes: { customer: "c2" }, program: "three", status: "converged" })).toEqual([
        "job 18",
        "job 6"
      ])
      expect(yield* listed({ attributes: { size: "odd" }, since: 15, until: 21 })).toEqual([
        "job 21",
        "job 19",
        "job 17",
        "job 15"
      ])
      expect(yield* listed({ attributes: { size: "Odd" } })).toEqual([])
      expect(yield* listed({ attributes: { toString: "odd" } })).toEqual([])
      expect(yield* listed({ attributes: {}, since: 39 })).toEqual(["none", "job 39"])
    })
  )

  check("lists the jobs of a time, with its first and its last millisecond", (store) =>
    Effect.gen(function* () {
      for (const createdAt of [1, 2, 3, 4]) yield* store.create(newJob(`at ${createdAt}`, { createdAt }))
      const listed = listing(store)
      expect(yield* listed({ since: 2 })).toEqual(["at 4", "at 3", "at 2"])
      expect(yield* listed({ until: 2 })).toEqual(["at 2", "at 1"])
      expect(yield* listed({ since: 2, until: 3 })).toEqual(["at 3", "at 2"])
      expect(yield* listed({ since: 3, until: 2 })).toEqual([])
    })
  )

  check("goes back through a list by the pages that it came by, while jobs come and go", (store) =>
    Effect.gen(function* () {
      const attributes = { kind: "old" }
      const number = (n: number) => String(n).padStart(3, "0")
      for (let n = 0; n < 25; n++) yield* finish(store, `old ${number(n)}`, { createdAt: n >> 2, attributes })
      const pages: Array<JobStore.JobPage> = [yield* store.list({ limit: 10, attributes })]
      for (let next = pages[0]?.cursor; next !== undefined; next = pages.at(-1)?.cursor) {
        pages.push(yield* store.list({ limit: 10, attributes, cursor: next }))
        yield* finish(store, `new ${pages.length}`, { createdAt: 1_000 + pages.length, attributes: { kind: "new" } })
      }
      expect(pages.map(({ jobs }) => jobs.length)).toEqual([10, 10, 5])
      expect(pages.map(({ previous }) => previous)).toEqual([undefined, "3:old 014", "1:old 004"])
      const third = yield* store.list({ limit: 10, attributes, before: pages[2]?.previous })
      expect(ids(third.jobs)).toEqual(ids(pages[1]?.jobs ?? []))
      expect([third.cursor, third.previous]).toEqual([pages[1]?.cursor, pages[1]?.previous])
      const second = yield* store.list({ limit: 10, attributes, before: third.previous })
      expect(ids(second.jobs)).toEqual(ids(pages[0]?.jobs ?? []))
      expect([second.cursor, second.previous]).toEqual([pages[0]?.cursor, undefined])
      // Without the filter, the jobs that came meanwhile are before the first page.
      const newer = yield* store.list({ limit: 2, before: "6:old 024" })
      expect(ids(newer.jobs)).toEqual(["new 3", "new 2"])
      expect([newer.cursor, newer.previous]).toEqual(["1002:new 2", undefined])
      // The job that a cursor names may be gone.
      yield* store.remove("old 014")
      expect(ids((yield* store.list({ limit: 1, cursor: "3:old 014" })).jobs)).toEqual(["old 013"])
      expect(ids((yield* store.list({ limit: 1, before: "3:old 014" })).jobs)).toEqual(["old 015"])
    })
  )

  check("has a way back from an empty page, and takes one cursor at a time", (store) =>
    Effect.gen(function* () {
      for (const id of ["a", "b", "c"]) yield* store.create(newJob(id, { createdAt: 5 }))
      const behind = yield* store.list({ cursor: "5:a" })
      expect(behind).toEqual({ jobs: [], cursor: undefined, previous: "4:" })
      expect(ids((yield* store.list({ before: behind.previous })).jobs)).toEqual(["c", "b", "a"])
      const ahead = yield* store.list({ before: "5:c" })
      expect(ahead).toEqual({ jobs: [], cursor: "6:", previous: undefined })
      expect(ids((yield* store.list({ cursor: ahead.cursor })).jobs)).toEqual(["c", "b", "a"])
      const both = store.list({ cursor: "5:a", before: "5:a" })
      expect(yield* Effect.orDie(Effect.flip(both))).toMatchObject({ reason: "failed", message: /not both/ })
      expect(yield* reasonOf(store.list({ before: "none" }))).toBe("failed")
    })
  )

  check("reads long pages in both directions", (store) =>
    Effect.gen(function* () {
      const number = (n: number) => String(n).padStart(4, "0")
      yield* Effect.all(
        Array.from({ length: 700 }, (_, n) => store.create(newJob(`job ${number(n)}`, { createdAt: n >> 8 }))),
        { concurrency: "unbounded", discard: true }
      )
      const all = yield* store.list({ limit: 1_000 })
      const back = yield* store.list({ limit: 600, before: `0:job ${number(0)}` })
      expect(ids(back.jobs)).toEqual(ids(all.jobs).slice(99, 699))
      expect(back.previous).toBe(`2:job ${number(600)}`)
    })
  )

  check("deletes a job with all that it has, and its id is free again", (store) =>
    Effect.gen(function* () {
      const attributes = { customer: "Ada" }
      const fence = yield* store.create(newJob("a", { base: () => ["x"], attributes }))
      yield* store.append("a", fence, row(1))
      yield* store.keep("a", fence, { cycle: 2, key: "k", text: "t" })
      yield* store.halt("a", fence, end())
      yield* finish(store, "b", { attributes })
      expect(yield* store.remove("a")).toBe(1)
      expect(yield* reasonOf(store.load("a"))).toBe("missing")
      expect(yield* reasonOf(store.remove("a"))).toBe("missing")
      expect(yield* listing(store)({ attributes })).toEqual(["b"])
      yield* store.create(newJob("a"))
      expect(yield* Stream.runCollect(store.rows("a", 0))).toEqual([])
      expect(yield* store.load("a")).toMatchObject({ bases: [], cycle: 0 })
      expect(yield* store.kept("a")).toEqual([])
      expect(yield* listing(store)({ attributes })).toEqual(["b"])
    })
  )

  check("deletes the jobs below a job with it, and none while an engine holds one of them", (store) =>
    Effect.gen(function* () {
      yield* finish(store, "a")
      yield* finish(store, "a/1", { parent: "a" })
      const fence = yield* store.create(newJob("a/1/1", { parent: "a/1" }))
      yield* finish(store, "a/2", { parent: "a" })
      yield* finish(store, "b")
      yield* finish(store, "b/1", { parent: "b" })
      expect(yield* reasonOf(store.remove("a"))).toBe("held")
      expect(yield* reasonOf(store.remove("a/1"))).toBe("held")
      expect(ids((yield* store.list()).jobs)).toHaveLength(6)
      yield* store.release("a/1/1", fence)
      // Unfinished, and held by nobody.
      expect(yield* store.remove("a")).toBe(4)
      expect(ids((yield* store.list()).jobs)).toEqual(["b/1", "b"])
      expect(yield* reasonOf(store.halt("a/1/1", fence, end()))).toBe("missing")
    })
  )

  check("does not delete a child whose parent may have to read how it ended", (store) =>
    Effect.gen(function* () {
      const fence = yield* store.create(newJob("a"))
      yield* finish(store, "a/1", { parent: "a" })
      const error = yield* Effect.orDie(Effect.flip(store.remove("a/1")))
      expect(error).toMatchObject({ reason: "needed", message: /is a child of a, which is unfinished/ })
      yield* store.halt("a", fence, end())
      expect(yield* store.remove("a/1")).toBe(1)
      expect(ids((yield* store.list()).jobs)).toEqual(["a"])
    })
  )

  check("prunes a child no later than its parent, also if both ended in one millisecond", (store) =>
    Effect.gen(function* () {
      yield* finish(store, "a")
      yield* finish(store, "a/1", { parent: "a" })
      yield* finish(store, "a/2", { parent: "a" })
      expect(yield* store.prune({ keepLatest: 2 })).toBe(1)
      expect(ids((yield* store.list()).jobs)).toContain("a")
      expect(yield* store.prune({ keepLatest: 1 })).toBe(1)
      expect(ids((yield* store.list()).jobs)).toEqual(["a"])
    })
  )

  check("prunes jobs out of the lists by their attributes, too", (store) =>
    Effect.gen(function* () {
      const attributes = { customer: "Ada" }
      for (const id of ["a", "b"]) yield* finish(store, id, { attributes })
      expect(yield* store.prune({ keepLatest: 1 })).toBe(1)
      expect(yield* listing(store)({ attributes })).toHaveLength(1)
      yield* store.prune({ keepLatest: 0 })
      expect(yield* listing(store)({ attributes })).toEqual([])
    })
  )
})

describe("a file", () => {
  it.live(
    "of 100,000 jobs lists by attributes without looking at the others",
    () =>
      withFile((filename) =>
        Effect.gen(function* () {
          const { store } = yield* openStore({ filename })
          const database = yield* connection(filename)
          database.exec(`BEGIN;
          WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
          INSERT INTO converge_jobs (job_id, program, created_at, genesis_hash, fence, attributes)
          SELECT 'job ' || i, 'program', i, 'hash', 1,
            json_object('order', i, 'region', iif(i % 2, 'eu', 'us'), 'batch', i / 20) FROM n;
          UPDATE converge_jobs SET attributes = json_object(
            'order', cast(created_at AS TEXT), 'region', iif(created_at % 2, 'eu', 'us'),
            'batch', cast(created_at / 20 AS TEXT));
          INSERT INTO converge_attributes (name, value, created_at, job_id)
          SELECT e.key, e.value, j.created_at, j.job_id FROM converge_jobs j, json_each(j.attributes) e;
          COMMIT`)
          const begin = performance.now()
          for (let round = 0; round < 200; round++) {
            const order = String(round * 499)
            const [job] = (yield* store.list({ attributes: { order } })).jobs
            expect([job?.jobId, job?.attributes?.["order"]]).toEqual([`job ${order}`, order])
            const batch = String(round)
            const { jobs } = yield* store.list({ attributes: { region: "eu", batch }, status: "unfinished" })
            expect(jobs).toHaveLength(10)
            expect(
              (yield* store.list({ attributes: { region: "us" }, limit: 10, cursor: "50000:" })).jobs
            ).toHaveLength(10)
          }
          // With a look at every job, one of the 600 lists takes 50 ms or more.
          expect(performance.now() - begin).toBeLessThan(6_000)
        })
      ),
    60_000
  )

  it.live("of an older version is listed and deleted from after it was brought up to date, and read without that", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const first = yield* openStore({ filename })
        yield* finish(first.store, "a")
        yield* finish(first.store, "a/1", { parent: "a" })
        yield* first.close
        const database = yield* connection(filename)
        makeOlder(database, 3)
        const reading = yield* openStore({ filename, readOnly: true })
        expect(yield* listing(reading.store)({})).toEqual(["a/1", "a"])
        expect(yield* listing(reading.store)({ attributes: { customer: "Ada" } })).toEqual([])
        expect(yield* reasonOf(reading.store.remove("a"))).toBe("read-only")
        yield* reading.close
        const { store } = yield* openStore({ filename })
        yield* finish(store, "b", { attributes: { customer: "Ada" }, createdAt: 1 })
        expect(yield* listing(store)({ attributes: { customer: "Ada" } })).toEqual(["b"])
        expect(yield* store.remove("a")).toBe(2)
      })
    )
  )

  it.live("keeps a job from being deleted while another store holds it, and takes no write of it afterwards", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const holder = yield* openStore({ filename })
        const other = yield* openStore({ filename })
        const fence = yield* holder.store.create(newJob("a"))
        expect(yield* reasonOf(other.store.remove("a"))).toBe("held")
        yield* holder.store.release("a", fence)
        expect(yield* other.store.remove("a")).toBe(1)
        expect(yield* reasonOf(holder.store.append("a", fence, row(1)))).toBe("missing")
        expect(yield* reasonOf(holder.store.halt("a", fence, end()))).toBe("missing")
      })
    )
  )
})
