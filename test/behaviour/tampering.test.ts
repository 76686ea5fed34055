/**
 * A journal that is not what was written is found when it is read, and named: the row, what was expected, and what was found.
 * Everything before it can be read (G11). Here the file is written to behind the store's back, column by column.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { DatabaseSync } from "node:sqlite"
import { Engine, JobStore, Journal } from "../../src/index.ts"
import { brokenOff, engineOnStore } from "../support/behaviour/durable.ts"
import { counter, ended, failure, Num } from "../support/behaviour/harness.ts"
import { openStore, withFile } from "../support/store/harness.ts"

const program = counter(6)
const cycles = 7

/** A job `one` of 7 cycles, a fork `two` that goes on from its cycle 3, and a job `open` that was broken off after 4 cycles. */
const withJournals = <A, E, R>(
  use: (store: JobStore.JobStore["Service"], change: (sql: string) => void) => Effect.Effect<A, E, R>
) =>
  withFile((filename) =>
    Effect.gen(function* () {
      const { store } = yield* openStore({ filename, durability: "normal" })
      yield* Effect.gen(function* () {
        yield* Engine.run(program, {}, { id: "one" })
        yield* Effect.flatMap(Engine.fork(program, "one", { id: "two", at: 3 }), ({ result }) => result)
      }).pipe(Effect.provide(engineOnStore(store)))
      yield* ended(Effect.provide(Engine.run(program, {}, { id: "open" }), engineOnStore(brokenOff(store, 4))))
      const database = yield* Effect.acquireRelease(
        Effect.sync(() => new DatabaseSync(filename)),
        (database) => Effect.sync(() => database.close())
      )
      return yield* Effect.provideService(
        use(store, (sql) => database.exec(sql)),
        JobStore.JobStore,
        store
      )
    })
  )

const job = (id: string) => `job = (SELECT id FROM converge_jobs WHERE job_id = '${id}')`
const hash = /^[0-9a-f]{64}$/

/** The changes to a file, each with the part that is then reported. `intact`: the last cycle that is. */
const changes: ReadonlyArray<{
  readonly what: string
  readonly id?: string
  readonly sql: string
  readonly intact: number
  readonly corrupt: Readonly<Record<string, unknown>>
}> = [
  {
    what: "a text of a row",
    sql: `UPDATE converge_rows SET text = replace(text, '"n":4', '"n":5') WHERE cycle = 4 AND ${job("one")}`,
    intact: 3,
    corrupt: { cycle: 4, part: "hash", expected: expect.stringMatching(hash), found: expect.stringMatching(hash) }
  },
  {
    what: "a text that is no JSON any more",
    sql: `UPDATE converge_rows SET text = '' WHERE cycle = 7 AND ${job("one")}`,
    intact: 6,
    corrupt: { cycle: 7, part: "hash" }
  },
  {
    what: "a hash",
    sql: `UPDATE converge_rows SET hash = substr(hash, 2) || 'x' WHERE cycle = 2 AND ${job("one")}`,
    intact: 1,
    corrupt: { cycle: 2, part: "hash", expected: expect.stringMatching(hash) }
  },
  {
    what: "the extra of a row",
    sql: `UPDATE converge_rows SET extra = replace(extra, '"4"', '"5"') WHERE cycle = 4 AND ${job("one")}`,
    intact: 3,
    corrupt: { cycle: 4, part: "extra", expected: "what was written with the row", found: "something else" }
  },
  {
    what: "the checksum of a row",
    sql: `UPDATE converge_rows SET sum = 'x' WHERE cycle = 1 AND ${job("one")}`,
    intact: 0,
    corrupt: { cycle: 1, part: "extra" }
  },
  {
    what: "a row that is gone",
    sql: `DELETE FROM converge_rows WHERE cycle = 3 AND ${job("one")}`,
    intact: 2,
    corrupt: { cycle: 3, part: "cycle", expected: "3", found: "4" }
  },
  {
    what: "the last row, gone",
    sql: `DELETE FROM converge_rows WHERE cycle = 7 AND ${job("one")}`,
    intact: 6,
    corrupt: { cycle: 7, part: "cycle", expected: "rows up to cycle 7", found: "rows up to cycle 6" }
  },
  {
    what: "all rows, gone",
    sql: `DELETE FROM converge_rows WHERE ${job("one")}`,
    intact: 0,
    corrupt: { cycle: 1, part: "cycle", expected: "rows up to cycle 7" }
  },
  {
    what: "two rows that changed places",
    sql: `UPDATE converge_rows SET cycle = -cycle WHERE cycle IN (3, 4) AND ${job("one")};
      UPDATE converge_rows SET cycle = 7 + cycle WHERE cycle < 0 AND ${job("one")}`,
    intact: 2,
    corrupt: { cycle: 3, part: "hash" }
  },
  {
    what: "a row of another job in its place",
    sql: `UPDATE converge_rows SET (text, hash, extra, sum) =
        (SELECT text, hash, extra, sum FROM converge_rows WHERE cycle = 1 AND ${job("two")})
      WHERE cycle = 1 AND ${job("one")}`,
    intact: 0,
    corrupt: { cycle: 1, part: "hash" }
  },
  {
    what: "the header",
    sql: `UPDATE converge_texts SET text = replace(text, '"format":1', '"format":2') WHERE kind = 'header' AND ${job("one")}`,
    intact: 0,
    corrupt: { cycle: 0, part: "job", found: expect.stringContaining("the header of job one was changed") }
  },
  {
    what: "the beginning",
    sql: `UPDATE converge_texts SET text = replace(text, '"n":0', '"n":1') WHERE kind = 'genesis' AND ${job("one")}`,
    intact: 0,
    corrupt: { cycle: 0, part: "hash", expected: expect.stringMatching(hash), found: expect.stringMatching(hash) }
  },
  {
    what: "the hash of the beginning",
    sql: `UPDATE converge_jobs SET genesis_hash = 'x' WHERE job_id = 'one'`,
    intact: 0,
    corrupt: { cycle: 0, part: "job" }
  },
  {
    what: "the end",
    sql: `UPDATE converge_texts SET text = '{}' WHERE kind = 'end' AND ${job("one")}`,
    intact: 0,
    corrupt: { cycle: 0, part: "job", found: expect.stringContaining("the end of job one was changed") }
  },
  {
    what: "a fact of the context that it stands on",
    id: "two",
    sql: `UPDATE converge_base_pieces SET text = replace(text, '"n":2', '"n":5') WHERE piece = 1 AND ${job("two")}`,
    intact: 0,
    corrupt: { cycle: 0, part: "base", expected: expect.stringMatching(/^"[0-9a-f]{64}"$/) }
  },
  {
    what: "a piece of that context, gone",
    id: "two",
    sql: `DELETE FROM converge_base_pieces WHERE piece = 1 AND ${job("two")}`,
    intact: 0,
    corrupt: { cycle: 0, part: "base", found: expect.stringContaining("pieces") }
  },
  {
    what: "that context, gone",
    id: "two",
    sql: `DELETE FROM converge_bases WHERE ${job("two")}; DELETE FROM converge_base_pieces WHERE ${job("two")}`,
    intact: 0,
    corrupt: { cycle: 0, part: "base", expected: "a context", found: "none" }
  },
  {
    what: "a context where there was none",
    sql: `INSERT INTO converge_bases SELECT id, 0, 1 FROM converge_jobs WHERE job_id = 'one'`,
    intact: 0,
    corrupt: { cycle: 0, part: "base", expected: "none", found: "a context" }
  },
  {
    what: "a row of a job that is unfinished",
    id: "open",
    sql: `UPDATE converge_rows SET text = replace(text, '"n":2', '"n":3') WHERE cycle = 2 AND ${job("open")}`,
    intact: 1,
    corrupt: { cycle: 2, part: "hash" }
  }
]

describe("a journal", () => {
  it.live("that is what was written is intact", () =>
    withJournals((store) =>
      Effect.gen(function* () {
        for (const id of ["one", "two", "open"]) {
          const { cycle, hash, status } = yield* store.load(id)
          expect(yield* Journal.verify(id)).toEqual({
            jobId: id,
            program: "counter",
            status,
            cycles: cycle,
            hash,
            isIntact: true
          })
        }
        expect(yield* failure(Journal.verify("none"))).toMatchObject({ _tag: "StoreError", reason: "missing" })
      })
    )
  )

  for (const { corrupt, id = "one", intact, sql, what } of changes) {
    it.live(`says which part is not what was written: ${what}`, () =>
      withJournals((store, change) =>
        Effect.gen(function* () {
          const hashes: Array<string> = []
          for (let at = 0; at < intact; at++) hashes.push((yield* Journal.replay(id, { at })).hash)
          change(sql)
          const report = yield* Journal.verify(id)
          expect(report).toMatchObject({ jobId: id, isIntact: false, cycles: intact, corrupt })
          // The cycles before it can be read.
          for (const [at, hash] of hashes.entries()) {
            const then = yield* Journal.replay(id, { at })
            expect(then.hash).toBe(hash)
            expect(then.context.size(Num)).toBe(at + 1)
          }
          // Nobody goes on with it, or takes it for another.
          const isCorrupt =
            report.corrupt?.part === "job" || typeof corrupt["found"] === "object"
              ? expect.stringMatching(/^(?:JournalCorrupt|StoreError)$/)
              : "JournalCorrupt"
          for (const read of [
            Effect.asVoid(Journal.replay(id)),
            Stream.runDrain(Stream.unwrap(Journal.events(id))),
            Effect.asVoid(Effect.provide(Engine.resume(program, id), engineOnStore(store))),
            Effect.asVoid(Effect.provide(Engine.fork(program, id), engineOnStore(store)))
          ]) {
            expect(yield* failure(read)).toMatchObject({ _tag: isCorrupt as string })
          }
        })
      )
    )
  }

  it.live("gives the events of what is before", () =>
    withJournals((_, change) =>
      Effect.gen(function* () {
        const whole = yield* Stream.runCollect(Stream.unwrap(Journal.events("one")))
        change(`UPDATE converge_rows SET text = '{}' WHERE cycle = 4 AND ${job("one")}`)
        const seen: Array<unknown> = []
        const error = yield* failure(
          Stream.runForEach(Stream.unwrap(Journal.events("one")), (event) => Effect.sync(() => void seen.push(event)))
        )
        expect(error).toMatchObject({ _tag: "JournalCorrupt", jobId: "one", cycle: 4 })
        expect(error.message).toMatch(/^the row of cycle 4 of job one is not what was written: hash: expected /)
        expect(seen).toEqual(whole.slice(0, seen.length))
        expect(whole[seen.length]).toMatchObject({ cycle: 4 })
        expect(cycles).toBe(whole.at(-1)?.cycle)
      })
    )
  )
})
