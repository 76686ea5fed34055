/** The work of a store in a file on the main thread: it reads, and makes way. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { DatabaseSync } from "node:sqlite"
import { vi } from "vitest"
import { Limits } from "../../src/index.ts"
import { nextTurn } from "../../src/platform/slices.ts"
import { end, newJob, openStore, row, withFile } from "../support/store/harness.ts"

describe("the main thread", () => {
  it.live("prepares no statement that writes once the store is open, and opens the file for reading only", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const prepare = vi.spyOn(DatabaseSync.prototype, "prepare")
        const exec = vi.spyOn(DatabaseSync.prototype, "exec")
        yield* Effect.addFinalizer(() => Effect.sync(() => (prepare.mockRestore(), exec.mockRestore())))
        const { file, store } = yield* openStore({ filename })
        // Making the tables did.
        expect(prepare.mock.calls.some(([sql]) => sql.startsWith("CREATE TABLE"))).toBe(true)
        prepare.mockClear()
        exec.mockClear()
        const fence = yield* store.create(newJob("a", { base: () => ["x"] }))
        yield* store.append("a", fence, row(1))
        yield* store.note("a", fence, "n")
        yield* store.keep("a", fence, { cycle: 2, key: "k", text: "t" })
        yield* store.rebase("a", fence, { cycle: 1, header: "h", pieces: ["y"] })
        yield* store.requestCancel("a")
        yield* store.load("a")
        yield* store.kept("a")
        yield* store.cancelRequests
        yield* Stream.runDrain(Stream.merge(store.rows("a", 0), Stream.as(store.base("a", 0), undefined)))
        yield* store.release("a", fence)
        yield* store.halt("a", yield* store.lease("a"), end())
        yield* store.list()
        yield* store.prune({ keepLatest: 0 })
        yield* file.backup(`${filename}.copy`)
        yield* file.vacuum
        const statements = prepare.mock.calls.map(([sql]) => sql.trim().split(/\s/)[0])
        expect(new Set(statements)).toEqual(new Set(["SELECT"]))
        // The copy is a file of its own, and nobody holds its jobs.
        expect(exec.mock.calls.map(([sql]) => sql.split(" SET ")[0])).toEqual(["UPDATE converge_jobs"])
        expect(exec.mock.contexts).not.toContain(prepare.mock.contexts[0])
        const reader: unknown = prepare.mock.contexts[0]
        expect(() => reader instanceof DatabaseSync && reader.exec("DELETE FROM converge_jobs")).toThrow(/readonly/)
      })
    )
  )

  it.live("has a turn between two pages, and a page has so many rows and bytes", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename, durability: "normal" })
        const fence = yield* store.create(newJob("a"))
        const large = "x".repeat(Limits.storePageBytes / 4)
        const count = 3 * Limits.storePageRows
        const appends = Array.from({ length: count }, (_, index) =>
          store.append("a", fence, row(index + 1, { text: () => (index < 20 ? large : "small") }))
        )
        yield* Effect.all(appends, { concurrency: "unbounded", discard: true })
        const pages: Array<{ readonly rows: number; readonly bytes: number; readonly turn: number }> = []
        let turn = 0
        yield* Effect.forkScoped(Effect.forever(Effect.tap(nextTurn, () => Effect.sync(() => turn++))))
        yield* Stream.runForEachArray(store.rows("a", 0), (rows) =>
          Effect.sync(() => {
            const bytes = rows.reduce((sum, { extra, text }) => sum + text.length + extra.length, 0)
            pages.push({ rows: rows.length, bytes, turn })
          })
        )
        expect(pages.reduce((sum, { rows }) => sum + rows, 0)).toBe(count)
        for (const { bytes, rows } of pages) {
          expect(rows).toBeLessThanOrEqual(Limits.storePageRows)
          expect(bytes).toBeLessThanOrEqual(Limits.storePageBytes)
        }
        expect(pages.length).toBeGreaterThanOrEqual(8)
        expect(new Set(pages.map(({ turn }) => turn)).size).toBeGreaterThan(pages.length / 2)
      })
    )
  )
})
