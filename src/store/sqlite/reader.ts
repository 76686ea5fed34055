/**
 * Reads journals on the main thread, through Effect's SqlClient.
 *
 * The rows and bytes of a page are limited, so that it does not hold the event loop. Other work has a turn between two pages.
 * One statement reads a page, so its rows are a snapshot.
 *
 * Invariants: the connection is read-only and never waits for a lock: the reader tries a busy file again later, while the event
 * loop goes on. Boundary: SQL that reads; gives the records of the port.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { monotonicMs } from "../../platform/monotonicMs.ts"
import { nextTurn } from "../../platform/slices.ts"
import { Limits } from "../../Limits.ts"
import {
  type Attempts,
  type JobPage,
  type Kept,
  type ListOptions,
  StoreError,
  type StoredJob,
  type StoredJournal,
  type StoredRow
} from "../JobStore.ts"
import { integer, maybeInteger, maybeText, type SqlRow, text, WrongColumn, wrongPart } from "./columns.ts"
import type { Damage } from "./damage.ts"
import { attributesOf, type CountStatement, listStatement, rarest } from "./listing.ts"
import { sumOf } from "../../values/sha256.ts"
import { holdings, type Renewals } from "./owner.ts"
import { refusalOf } from "./refusal.ts"
import { cursorOf, pageOf, sideOf } from "../listPage.ts"
import { unknown } from "../refusals.ts"
import type { Status } from "../../outcome/Cause.ts"
import { type DamagedPart, JobDamaged } from "../../outcome/StoreError.ts"

export interface ReaderOptions {
  readonly sql: SqlClient.SqlClient
  readonly filename: string
  readonly owner: string
  readonly leaseMs: number
  readonly renewals: Renewals
  readonly busyTimeoutMs: number
  readonly damage: Damage
}

/** The connection and the patience of every statement. */
interface Access extends Omit<ReaderOptions, "busyTimeoutMs"> {
  readonly patiently: ReturnType<typeof whileBusy>
  /** The job that is read; undefined where it may be any. */
  readonly jobId?: string
}

const fail = (reason: StoreError["reason"], message: string) => Effect.fail(new StoreError({ reason, message }))

/** Tries again while the file is busy, for up to the busy timeout. The event loop goes on meanwhile. */
export const whileBusy = (busyTimeoutMs: number) => {
  const times = Math.ceil(busyTimeoutMs / Limits.storeBusyRetryMs)
  return <A, E extends SqlError | StoreError, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.retry(effect, {
      while: (error) => error._tag === "SqlError" && error.reason._tag === "LockTimeoutError",
      schedule: Schedule.spaced(Limits.storeBusyRetryMs),
      times
    })
}

/** An error of SQLite as an error of the port. */
export const asStoreError =
  (filename: string, damage?: Damage) =>
  (error: SqlError | StoreError): StoreError => {
    if (error._tag === "StoreError") return error
    const refusal = refusalOf(error.reason.cause, filename)
    damage?.note(refusal)
    return new StoreError(refusal)
  }

const statuses: ReadonlyArray<Status> = ["converged", "budget-exhausted", "failed", "cancelled"]

const statusOf = (row: SqlRow): Status | undefined => {
  const stored = maybeText(row, "status")
  if (stored === undefined) return undefined
  const status = statuses.find((status) => status === stored)
  if (status === undefined) throw new WrongColumn("status", `the value ${JSON.stringify(stored)}`)
  return status
}

/** The columns of a `StoredJob`, from `converge_jobs` as j and its last row as r. */
const jobColumns = `j.job_id, j.program, j.created_at, j.status, j.halted_at, j.owner, j.lease_until,
  j.attempts, j.leased_at, j.failure, j.quarantine, j.attributes, j.parent,
  coalesce(r.cycle, 0) AS cycle, coalesce(r.hash, j.genesis_hash) AS hash,
  CASE WHEN j.status <> 'converged' THEN (
    SELECT CASE WHEN json_valid(t.text) THEN CAST(json_extract(t.text, '$.cause._tag') AS TEXT) END
    FROM converge_texts t WHERE t.job = j.id AND t.kind = 'end'
  ) END AS error`
/** A text, unless parsing it would hold up a list. */
const short = (column: string): string =>
  `CASE WHEN octet_length(${column}) <= ${Limits.storeSpendingBytes} AND json_valid(${column}) THEN ${column} END`
/**
 * The spending of a job, and the origin of a fork, as JSON. A short end tells the spending. Without one, the last row tells the
 * cycles and, if it is short, the times and the payments. A job with a long header has neither here, because its limits and its
 * origin are in the header.
 */
const spendingColumn = `(SELECT CASE
    WHEN h.text IS NULL THEN NULL
    WHEN e.text IS NOT NULL
      THEN json_object('usage', json_extract(e.text, '$.usage'), 'budget', json_extract(h.text, '$.budget'),
        'forkOf', json_extract(h.text, '$.forkOf'))
    ELSE json_object('isPartial', json('true'), 'budget', json_extract(h.text, '$.budget'),
      'forkOf', json_extract(h.text, '$.forkOf'), 'usage', json_object(
      'cycles', coalesce(r.cycle, 0),
      'durationMs', json_extract(x.text, '$.ranMs'),
      'cpuMs', json_extract(x.text, '$.cpuMs'),
      'cost', (SELECT sum(json_extract(s.value, '$[2]')) FROM json_each(x.text, '$.spent') s)))
    END
    FROM (SELECT (SELECT ${short("t.text")} FROM converge_texts t WHERE t.job = j.id AND t.kind = 'header') AS text) h,
      (SELECT (SELECT ${short("t.text")} FROM converge_texts t WHERE t.job = j.id AND t.kind = 'end') AS text) e,
      (SELECT ${short("r.extra")} AS text) x
  ) AS spending`
const lastRow = `LEFT JOIN converge_rows r
  ON r.job = j.id AND r.cycle = (SELECT max(cycle) FROM converge_rows WHERE job = j.id)`

/** The number of items of these sizes that fit a page. It is at least one if there is one. */
const pageSize = (bytes: ReadonlyArray<number>): number => {
  let total = 0
  const over = bytes.findIndex((size) => (total += size) > Limits.storePageBytes)
  return over === -1 ? bytes.length : Math.max(1, over)
}

/**
 * Gives a statement a span only below another span. Otherwise each statement of the loops that watch the store would be a trace
 * of its own, several each second.
 */
const belowSpan = <A, E, R>(statement: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<R>) =>
    context.mapUnsafe.has(Tracer.ParentSpan.key) ? statement : Effect.withTracerEnabled(statement, false)
  )

/** The damage of one job, which the store remembers. If nobody knows of which, it is damage of the file. */
const damagedJob = ({ damage, filename, jobId }: Access, sentence: string, damaged: DamagedPart): JobDamaged => {
  const error = new JobDamaged(`${filename}: ${sentence}`, damaged)
  if (jobId === undefined) damage.note(error)
  else damage.noteJob(jobId)
  return error
}

/** Runs a statement, again while the file is busy, and decodes its rows. A column of a wrong type means `corrupt`. */
const query = <A>(
  access: Access,
  statement: Effect.Effect<ReadonlyArray<SqlRow>, SqlError>,
  decode: (row: SqlRow) => A
): Effect.Effect<ReadonlyArray<A>, StoreError> =>
  patientRows(access, statement).pipe(
    Effect.flatMap((rows) =>
      Effect.try({
        try: () => rows.map(decode),
        catch: (error) => {
          const { message, part } = wrongPart(error)
          return damagedJob(access, message, { cycle: 0, part })
        }
      })
    )
  )

const patientRows = (
  { damage, filename, patiently }: Access,
  statement: Effect.Effect<ReadonlyArray<SqlRow>, SqlError>
): Effect.Effect<ReadonlyArray<SqlRow>, StoreError> =>
  Effect.mapError(patiently(belowSpan(statement)), asStoreError(filename, damage))

/** A check whether jobs are held at this moment. */
const lookAtLeases = ({ leaseMs, owner, renewals }: Access) =>
  Effect.map(Clock.Clock, (clock) =>
    holdings(owner, {
      now: clock.currentTimeMillisUnsafe(),
      leaseMs,
      isSilent: (other, leaseUntil) => renewals.isSilent(other, leaseUntil, monotonicMs(clock))
    })
  )

const asJob = (row: SqlRow, isHeld: ReturnType<typeof holdings>): StoredJob => ({
  jobId: text(row, "job_id"),
  program: text(row, "program"),
  status: statusOf(row),
  createdAt: integer(row, "created_at"),
  haltedAt: maybeInteger(row, "halted_at"),
  cycle: integer(row, "cycle"),
  hash: text(row, "hash"),
  isHeld: isHeld(maybeText(row, "owner"), maybeInteger(row, "lease_until")),
  attempts: attemptsOf(row),
  ...(row["error"] === null ? {} : { error: text(row, "error") }),
  ...attributesOf(row),
  ...(row["parent"] === null ? {} : { parent: text(row, "parent") }),
  ...(typeof row["spending"] === "string" ? { spending: row["spending"] } : {})
})

/** A job of a list. One whose record is damaged is marked, so that the others are listed. */
const asListed = (access: Access, row: SqlRow, isHeld: ReturnType<typeof holdings>): StoredJob => {
  try {
    return asJob(row, isHeld)
  } catch (error) {
    const { message, part } = wrongPart(error)
    const jobId = text(row, "job_id")
    damagedJob({ ...access, jobId }, `of job ${jobId}: ${message}`, { cycle: 0, part })
    return {
      jobId,
      program: text(row, "program"),
      status: undefined,
      createdAt: integer(row, "created_at"),
      haltedAt: maybeInteger(row, "halted_at"),
      cycle: integer(row, "cycle"),
      hash: text(row, "hash"),
      isHeld: false,
      attempts: undefined,
      error: "JournalCorrupt"
    }
  }
}

const attemptsOf = (row: SqlRow): Attempts | undefined => {
  const count = integer(row, "attempts")
  const isOver = row["status"] !== null || (count === 0 && row["quarantine"] === null)
  return isOver
    ? undefined
    : {
        count,
        at: integer(row, "leased_at"),
        failure: maybeText(row, "failure"),
        quarantine: maybeText(row, "quarantine")
      }
}

/** The key of a job in the other tables. */
const numberOf = (access: Access, jobId: string): Effect.Effect<number, StoreError> =>
  Effect.flatMap(
    query(access, access.sql`SELECT id FROM converge_jobs WHERE job_id = ${jobId}`, (row) => integer(row, "id")),
    ([id]) => (id === undefined ? Effect.fail(new StoreError(unknown(jobId))) : Effect.succeed(id))
  )

/** The items after a position, page by page. `sizes` reads the positions and bytes of the next items. */
const pages = <A>(
  first: number,
  sizes: (after: number) => Effect.Effect<ReadonlyArray<{ readonly at: number; readonly bytes: number }>, StoreError>,
  items: (after: number, last: number) => Effect.Effect<ReadonlyArray<A>, StoreError>
): Stream.Stream<A, StoreError> =>
  Stream.paginate(first, (after) =>
    Effect.gen(function* () {
      if (after !== first) yield* nextTurn
      const next = yield* sizes(after)
      const size = pageSize(next.map(({ bytes }) => bytes))
      const last = next[size - 1]?.at
      if (last === undefined) return [[], Option.none()] as const
      const isLast = size === next.length && size < Limits.storePageRows
      return [yield* items(after, last), isLast ? Option.none() : Option.some(last)] as const
    })
  )

const sizeOf = (row: SqlRow) => ({ at: integer(row, "at"), bytes: integer(row, "bytes") })

/** Fails if a text has changed since it was written. */
const verify = (access: Access, jobId: string, part: string, hash: string, text: string, sum: string) => {
  const found = sumOf(hash, text)
  if (found === sum) return Effect.void
  const sentence = `the ${part} of job ${jobId} was changed: expected ${sum}, found ${found}`
  return Effect.fail(damagedJob(access, sentence, { cycle: 0, part }))
}

const load = (access: Access, jobId: string): Effect.Effect<StoredJournal, StoreError> =>
  Effect.gen(function* () {
    const { sql } = access
    const isHeld = yield* lookAtLeases(access)
    const [found] = yield* query(
      access,
      sql`SELECT ${sql.literal(jobColumns)}, j.genesis_hash, j.note,
          g.text AS genesis, h.text AS header, h.sum AS header_sum, e.text AS ending, e.sum AS ending_sum,
          (SELECT group_concat(cycle, ' ' ORDER BY cycle) FROM converge_bases WHERE job = j.id) AS bases
        FROM converge_jobs j ${sql.literal(lastRow)}
          LEFT JOIN converge_texts g ON g.job = j.id AND g.kind = 'genesis'
          LEFT JOIN converge_texts h ON h.job = j.id AND h.kind = 'header'
          LEFT JOIN converge_texts e ON e.job = j.id AND e.kind = 'end'
        WHERE j.job_id = ${jobId}`,
      (row) => ({
        journal: {
          ...asJob(row, isHeld),
          text: text(row, "genesis"),
          genesisHash: text(row, "genesis_hash"),
          header: text(row, "header"),
          note: text(row, "note"),
          bases: maybeText(row, "bases")?.split(" ").map(Number) ?? [],
          end: maybeText(row, "ending")
        },
        headerSum: text(row, "header_sum"),
        endSum: maybeText(row, "ending_sum") ?? ""
      })
    )
    if (found === undefined) return yield* new StoreError(unknown(jobId))
    const { endSum, headerSum, journal } = found
    yield* verify(access, jobId, "header", journal.genesisHash, journal.header, headerSum)
    if (journal.end !== undefined) yield* verify(access, jobId, "end", journal.genesisHash, journal.end, endSum)
    return journal
  })

const rows = (
  access: Access,
  jobId: string,
  after: number,
  until = Number.MAX_SAFE_INTEGER
): Stream.Stream<StoredRow, StoreError> => {
  const { sql } = access
  return Stream.unwrap(
    Effect.map(numberOf(access, jobId), (job) =>
      pages(
        after,
        (after) =>
          query(
            access,
            sql`SELECT cycle AS at, octet_length(text) + octet_length(extra) AS bytes FROM converge_rows
              WHERE job = ${job} AND cycle > ${after} AND cycle <= ${until}
              ORDER BY cycle LIMIT ${Limits.storePageRows}`,
            sizeOf
          ),
        (after, last) =>
          query(
            access,
            sql`SELECT cycle, hash, sum, text, extra FROM converge_rows
              WHERE job = ${job} AND cycle > ${after} AND cycle <= ${last} ORDER BY cycle`,
            (row): StoredRow => {
              const [hash, extra] = [text(row, "hash"), text(row, "extra")]
              const isIntact = sumOf(hash, extra) === text(row, "sum")
              return { cycle: integer(row, "cycle"), text: text(row, "text"), hash, extra, isIntact }
            }
          )
      )
    )
  )
}

const base = (access: Access, jobId: string, cycle: number): Stream.Stream<string, StoreError> => {
  const { sql } = access
  return Stream.unwrap(
    Effect.gen(function* () {
      const job = yield* numberOf(access, jobId)
      const [expected = 0] = yield* query(
        access,
        sql`SELECT pieces FROM converge_bases WHERE job = ${job} AND cycle = ${cycle}`,
        (row) => integer(row, "pieces")
      )
      let found = 0
      const pieces = pages(
        -1,
        (after) =>
          query(
            access,
            sql`SELECT piece AS at, octet_length(text) AS bytes FROM converge_base_pieces
              WHERE job = ${job} AND cycle = ${cycle} AND piece > ${after}
              ORDER BY piece LIMIT ${Limits.storePageRows}`,
            sizeOf
          ),
        (after, last) =>
          query(
            access,
            sql`SELECT text FROM converge_base_pieces
              WHERE job = ${job} AND cycle = ${cycle} AND piece > ${after} AND piece <= ${last} ORDER BY piece`,
            (row) => text(row, "text")
          ).pipe(Effect.tap((page) => Effect.sync(() => (found += page.length))))
      )
      const check = Effect.suspend(() =>
        found === expected
          ? Effect.succeed<ReadonlyArray<string>>([])
          : Effect.fail(
              damagedJob(
                access,
                `of the context of job ${jobId} at cycle ${cycle}: expected ${expected} pieces, found ${found}`,
                { cycle, part: "base" }
              )
            )
      )
      return Stream.concat(pieces, Stream.fromIterableEffect(check))
    })
  )
}

const kept = (access: Access, jobId: string): Effect.Effect<ReadonlyArray<Kept>, StoreError> => {
  const { sql } = access
  return Effect.flatMap(numberOf(access, jobId), (job) =>
    Stream.runCollect(
      pages(
        0,
        (after) =>
          query(
            access,
            sql`SELECT id AS at, octet_length(text) AS bytes FROM converge_kept
              WHERE job = ${job} AND id > ${after} ORDER BY id LIMIT ${Limits.storePageRows}`,
            sizeOf
          ),
        (after, last) =>
          query(
            access,
            sql`SELECT cycle, key, text FROM converge_kept
              WHERE job = ${job} AND id > ${after} AND id <= ${last} ORDER BY id`,
            (row): Kept => ({ cycle: integer(row, "cycle"), key: text(row, "key"), text: text(row, "text") })
          )
      )
    )
  )
}

const list = (access: Access, options: ListOptions = {}): Effect.Effect<JobPage, StoreError> =>
  Effect.gen(function* () {
    const { limit = 100 } = options
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > Limits.storeListJobs) {
      return yield* fail("failed", `limit must be a whole number from 1 to ${Limits.storeListJobs}, not ${limit}`)
    }
    const first = sideOf(options)
    if (first instanceof StoreError) return yield* first
    const count = (statement: CountStatement) => query(access, statement, (row) => integer(row, "count"))
    const from = yield* rarest(access.sql, options, count)
    const jobs: Array<StoredJob> = []
    let side = first
    for (;;) {
      const isHeld = yield* lookAtLeases(access)
      // One extra job tells whether there is another page.
      const wanted = Math.min(limit - jobs.length + 1, Limits.storePageRows)
      const columns = `${jobColumns}, ${spendingColumn}`
      const statement = listStatement(access.sql, { columns, lastRow, options, from, side, limit: wanted })
      const page = yield* query(access, statement, (row) => asListed(access, row, isHeld))
      for (const job of page) {
        if (jobs.length === limit) return pageOf(jobs, first, cursorOf(jobs[limit - 1] ?? job))
        jobs.push(job)
      }
      const last = page.at(-1)
      if (page.length < wanted || last === undefined) return pageOf(jobs, first, undefined)
      side = { ...first, place: last }
      yield* nextTurn
    }
  })

const cancelRequests = (access: Access) =>
  query(
    access,
    access.sql`SELECT job_id FROM converge_jobs
      WHERE owner = ${access.owner} AND cancel_requested = 1 ORDER BY id`,
    (row) => text(row, "job_id")
  )

/** A reader of the file that a connection has open. */
export const makeReader = ({ busyTimeoutMs, ...options }: ReaderOptions) => {
  const access: Access = { ...options, patiently: whileBusy(busyTimeoutMs) }
  return {
    load: (jobId: string) => load({ ...access, jobId }, jobId),
    rows: (jobId: string, after: number, until?: number) => rows({ ...access, jobId }, jobId, after, until),
    base: (jobId: string, cycle: number) => base({ ...access, jobId }, jobId, cycle),
    kept: (jobId: string) => kept({ ...access, jobId }, jobId),
    list: (options?: ListOptions) => list(access, options),
    cancelRequests: cancelRequests(access)
  }
}

export type Reader = ReturnType<typeof makeReader>
