/**
 * A driver for Effect's `SqlClient` over Node's own SQLite. An official driver replaces it when one fits.
 *
 * Fibers share one connection through a semaphore: a statement waits while a transaction of another fiber is open. Calls of
 * SQLite are synchronous: a statement holds the thread while it runs, and a busy file holds it for up to `busyTimeoutMs`.
 *
 * Invariants: a transaction takes the write lock when it begins, so that no transaction fails half way for lack of the lock; a
 * connection whose COMMIT failed is rolled back before its next use. Boundary: knows nothing of jobs.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import { Limits } from "../../Limits.ts"

export interface SqliteClientConfig {
  /** A path, or `":memory:"`. */
  readonly filename: string
  /** Opens only a file that exists, and writes nothing. Default: false. */
  readonly isReadOnly?: boolean | undefined
  /**
   * Treats the file as immutable: SQLite then ignores its write-ahead log and its locks, and makes no file beside it.
   * `isReadOnly` alone makes such files. Default: false.
   */
  readonly isImmutable?: boolean | undefined
  /** Milliseconds for which a statement waits, and holds the thread, while another connection has the lock. Default: 5,000. */
  readonly busyTimeoutMs?: number | undefined
  readonly spanAttributes?: Readonly<Record<string, unknown>> | undefined
}

interface SqliteConnection extends Connection {
  readonly isTransaction: () => boolean
}

/** Copies SQLite's code to the property in which Effect's classifier looks for it. */
const withErrno = (cause: unknown): unknown => {
  if (cause instanceof Error && "errcode" in cause && !("errno" in cause)) {
    Object.defineProperty(cause, "errno", { value: cause.errcode, configurable: true })
  }
  return cause
}

const sqlError = (cause: unknown, message: string, operation: string): SqlError =>
  new SqlError({ reason: classifySqliteError(withErrno(cause), { message, operation }) })

/** A value in a type that SQLite binds. */
const bound = (value: unknown): SQLInputValue => {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value
    case "boolean":
      return value ? 1 : 0
    case "undefined":
      return null
    default:
      if (value === null || value instanceof Uint8Array || value instanceof Int8Array) return value
      if (value instanceof Date) return value.toISOString()
      throw new TypeError(`a value of type ${typeof value} cannot be bound to a parameter of SQLite`)
  }
}

type ResultRow = ReturnType<StatementSync["all"]>[number]
type Transform = (<A extends object>(rows: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

const take = <A>(iterator: Iterator<A>, most: number): ReadonlyArray<A> => {
  const taken: Array<A> = []
  while (taken.length < most) {
    const step = iterator.next()
    if (step.done === true) break
    taken.push(step.value)
  }
  return taken
}

/** The prepared statements, the most recently used last. */
class Statements {
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** The statement for a text. It is fresh if it must not be cached. */
  of(sql: string, isCached: boolean): StatementSync {
    if (!isCached) return this.#database.prepare(sql)
    const known = this.#prepared.get(sql)
    const statement = known ?? this.#database.prepare(sql)
    if (known !== undefined) this.#prepared.delete(sql)
    this.#prepared.set(sql, statement)
    if (this.#prepared.size > Limits.sqliteStatements) this.#dropOldest()
    return statement
  }

  #dropOldest(): void {
    for (const oldest of this.#prepared.keys()) {
      this.#prepared.delete(oldest)
      return
    }
  }
}

/** The rows of a statement, a page at a time. */
const pagesOf = (iterator: Iterator<ResultRow>, transform: Transform) =>
  Stream.paginate(iterator, () =>
    Effect.try({
      try: () => {
        const chunk = take(iterator, Limits.storePageRows)
        const page = transform === undefined ? chunk : transform(chunk)
        return [page, chunk.length === 0 ? Option.none() : Option.some(iterator)] as const
      },
      catch: (cause) => sqlError(cause, "SQLite did not go on with a statement", "execute")
    })
  )

const connect = (database: DatabaseSync): SqliteConnection => {
  const statements = new Statements(database)

  const use = <A>(sql: string, isCached: boolean, run: (statement: StatementSync) => A): Effect.Effect<A, SqlError> =>
    Effect.withFiber((fiber) => {
      const readBigInts = fiber.getRef(SqlClient.SafeIntegers)
      return Effect.try({
        try: () => {
          const statement = statements.of(sql, isCached)
          statement.setReadBigInts(readBigInts)
          return run(statement)
        },
        catch: (cause) => sqlError(cause, "SQLite did not execute a statement", "execute")
      })
    })

  const rows = (sql: string, params: ReadonlyArray<unknown>, transform: Transform, isCached: boolean) =>
    use(sql, isCached, (statement): ReadonlyArray<ResultRow> => {
      const all = statement.all(...params.map(bound))
      return transform === undefined ? all : transform(all)
    })

  const values = (sql: string, params: ReadonlyArray<unknown>) =>
    use(sql, false, (statement) => {
      statement.setReturnArrays(true)
      // The types do not know this mode, in which each row is an array: hence the cast.
      return statement.all(...params.map(bound)) as unknown as ReadonlyArray<ReadonlyArray<unknown>>
    })

  return {
    isTransaction: () => database.isTransaction,
    execute: (sql, params, transform) => rows(sql, params, transform, true),
    executeUnprepared: (sql, params, transform) => rows(sql, params, transform, false),
    executeValues: values,
    executeValuesUnprepared: values,
    executeRaw: (sql, params) =>
      use(sql, true, (statement): unknown => {
        const inputs = params.map(bound)
        return statement.columns().length === 0 ? statement.run(...inputs) : statement.all(...inputs)
      }),
    executeStream: (sql, params, transform) =>
      Stream.unwrap(
        Effect.map(
          use(sql, false, (statement) => statement.iterate(...params.map(bound))),
          (iterator) => pagesOf(iterator, transform)
        )
      )
  }
}

/** Returns the URL with which SQLite opens a file as immutable (sqlite.org/uri.html). */
export const immutable = (filename: string): URL => {
  const url = pathToFileURL(filename)
  url.searchParams.set("immutable", "1")
  return url
}

/** Opens a file. The scope closes it. */
export const make = (config: SqliteClientConfig): Effect.Effect<SqlClient.SqlClient, SqlError, Scope.Scope> =>
  Effect.gen(function* () {
    const { filename, isImmutable = false, spanAttributes } = config
    const { busyTimeoutMs: timeout = Limits.storeBusyTimeoutMs, isReadOnly = false } = config
    const readOnly = isReadOnly || isImmutable
    const database = yield* Effect.acquireRelease(
      Effect.try({
        try: () => new DatabaseSync(isImmutable ? immutable(filename) : filename, { readOnly, timeout }),
        catch: (cause) => sqlError(cause, `SQLite did not open ${filename}`, "connect")
      }),
      (database) => Effect.sync(() => database.close())
    )
    const acquirers = SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connect(database)),
      semaphore: Semaphore.makeUnsafe(1),
      isTransaction: (connection) => connection.isTransaction()
    })
    return yield* SqlClient.make({
      ...acquirers,
      compiler: Statement.makeCompilerSqlite(),
      driver: "node-sqlite",
      beginTransaction: "BEGIN IMMEDIATE",
      releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
      prepareTransactionControls: true,
      spanAttributes: [...Object.entries(spanAttributes ?? {}), ["db.system.name", "sqlite"]]
    })
  }).pipe(Effect.provideServiceEffect(Reactivity.Reactivity, Reactivity.make))

/** `make` as a layer. */
export const layer = (config: SqliteClientConfig): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(config))
