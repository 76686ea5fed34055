/** A store that only reads: what it leaves as it is, what it refuses, and that it sees what others write. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { connection, makeOlder } from "../support/store/disk.ts"
import { end, errorOf, newJob, openStore, reasonOf, row, withFile } from "../support/store/harness.ts"

/** A closed file with two jobs. */
const filled = (filename: string) =>
  Effect.gen(function* () {
    const { close, store } = yield* openStore({ filename })
    for (const jobId of ["a", "b"]) {
      const fence = yield* store.create(newJob(jobId))
      for (const cycle of [1, 2]) yield* store.append(jobId, fence, row(cycle))
      if (jobId === "a") yield* store.halt(jobId, fence, end())
    }
    yield* close
  })

/** The names of a folder's files, and the content and the times of each. */
const stateOf = (folder: string) =>
  readdirSync(folder)
    .toSorted()
    .map((name) => {
      const { ctimeMs, mtimeMs } = statSync(join(folder, name))
      return { name, ctimeMs, mtimeMs, bytes: readFileSync(join(folder, name)).toString("base64") }
    })

/** Makes a folder one that nobody can write to, not even root, if this process may do so. */
const writeProtected = (folder: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      try {
        execFileSync("mount", ["--bind", folder, folder], { stdio: "ignore" })
        execFileSync("mount", ["-o", "remount,bind,ro", folder], { stdio: "ignore" })
        return true
      } catch {
        return false
      }
    }),
    () => Effect.sync(() => execFileSync("sh", ["-c", `umount -l ${folder} 2>/dev/null || true`]))
  )

describe("a store that is opened for reading only", () => {
  it.live("reads everything, and leaves the file and its folder as they were", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        yield* filled(filename)
        const before = stateOf(dirname(filename))
        const { close, file, store } = yield* openStore({ filename, readOnly: true })
        expect((yield* store.list()).jobs.map(({ jobId }) => jobId)).toEqual(["b", "a"])
        expect(yield* store.load("a")).toMatchObject({ cycle: 2, status: "converged" })
        expect((yield* Stream.runCollect(store.rows("b", 0))).map(({ cycle }) => cycle)).toEqual([1, 2])
        expect(yield* store.kept("b")).toEqual([])
        expect(yield* file.check).toEqual([])
        yield* close
        expect(stateOf(dirname(filename))).toEqual(before)
      })
    )
  )

  it.live("refuses every write as read-only", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        yield* filled(filename)
        const { file, store } = yield* openStore({ filename, readOnly: true })
        const writes = [
          store.create(newJob("c")),
          store.append("b", 1, row(3)),
          store.note("b", 1, "note"),
          store.keep("b", 1, { cycle: 3, key: "k", text: "t" }),
          store.rebase("b", 1, { cycle: 3, header: "{}", pieces: [] }),
          store.halt("b", 1, end()),
          store.lease("b"),
          store.release("b", 1),
          store.requestCancel("b"),
          store.prune({ keepLatest: 0 }),
          store.remove("a"),
          file.vacuum
        ]
        const reasons = yield* Effect.forEach(writes, (write) => reasonOf<unknown, never>(write))
        expect(reasons).toEqual(writes.map(() => "read-only"))
        expect((yield* errorOf(store.lease("b"))).message).toBe(`${filename}: the store was opened for reading only`)
      })
    )
  )

  it.live("sees the rows of a process that writes, also of one that began to write later", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        yield* filled(filename)
        const reading = yield* openStore({ filename, readOnly: true })
        expect(yield* reading.store.load("b")).toMatchObject({ cycle: 2 })
        const writing = yield* openStore({ filename })
        const fence = yield* writing.store.lease("b")
        yield* writing.store.append("b", fence, row(3))
        expect(yield* reading.store.load("b")).toMatchObject({ cycle: 3 })
        expect(yield* reading.store.load("b")).toMatchObject({ isHeld: true })
        const late = yield* openStore({ filename, readOnly: true })
        expect(yield* late.store.load("b")).toMatchObject({ cycle: 3 })
      })
    )
  )

  it.live("reads a write-protected folder, also when it has the empty log of another reader", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        yield* filled(filename)
        writeFileSync(`${filename}-wal`, "")
        if (!(yield* writeProtected(dirname(filename)))) return
        const { store } = yield* openStore({ filename, readOnly: true })
        expect(yield* store.load("a")).toMatchObject({ cycle: 2 })
        expect(yield* reasonOf(openStore({ filename }))).toBe("read-only")
      })
    )
  )

  it.live("reads a file of an older version as it is", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        yield* filled(filename)
        const database = yield* connection(filename)
        makeOlder(database, 1)
        database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
        const { store } = yield* openStore({ filename, readOnly: true })
        expect((yield* store.list()).jobs).toHaveLength(2)
        expect(yield* store.load("a")).toMatchObject({ cycle: 2 })
      })
    )
  )

  it.live("refuses a file that is not there, is empty or of a newer version, and makes none", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        expect(yield* errorOf(openStore({ filename, readOnly: true }))).toMatchObject({
          reason: "failed",
          message: `${filename}: there is no such file`
        })
        expect(existsSync(filename)).toBe(false)
        writeFileSync(filename, "")
        expect(yield* reasonOf(openStore({ filename, readOnly: true }))).toBe("not-a-database")
        rmSync(filename)
        yield* filled(filename)
        const database = yield* connection(filename)
        database.exec("INSERT INTO converge_migrations (migration_id, created_at, name) VALUES (99, 0, 'later')")
        expect((yield* errorOf(openStore({ filename, readOnly: true }))).message).toMatch(/is of version 99, .* newer/)
      })
    )
  )
})

describe("the check of a file", () => {
  it.live("finds that a copy was put beside the log of another file", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const copy = `${filename}.copy`
        yield* filled(filename)
        copyFileSync(filename, copy)
        const { file, store } = yield* openStore({ filename })
        for (let job = 0; job < 200; job++) {
          const fence = yield* store.create(newJob(`c${job}`, { text: () => "x".repeat(3_000) }))
          yield* store.append(`c${job}`, fence, row(1))
        }
        yield* file.vacuum
        const fence = yield* store.lease("b")
        yield* store.append("b", fence, row(3, { text: () => "y".repeat(50_000) }))
        const log = `${filename}-wal`
        const damaged = `${filename}.damaged`
        copyFileSync(log, `${damaged}-wal`)
        copyFileSync(copy, damaged)
        const opened = yield* openStore({ filename: damaged, readOnly: true }).pipe(
          Effect.flatMap(({ file }) => file.check),
          Effect.match({ onFailure: ({ message }) => [message], onSuccess: (problems) => problems })
        )
        expect(opened).not.toEqual([])
        expect(yield* file.check).toEqual([])
      })
    )
  )
})
