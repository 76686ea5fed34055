/**
 * The tables, and the migrations that bring an older file up to date.
 *
 * - `converge_jobs`: the small columns of a job, and its lease. An `id` is never used twice
 * - `converge_texts`: the large texts of a job: its genesis, its header, its end
 * - `converge_attributes`: the places of jobs in lists by one attribute. The job's own column has its attributes as JSON
 * - `converge_rows`: the committed cycles
 * - `converge_bases`, `converge_base_pieces`: the contexts under the rows
 * - `converge_kept`: results of tasks whose cycle is not committed
 * - `converge_garbage`: removed journals whose rows still have to be deleted
 *
 * Long texts are the last columns, so that SQLite reads the others without them. A `sum` guards a text that the hashes of the
 * chain do not cover (`sumOf`).
 *
 * Invariants: a released migration never changes; a file of a later version is refused as a whole. Boundary: runs once, when a
 * store opens, on its own connection. A read-only connection gets views instead.
 */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { StoreError } from "../JobStore.ts"
import * as SqliteClient from "./SqliteClient.ts"

const statements = [
  `CREATE TABLE converge_jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    program TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    genesis_hash TEXT NOT NULL,
    status TEXT,
    halted_at INTEGER,
    fence INTEGER NOT NULL,
    owner TEXT,
    lease_until INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT ''
  ) STRICT`,
  `CREATE INDEX converge_jobs_by_age ON converge_jobs (created_at, job_id)`,
  `CREATE INDEX converge_jobs_by_status ON converge_jobs (status, created_at, job_id)`,
  `CREATE INDEX converge_jobs_by_program ON converge_jobs (program, created_at, job_id)`,
  `CREATE INDEX converge_jobs_by_end ON converge_jobs (halted_at) WHERE halted_at IS NOT NULL`,
  `CREATE INDEX converge_jobs_by_owner ON converge_jobs (owner) WHERE owner IS NOT NULL`,
  `CREATE TABLE converge_texts (
    job INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sum TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (job, kind)
  ) STRICT`,
  `CREATE TABLE converge_rows (
    job INTEGER NOT NULL,
    cycle INTEGER NOT NULL,
    hash TEXT NOT NULL,
    sum TEXT NOT NULL,
    text TEXT NOT NULL,
    extra TEXT NOT NULL,
    PRIMARY KEY (job, cycle)
  ) STRICT`,
  `CREATE TABLE converge_bases (
    job INTEGER NOT NULL,
    cycle INTEGER NOT NULL,
    pieces INTEGER NOT NULL,
    PRIMARY KEY (job, cycle)
  ) STRICT`,
  `CREATE TABLE converge_base_pieces (
    job INTEGER NOT NULL,
    cycle INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (job, cycle, piece)
  ) STRICT`,
  `CREATE TABLE converge_kept (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    cycle INTEGER NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT`,
  `CREATE INDEX converge_kept_by_job ON converge_kept (job, cycle)`,
  `CREATE TABLE converge_garbage (job INTEGER PRIMARY KEY) STRICT`
]

/** The migrations by number and subject. The newest number is the version of the file. */
const migrations = {
  "1_journals": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const statement of statements) yield* sql.unsafe(statement)
  }),
  // The parents of older children are unknown, so these children are pruned like jobs without a parent.
  "2_parents": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`ALTER TABLE converge_jobs ADD COLUMN parent TEXT`
  }),
  // Older versions did not count attempts.
  "3_attempts": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`ALTER TABLE converge_jobs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0`
    yield* sql`ALTER TABLE converge_jobs ADD COLUMN leased_at INTEGER NOT NULL DEFAULT 0`
    yield* sql`ALTER TABLE converge_jobs ADD COLUMN failure TEXT`
    yield* sql`ALTER TABLE converge_jobs ADD COLUMN quarantine TEXT`
  }),
  // Older jobs have no attributes.
  "4_attributes": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`ALTER TABLE converge_jobs ADD COLUMN attributes TEXT`
    yield* sql`CREATE TABLE converge_attributes (
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      job_id TEXT NOT NULL,
      PRIMARY KEY (name, value, created_at, job_id)
    ) STRICT, WITHOUT ROWID`
    yield* sql`CREATE INDEX converge_jobs_by_parent ON converge_jobs (parent) WHERE parent IS NOT NULL`
  })
}

const table = "converge_migrations"
const newest = Math.max(...Object.keys(migrations).map((name) => Number.parseInt(name, 10)))

/** Returns the version of the file; 0 if it has none of our tables. */
const versionOf = (sql: SqlClient.SqlClient): Effect.Effect<number, SqlError> =>
  Effect.gen(function* () {
    const tables = yield* sql`SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ${table}`
    if (tables.length === 0) return 0
    const [row] = yield* sql<{ version: number | null }>`SELECT max(migration_id) AS version FROM ${sql(table)}`
    return row?.version ?? 0
  })

const failed = (message: string) => new StoreError({ reason: "failed", message })

/** The columns that later versions added to a table, with the values that readers of an older file see. */
const laterColumns: ReadonlyArray<{ readonly since: number; readonly table: string; readonly column: string }> = [
  { since: 2, table: "converge_jobs", column: "NULL AS parent" },
  { since: 3, table: "converge_jobs", column: "0 AS attempts" },
  { since: 3, table: "converge_jobs", column: "0 AS leased_at" },
  { since: 3, table: "converge_jobs", column: "NULL AS failure" },
  { since: 3, table: "converge_jobs", column: "NULL AS quarantine" },
  { since: 4, table: "converge_jobs", column: "NULL AS attributes" }
]

/** The tables that later versions added, and that readers of an older file see without rows. */
const laterTables: ReadonlyArray<{ readonly since: number; readonly table: string; readonly columns: string }> = [
  {
    since: 4,
    table: "converge_attributes",
    columns: "'' AS name, '' AS value, 0 AS created_at, '' AS job_id"
  }
]

const tooNew = (filename: string, version: number) =>
  failed(
    `${filename}: the file is of version ${version}, and this version of effect-converge knows files up to ` +
      `version ${newest}: use a newer one`
  )

/**
 * Shows a file of any known version to a read-only connection as a file of the newest version. It writes nothing to the file:
 * views in the connection's memory add the missing columns.
 */
export const view = (sql: SqlClient.SqlClient, filename: string): Effect.Effect<void, SqlError | StoreError> =>
  Effect.gen(function* () {
    const version = yield* versionOf(sql)
    if (version === 0) {
      return yield* new StoreError({ reason: "not-a-database", message: `${filename}: it is not a store of jobs` })
    }
    if (version > newest) return yield* tooNew(filename, version)
    if (version === newest) return
    yield* sql.unsafe("PRAGMA temp_store = MEMORY")
    for (const [name, columns] of Map.groupBy(laterColumns, ({ table }) => table)) {
      const missing = columns.filter(({ since }) => since > version).map(({ column }) => column)
      if (missing.length === 0) continue
      yield* sql.unsafe(`CREATE TEMP VIEW ${name} AS SELECT *, ${missing.join(", ")} FROM main.${name}`)
    }
    for (const { columns, since, table } of laterTables) {
      if (since > version) yield* sql.unsafe(`CREATE TEMP VIEW ${table} AS SELECT ${columns} WHERE 0`)
    }
  })

/** Creates the file or brings it up to date. A caller may try again from the beginning if the file was busy. */
export const migrate = (filename: string): Effect.Effect<void, SqlError | StoreError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* SqliteClient.make({ filename, busyTimeoutMs: 0 })
      const version = yield* versionOf(sql)
      if (version > newest) return yield* tooNew(filename, version)
      const [mode] = yield* sql<{ journal_mode: string }>`PRAGMA journal_mode = WAL`
      if (mode?.journal_mode !== "wal") {
        return yield* failed(
          `${filename}: SQLite cannot keep its write-ahead log there (is it on a network file system?)`
        )
      }
      if (version === newest) return
      yield* Migrator.make({})({ loader: Migrator.fromRecord(migrations), table }).pipe(
        Effect.provideService(SqlClient.SqlClient, sql),
        Effect.catchTag("MigrationError", (error) =>
          Effect.fail(isSqlError(error.cause) ? error.cause : failed(`${filename}: ${error.message}`))
        )
      )
    })
  )
