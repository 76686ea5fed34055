/** The faults of a file, when it is opened and later: each is a typed error that names the file. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { JobStore } from "../../src/index.ts"
import { connection, smallDisk } from "../support/store/disk.ts"
import { end, errorOf, newJob, openStore, reasonOf, row, withFile, withFolder } from "../support/store/harness.ts"
import { turns } from "../support/until.ts"

const opening = (options: JobStore.SqliteOptions) => errorOf(Effect.scoped(openStore(options)))

/** Makes a folder, and what is in it, read-only: by its file system if this process may, since root may write anyway. */
const readOnly = (folder: string, isMounted: boolean) => {
  if (isMounted) execFileSync("mount", ["-o", "remount,ro", folder], { stdio: "ignore" })
  else chmodSync(folder, 0o500)
}

const long = "x".repeat(400_000)

describe("a file that cannot be opened", () => {
  it.live("is refused, and the error says why", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const text = join(folder, "text.db")
        writeFileSync(text, "This is not a database. ".repeat(100))
        expect(yield* opening({ filename: text })).toMatchObject({
          reason: "not-a-database",
          message: expect.stringContaining(text)
        })
        expect(yield* opening({ filename: join(folder, "nowhere", "a.db") })).toMatchObject({
          reason: "failed",
          message: expect.stringContaining(`there is no folder ${join(folder, "nowhere")}`)
        })
        expect(yield* opening({ filename: folder })).toMatchObject({
          reason: "failed",
          message: expect.stringContaining("it is a folder")
        })
      })
    )
  )

  it.live("because it cannot be written to is refused as read-only", () =>
    withFolder((parent) =>
      Effect.gen(function* () {
        const folder = join(parent, "disk")
        mkdirSync(folder)
        const isMounted = yield* smallDisk(folder, 8)
        const filename = join(folder, "a.db")
        yield* Effect.scoped(Effect.flatMap(openStore({ filename }), ({ store }) => store.create(newJob("a"))))
        readOnly(folder, isMounted)
        for (const name of ["a.db", "b.db"]) {
          expect(yield* opening({ filename: join(folder, name) })).toMatchObject({
            reason: "read-only",
            message: expect.stringContaining(join(folder, name))
          })
        }
        if (!isMounted) chmodSync(folder, 0o700)
      })
    )
  )

  it.live("because another holds it is busy, after the time that was asked for", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const other = yield* connection(filename)
        other.exec("CREATE TABLE t (a); BEGIN EXCLUSIVE")
        const fiber = yield* Effect.forkChild(opening({ filename, busyTimeout: 200 }))
        // The event loop goes on meanwhile.
        yield* Effect.promise(() => turns())
        expect(fiber.pollUnsafe()).toBeUndefined()
        expect(yield* Fiber.join(fiber)).toMatchObject({ reason: "busy", message: expect.stringContaining(filename) })
        const patient = yield* Effect.forkChild(openStore({ filename }))
        yield* Effect.promise(() => turns())
        other.exec("COMMIT")
        yield* (yield* Fiber.join(patient)).store.create(newJob("a"))
        // Now that there are tables, and a log, only writers are in each other's way.
        other.exec("BEGIN IMMEDIATE")
        expect(yield* opening({ filename, busyTimeout: 50 })).toMatchObject({ reason: "busy" })
        other.exec("COMMIT")
      })
    )
  )

  it.live("because a newer version made it says so", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        yield* Effect.scoped(openStore({ filename }))
        const database = yield* connection(filename)
        database.exec("INSERT INTO converge_migrations (migration_id, name) VALUES (99, 'later')")
        const error = yield* opening({ filename })
        expect(error.message).toBe(
          `${filename}: the file is of version 99, and this version of effect-converge knows files up to version 4: use a newer one`
        )
      })
    )
  )

  it.live("is left as it is if another program's tables are in it", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const database = yield* connection(filename)
        database.exec("CREATE TABLE jobs (a); INSERT INTO jobs VALUES (1)")
        const { store } = yield* openStore({ filename })
        yield* store.create(newJob("a"))
        expect(database.prepare("SELECT a FROM jobs").all()).toEqual([{ a: 1 }])
        const broken = join(filename, "..", "broken.db")
        const other = yield* connection(broken)
        other.exec("CREATE TABLE converge_jobs (a)")
        expect(yield* opening({ filename: broken })).toMatchObject({
          message: expect.stringMatching(/broken\.db.*converge_jobs already exists/)
        })
      })
    )
  )

  it.live("is opened by many at once, and made by one of them", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const open = Effect.map(openStore({ filename }), ({ store }) => store)
        const stores = yield* Effect.all([open, open, open, open], { concurrency: "unbounded" })
        yield* Effect.forEach(stores, (store, index) => store.create(newJob(`job ${index}`)), {
          concurrency: "unbounded"
        })
        expect((yield* stores[0].list()).jobs).toHaveLength(4)
      })
    )
  )
})

describe("options", () => {
  const refused: ReadonlyArray<readonly [unknown, RegExp]> = [
    [undefined, /options must be an object, not undefined/],
    [{}, /filename must be a path or a URL of file:, not undefined/],
    [{ filename: "" }, /filename must be a path or a URL of file:, not ""/],
    [{ filename: ":memory:" }, /layerMemoryJournal/],
    [{ filename: new URL("https://example.org/a.db") }, /not https:/],
    [{ filename: "a.db", file: 1 }, /there is no option "file"; did you mean "filename"\?/],
    [{ filename: "a.db", durability: "none" }, /durability must be "full", "normal" or "exit", not "none"/],
    [{ filename: "a.db", busyTimeout: -1 }, /busyTimeout must be a duration/],
    [{ filename: "a.db", lease: "soon" }, /lease must be a duration from 100 ms/],
    [{ filename: "a.db", lease: Infinity }, /lease must be a duration/],
    [{ filename: "a.db", maxSizeMb: 0 }, /maxSizeMb must be a number of at least 1, not 0/],
    [{ filename: "a.db", retention: {} }, /retention needs keepLatest, maxAge or both/],
    [{ filename: "a.db", retention: { keepLatest: 1.5 } }, /retention.keepLatest must be a whole number/],
    [
      { filename: "a.db", retention: { keepLatest: 1, evry: 1 } },
      /there is no option "retention\.evry"; did you mean "retention\.every"\?/
    ],
    [{ filename: "a.db", retention: { maxAge: "x" } }, /retention.maxAge must be a duration/]
  ]
  for (const [options, message] of refused) {
    it.live(`that cannot work are refused: ${message.source}`, () =>
      Effect.gen(function* () {
        const error = yield* opening(options as JobStore.SqliteOptions)
        expect(error.reason).toBe("failed")
        expect(error.message).toMatch(message)
        expect(error.message).toMatch(/^JobStore\.layerSqlite: /)
      })
    )
  }

  it.live("may name the file by its URL", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { file } = yield* openStore({ filename: pathToFileURL(filename) })
        expect(file.filename).toBe(filename)
        expect((yield* openStore({ filename: pathToFileURL(filename).href })).file.filename).toBe(filename)
      })
    )
  )
})

describe("a file that is full", () => {
  it.live("refuses what needs more, whole, and takes what does not, also of the same group", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename, maxSizeMb: 1 })
        const jobs = ["a", "b", "c"]
        for (const jobId of jobs) yield* store.create(newJob(jobId))
        const huge = row(1, { text: () => "x".repeat(2_000_000) })
        const outcomes = yield* Effect.all(
          [
            store.append("a", 1, row(1)),
            store.append("b", 1, huge),
            store.append("b", 1, row(2)),
            store.append("c", 1, row(1)),
            store.create(newJob("d", { base: () => ["y".repeat(2_000_000)] }))
          ].map((write) => reasonOf<unknown, never>(write)),
          { concurrency: "unbounded" }
        )
        expect(outcomes).toEqual([undefined, "full", "out-of-order", undefined, "full"])
        expect(yield* store.load("b")).toMatchObject({ cycle: 0 })
        expect(yield* reasonOf(store.load("d"))).toBe("missing")
        yield* store.append("b", 1, row(1))
        yield* store.append("a", 1, row(2))
      })
    )
  )

  it.live("goes on when there is space again", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const isMounted = yield* smallDisk(folder, 3)
        const filename = join(folder, "a.db")
        const { file, store } = yield* openStore({ filename, ...(isMounted ? {} : { maxSizeMb: 2 }) })
        yield* store.create(newJob("old"))
        yield* store.append("old", 1, row(1, { text: () => long }))
        yield* store.halt("old", 1, end())
        yield* store.create(newJob("a"))
        let cycle = 0
        let error: string | undefined
        while (error === undefined) {
          error = yield* reasonOf(store.append("a", 1, row(cycle + 1, { text: () => long })))
          if (error === undefined) cycle++
        }
        expect(error).toBe("full")
        expect(cycle).toBeGreaterThan(0)
        const rows = yield* Stream.runCollect(store.rows("a", 0))
        expect(rows.map((row) => [row.cycle, row.text.length, row.isIntact])).toEqual(
          Array.from({ length: cycle }, (_, index) => [index + 1, long.length, true])
        )
        // The work that gives space back may need a little itself.
        if (isMounted) execFileSync("mount", ["-o", "remount,size=8m", folder])
        expect(yield* store.prune({ keepLatest: 0 })).toBe(1)
        if (isMounted) yield* file.vacuum
        yield* store.append("a", 1, row(cycle + 1, { text: () => long }))
      })
    )
  )
})

describe("a file that loses its name while it is open", () => {
  it.live.each(["deleted", "replaced"])("refuses every write from then on, and says so: %s", (how) =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename })
        yield* store.create(newJob("a"))
        yield* store.append("a", 1, row(1))
        rmSync(filename)
        if (how === "replaced") writeFileSync(filename, "another file")
        const error = yield* errorOf(store.append("a", 1, row(2)))
        expect(error.reason).toBe("failed")
        expect(error.message).toMatch(how === "deleted" ? /the file was deleted or moved/ : /was replaced by another/)
        expect(yield* reasonOf(store.create(newJob("b")))).toBe("failed")
        const { message } = yield* errorOf(Effect.andThen(store.load("a"), Effect.fail(error)))
        expect(message).toMatch(/the file was|it is no longer there/)
      })
    )
  )
})

describe("a file that is busy", () => {
  it.live("holds up neither the event loop nor reads, and the write is made when it is free", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename })
        yield* store.create(newJob("a"))
        const other = yield* connection(filename)
        other.exec("BEGIN IMMEDIATE")
        const writes = yield* Effect.forkChild(
          Effect.all(
            [1, 2, 3].map((cycle) => store.append("a", 1, row(cycle))),
            { concurrency: "unbounded" }
          )
        )
        for (let turn = 0; turn < 20; turn++) {
          expect(yield* store.load("a")).toMatchObject({ cycle: 0 })
          yield* Effect.promise(() => turns())
        }
        expect(writes.pollUnsafe()).toBeUndefined()
        other.exec("ROLLBACK")
        yield* Fiber.join(writes)
        expect(yield* store.load("a")).toMatchObject({ cycle: 3 })
      })
    )
  )

  it.live("for too long refuses writes, and takes later ones", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename, busyTimeout: 50 })
        yield* store.create(newJob("a"))
        const other = yield* connection(filename)
        other.exec("BEGIN IMMEDIATE")
        const writes = [1, 2, 3].map((cycle) => reasonOf(store.append("a", 1, row(cycle))))
        expect(yield* Effect.all(writes, { concurrency: "unbounded" })).toEqual(["busy", "busy", "busy"])
        other.exec("ROLLBACK")
        yield* store.append("a", 1, row(1))
      })
    )
  )
})

describe("a file that is damaged", () => {
  const journal = (filename: string, rows: number) =>
    Effect.gen(function* () {
      const { close, store } = yield* openStore({ filename })
      yield* store.create(newJob("a", { base: () => ["one", "two"] }))
      const appends = Array.from({ length: rows }, (_, index) => store.append("a", 1, row(index + 1)))
      yield* Effect.all(appends, { concurrency: "unbounded", discard: true })
      return { close, store }
    })

  it.live("in its structure is refused as corrupt, and nothing dies of it", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        yield* (yield* journal(filename, 2_000)).close
        const file = openSync(filename, "r+")
        const { size } = statSync(filename)
        for (let page = 1; page * 4_096 < size; page++)
          writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, page * 4_096)
        closeSync(file)
        const all = Effect.scoped(
          Effect.flatMap(openStore({ filename }), ({ store }) =>
            Effect.andThen(store.load("a"), Stream.runDrain(store.rows("a", 0)))
          )
        )
        expect(yield* errorOf(all)).toMatchObject({ reason: "corrupt", message: expect.stringContaining(filename) })
      })
    )
  )

  it.live("at the end of its log has an intact beginning", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename })
        yield* store.create(newJob("a"))
        for (let cycle = 1; cycle <= 20; cycle++) yield* store.append("a", 1, row(cycle))
        // As it was on the disk when the machine stopped.
        const copy = `${filename}.copy`
        copyFileSync(filename, copy)
        copyFileSync(`${filename}-wal`, `${copy}-wal`)
        truncateSync(`${copy}-wal`, Math.floor(statSync(`${copy}-wal`).size * 0.8) + 17)
        const opened = yield* openStore({ filename: copy })
        const rows = yield* Stream.runCollect(opened.store.rows("a", 0))
        expect(rows.length).toBeGreaterThan(0)
        expect(rows.length).toBeLessThan(20)
        expect(rows.map(({ cycle }) => cycle)).toEqual(rows.map((_, index) => index + 1))
        yield* opened.store.lease("a", { force: true })
      })
    )
  )

  it.live("in a text that no hash covers is found out", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* journal(filename, 3)
        const database = yield* connection(filename)
        database.exec("UPDATE converge_rows SET extra = '{}' WHERE cycle = 2")
        const rows = yield* Stream.runCollect(store.rows("a", 0))
        expect(rows.map(({ isIntact }) => isIntact)).toEqual([true, false, true])
        database.exec("DELETE FROM converge_base_pieces WHERE piece = 1")
        expect(yield* errorOf(Stream.runDrain(store.base("a", 0)))).toMatchObject({
          reason: "corrupt",
          message: `${filename}: of the context of job a at cycle 0: expected 2 pieces, found 1`
        })
        yield* store.halt("a", 1, end())
        database.exec("UPDATE converge_texts SET text = 'changed' WHERE kind = 'end'")
        expect(yield* errorOf(store.load("a"))).toMatchObject({
          reason: "corrupt",
          message: expect.stringMatching(/the end of job a was changed: expected [0-9a-f]{16}, found [0-9a-f]{16}$/)
        })
        database.exec("UPDATE converge_texts SET text = 'changed' WHERE kind = 'header'")
        expect((yield* errorOf(store.load("a"))).message).toMatch(/the header of job a was changed/)
        database.exec("UPDATE converge_jobs SET status = 'odd'")
        expect((yield* store.list()).jobs).toMatchObject([{ jobId: "a", status: undefined, error: "JournalCorrupt" }])
        database.exec("DELETE FROM converge_texts")
        expect(yield* errorOf(store.load("a"))).toMatchObject({ reason: "corrupt" })
      })
    )
  )
})

describe("a store that is closed", () => {
  it.live("refuses everything as closed", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        for (const durability of ["full", "exit"] as const) {
          const { close, file, store } = yield* openStore({ filename, durability })
          const jobId = `job of ${durability}`
          const fence = yield* store.create(newJob(jobId))
          yield* close
          const late = [
            store.create(newJob("b", { base: () => ["x"] })),
            store.append(jobId, fence, row(1)),
            store.halt(jobId, fence, end()),
            store.load(jobId),
            Stream.runDrain(store.rows(jobId, 0)),
            store.list(),
            store.cancelRequests,
            store.prune({ keepLatest: 0 }),
            file.vacuum,
            file.backup(`${filename}.${durability}`)
          ].map((effect) => reasonOf<unknown, never>(effect))
          expect(yield* Effect.all(late)).toEqual(late.map(() => "closed"))
        }
      })
    )
  )

  it.live("while writes are under way has made them", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { close, store } = yield* openStore({ filename })
        yield* store.create(newJob("a"))
        const appends = Array.from({ length: 200 }, (_, index) => store.append("a", 1, row(index + 1)))
        const writes = yield* Effect.forkChild(Effect.all(appends, { concurrency: "unbounded" }), {
          startImmediately: true
        })
        yield* close
        expect(Exit.isSuccess(yield* Fiber.await(writes))).toBe(true)
      })
    )
  )
})

describe("a list, and a pruning", () => {
  it.live("refuse a limit, a cursor and a number that are none", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename })
        expect(yield* errorOf(store.list({ limit: 0 }))).toMatchObject({ reason: "failed" })
        expect(yield* errorOf(store.list({ limit: 1_001 }))).toMatchObject({ reason: "failed" })
        expect((yield* errorOf(store.list({ cursor: "x" }))).message).toBe(`"x" is not a cursor of this store`)
        expect((yield* errorOf(store.prune({ keepLatest: -1 }))).message).toMatch(/keepLatest must be a whole number/)
      })
    )
  )
})
