/** The holder of a job in a file that several stores have open. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { appendFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { JobStore } from "../../src/index.ts"
import { end, newJob, openStore, reasonOf, row, withFile } from "../support/store/harness.ts"

/** Changes the file behind the stores' backs. */
const change = (filename: string, sql: string, ...inputs: ReadonlyArray<string | number>) => {
  const database = new DatabaseSync(filename, { timeout: 5_000 })
  const changed = database.prepare(sql).all(...inputs)
  database.close()
  return changed
}

const ownerOf = (filename: string): ReadonlyArray<string> =>
  String(change(filename, "SELECT owner FROM converge_jobs WHERE job_id = 'a'")[0]?.["owner"]).split("/")

const setOwner = (filename: string, owner: ReadonlyArray<string | number>) =>
  change(filename, "UPDATE converge_jobs SET owner = ? WHERE job_id = 'a'", owner.join("/"))

describe("a job in a file", () => {
  it.effect("is held by its store for as long as that is open, however long", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const one = yield* openStore({ filename })
        const two = yield* openStore({ filename })
        yield* one.store.create(newJob("a"))
        for (let second = 0; second < 60; second += 5) {
          yield* TestClock.adjust("5 seconds")
          // The renewal was posted before this is.
          yield* one.store.requestCancel("a")
          expect(yield* reasonOf(two.store.lease("a"))).toBe("held")
          expect(yield* two.store.load("a")).toMatchObject({ isHeld: true })
        }
        yield* one.close
        expect(yield* two.store.load("a")).toMatchObject({ isHeld: false })
        yield* two.store.lease("a")
      })
    )
  )

  it.live("is held by nobody in a copy of the file, nor in a store that is restored from a copy with leases", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const one = yield* openStore({ filename })
        yield* one.store.create(newJob("a"))
        const [copy, restored, again] = [`${filename}.copy`, `${filename}.restored`, `${filename}.again`]
        yield* one.file.backup(copy)
        expect(yield* (yield* openStore({ filename: copy, readOnly: true })).store.load("a")).toMatchObject({
          isHeld: false
        })
        const [owner] = change(filename, "SELECT owner, lease_until FROM converge_jobs")
        change(copy, "UPDATE converge_jobs SET owner = ?, lease_until = ?", String(owner?.["owner"]), 9e15)
        yield* JobStore.restoreSqlite({ from: copy, filename: restored })
        const { store } = yield* openStore({ filename: restored })
        expect(yield* store.load("a")).toMatchObject({ isHeld: false })
        yield* store.lease("a")
        const bytes = yield* one.file.copy
        yield* Stream.runForEach(bytes, (piece) => Effect.sync(() => appendFileSync(again, piece)))
        expect(yield* (yield* openStore({ filename: again })).store.load("a")).toMatchObject({ isHeld: false })
        // The job of the file goes on.
        const two = yield* openStore({ filename })
        expect(yield* two.store.load("a")).toMatchObject({ isHeld: true })
      }).pipe(Effect.scoped)
    )
  )

  it.effect("of a store on another machine is held until that was not heard of for a lease", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename, lease: "30 seconds" })
        yield* store.create(newJob("a"))
        setOwner(filename, ["elsewhere", 1, 1, "x"])
        yield* TestClock.adjust("29 seconds")
        expect(yield* reasonOf(store.lease("a"))).toBe("held")
        expect(yield* store.load("a")).toMatchObject({ isHeld: true })
        yield* TestClock.adjust("1 second")
        expect(yield* store.load("a")).toMatchObject({ isHeld: false })
        expect(yield* store.lease("a")).toBe(2)
      })
    )
  )

  it.live("of a process that has ended is free at once, also if another has its number now", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename })
        yield* store.create(newJob("a"))
        const [host = "", , began = ""] = ownerOf(filename)
        // There is no process of that number.
        setOwner(filename, [host, 2 ** 30, began, "x"])
        expect(yield* store.load("a")).toMatchObject({ isHeld: false })
        expect(yield* store.lease("a")).toBe(2)
        // This process, had it begun at another time; where the system does not tell, nothing is known.
        setOwner(filename, [host, process.pid, began === "" ? "" : `${began}1`, "x"])
        expect(yield* reasonOf(store.lease("a"))).toBe(began === "" ? "held" : undefined)
        // Another store of this process.
        setOwner(filename, [host, process.pid, began, "x"])
        expect(yield* reasonOf(store.lease("a"))).toBe("held")
        // A name that nobody understands.
        setOwner(filename, ["?"])
        expect(yield* reasonOf(store.lease("a"))).toBe("held")
      })
    )
  )

  it.live("that was taken over by force is lost to the store that had it", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const one = yield* openStore({ filename })
        const two = yield* openStore({ filename })
        const first = yield* one.store.create(newJob("a"))
        const second = yield* two.store.lease("a", { force: true })
        expect(yield* reasonOf(one.store.append("a", first, row(1)))).toBe("fenced")
        yield* two.store.append("a", second, row(1))
        yield* one.store.requestCancel("a")
        expect(yield* one.store.cancelRequests).toEqual([])
        expect(yield* two.store.cancelRequests).toEqual(["a"])
        // Closing one does not let go of what the other holds.
        yield* one.close
        expect(yield* two.store.load("a")).toMatchObject({ isHeld: true })
        yield* two.store.halt("a", second, end())
      })
    )
  )

  it.effect(
    "of a process that lives is held whatever the clocks say, unless it does not renew its lease for that long",
    () =>
      withFile((filename) =>
        Effect.gen(function* () {
          const { store } = yield* openStore({ filename, lease: "30 seconds" })
          yield* store.create(newJob("a"))
          const [host = "", , began = ""] = ownerOf(filename)
          setOwner(filename, [host, process.pid, began, "x", 20_000])
          // The clock of this process is far ahead.
          const renew = (leaseUntil: number) =>
            change(filename, "UPDATE converge_jobs SET lease_until = ? WHERE job_id = 'a'", leaseUntil)
          yield* TestClock.setTime(3_600_000)
          for (const until of [1, 2, 3]) {
            renew(until)
            yield* TestClock.adjust("15 seconds")
            expect(yield* store.load("a")).toMatchObject({ isHeld: true })
            expect(yield* reasonOf(store.lease("a"))).toBe("held")
          }
          yield* TestClock.adjust("19 seconds")
          expect(yield* store.load("a")).toMatchObject({ isHeld: true })
          yield* TestClock.adjust("1 second")
          expect(yield* store.load("a")).toMatchObject({ isHeld: false })
          expect(yield* store.lease("a")).toBe(2)
        })
      )
  )

  it.effect("of another machine is not held by a lease that ends later than a lease can", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename, lease: "10 seconds" })
        yield* store.create(newJob("a"))
        const hold = (owner: ReadonlyArray<string | number>, leaseUntil: number) =>
          change(filename, "UPDATE converge_jobs SET owner = ?, lease_until = ?", owner.join("/"), leaseUntil)
        hold(["elsewhere", 1, 1, "x"], 3_600_000)
        expect(yield* store.load("a")).toMatchObject({ isHeld: false })
        // Its store takes longer leases than ours.
        hold(["elsewhere", 1, 1, "x", 7_200_000], 3_600_000)
        expect(yield* store.load("a")).toMatchObject({ isHeld: true })
        hold(["elsewhere", 1, 1, "x", 1_000], 3_600_000)
        expect(yield* store.lease("a")).toBe(2)
      })
    )
  )
})
