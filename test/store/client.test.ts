/** Effect's SqlClient over Node's SQLite: transactions, values, errors. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as SqliteClient from "../../src/store/sqlite/SqliteClient.ts"
import { withFolder } from "../support/store/harness.ts"

const memory = SqliteClient.layer({ filename: ":memory:" })

const reasonOf = (exit: Exit.Exit<unknown, unknown>): string | undefined => {
  if (!Exit.isFailure(exit)) return undefined
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return isSqlError(error) ? error.reason._tag : String(exit.cause)
}

describe("a transaction", () => {
  it.live("is alone with the connection: 200 concurrent increments are 200", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE counter (value INTEGER NOT NULL)`
      yield* sql`INSERT INTO counter VALUES (0)`
      const increment = sql.withTransaction(
        Effect.gen(function* () {
          const [row] = yield* sql<{ value: number }>`SELECT value FROM counter`
          yield* Effect.yieldNow
          yield* sql`UPDATE counter SET value = ${row!.value + 1}`
        })
      )
      yield* Effect.all(
        Array.from({ length: 200 }, () => increment),
        { concurrency: "unbounded", discard: true }
      )
      expect(yield* sql`SELECT value FROM counter`).toEqual([{ value: 200 }])
    }).pipe(Effect.provide(memory))
  )

  it.live("over two connections to one file is alone with the file", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const open = SqliteClient.make({ filename: join(folder, "a.db"), busyTimeoutMs: 0 })
        const [one, two] = yield* Effect.all([open, open])
        yield* one`CREATE TABLE counter (value INTEGER NOT NULL)`
        const inside = yield* Deferred.make<void>()
        const finish = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          one.withTransaction(Effect.andThen(Deferred.succeed(inside, undefined), Deferred.await(finish)))
        )
        yield* Deferred.await(inside)
        expect(reasonOf(yield* Effect.exit(two.withTransaction(Effect.void)))).toBe("LockTimeoutError")
        yield* Deferred.succeed(finish, undefined)
        yield* Fiber.join(fiber)
        yield* two.withTransaction(two`INSERT INTO counter VALUES (1)`)
        expect(yield* one`SELECT value FROM counter`).toEqual([{ value: 1 }])
      })
    )
  )

  it.live("that is nested is undone alone", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a INTEGER)`
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`INSERT INTO t VALUES (1)`
          yield* Effect.ignore(sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (2)`, Effect.fail("no"))))
          yield* sql.withTransaction(sql`INSERT INTO t VALUES (3)`)
        })
      )
      expect(yield* sql`SELECT a FROM t`).toEqual([{ a: 1 }, { a: 3 }])
    }).pipe(Effect.provide(memory))
  )

  it.live("that fails, or is interrupted, leaves nothing", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a INTEGER)`
      yield* Effect.exit(sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (1)`, Effect.fail("no"))))
      const inside = yield* Deferred.make<void>()
      const endless = Effect.andThen(sql`INSERT INTO t VALUES (2)`, Deferred.succeed(inside, undefined))
      const fiber = yield* Effect.forkChild(sql.withTransaction(Effect.andThen(endless, Effect.never)))
      yield* Deferred.await(inside)
      yield* Fiber.interrupt(fiber)
      expect(yield* sql`SELECT a FROM t`).toEqual([])
    }).pipe(Effect.provide(memory))
  )

  it.live("whose COMMIT fails is rolled back, and the connection goes on", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE p (id INTEGER PRIMARY KEY)`
      yield* sql`CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)`
      const exit = yield* Effect.exit(sql.withTransaction(sql`INSERT INTO c VALUES (7)`))
      expect(reasonOf(exit)).toBe("ConstraintError")
      yield* sql.withTransaction(Effect.andThen(sql`INSERT INTO p VALUES (7)`, sql`INSERT INTO c VALUES (7)`))
      expect(yield* sql`SELECT p FROM c`).toEqual([{ p: 7 }])
    }).pipe(Effect.provide(memory))
  )
})

describe("a statement", () => {
  it.live("binds what JavaScript has and SQLite has not", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const bytes = new Uint8Array([1, 2])
      const values = [true, false, undefined, null, 1.5, "x", bytes, 12n]
      const one = (value: unknown) => sql<{ v: unknown }>`SELECT ${value} AS v`
      const seen = yield* Effect.forEach(values, (value) => Effect.map(one(value), (rows) => rows[0]?.v))
      expect(seen).toEqual([1, 0, null, null, 1.5, "x", bytes, 12])
      expect(reasonOf(yield* Effect.exit(sql`SELECT ${{}} AS v`))).toBe("UnknownError")
    }).pipe(Effect.provide(memory))
  )

  it.live("gives values, what it did, big integers, and a stream", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a INTEGER, b TEXT)`
      expect(yield* sql`INSERT INTO t VALUES (1, 'x'), (2, 'y')`.raw).toMatchObject({ changes: 2 })
      expect(yield* sql`SELECT * FROM t`.values).toEqual([
        [1, "x"],
        [2, "y"]
      ])
      expect(yield* sql`SELECT a FROM t`.raw).toMatchObject([{ a: 1 }, { a: 2 }])
      const big = sql`SELECT ${2n ** 60n} AS v`
      expect(yield* Effect.provideService(big, SqlClient.SafeIntegers, true)).toEqual([{ v: 2n ** 60n }])
      expect(reasonOf(yield* Effect.exit(big))).toBe("UnknownError")
      const many = sql`WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n`
      const last = yield* Stream.runCollect(many.stream)
      expect([last.length, last[999]]).toEqual([1_000, { i: 1_000 }])
    }).pipe(Effect.provide(memory))
  )

  it.live("goes on working when there are more of them than are kept prepared", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const numbers = Array.from({ length: 200 }, (_, index) => index)
      for (const round of [1, 2]) {
        const seen = yield* Effect.forEach(numbers, (n) =>
          sql.unsafe<{ v: number }>(`SELECT ${n} AS v, ? AS r`, [round])
        )
        expect(seen.map((rows) => rows[0]?.v)).toEqual(numbers)
      }
    }).pipe(Effect.provide(memory))
  )
})

describe("an error", () => {
  it.live("is classified by SQLite's code", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const sql = yield* SqliteClient.make({ filename: join(folder, "a.db") })
        yield* sql`CREATE TABLE t (a INTEGER UNIQUE, b INTEGER NOT NULL)`
        yield* sql`INSERT INTO t VALUES (1, 1)`
        expect(reasonOf(yield* Effect.exit(sql`INSERT INTO t VALUES (1, 1)`))).toBe("UniqueViolation")
        expect(reasonOf(yield* Effect.exit(sql`INSERT INTO t VALUES (2, NULL)`))).toBe("ConstraintError")
        expect(reasonOf(yield* Effect.exit(sql`SELCT`))).toBe("UnknownError")
        const nowhere = SqliteClient.make({ filename: join(folder, "nowhere/a.db") })
        expect(reasonOf(yield* Effect.exit(nowhere))).toBe("ConnectionError")
        const reader = yield* SqliteClient.make({ filename: join(folder, "a.db"), isReadOnly: true })
        expect(reasonOf(yield* Effect.exit(reader`DELETE FROM t`))).toBe("UnknownError")
        writeFileSync(join(folder, "b.db"), "no database ".repeat(100))
        const other = yield* SqliteClient.make({ filename: join(folder, "b.db") })
        expect(reasonOf(yield* Effect.exit(other`SELECT * FROM sqlite_schema`))).toBe("UnknownError")
      })
    )
  )
})
