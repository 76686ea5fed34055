/**
 * The statements of a list of jobs, each over the index that leaves the fewest jobs to look at.
 *
 * Jobs are in order of their age in each index: of all, by status, by program, and by one attribute. SQLite does not know how
 * many jobs have an attribute, so a list by attributes first counts them, up to a bound, and begins with the rarest. The other
 * filters are asked of each job. The children of a job have an index of their own, and are sorted by age.
 *
 * Boundary: SQL that reads, without running it.
 */
import type * as SqlClient from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { StoreError } from "../../outcome/StoreError.ts"
import type { ListOptions, StoredJob } from "../JobStore.ts"
import type { Side } from "../listPage.ts"
import { parseJson } from "../../values/parseJson.ts"
import { maybeText, type SqlRow, WrongColumn } from "./columns.ts"

/** Tuning: jobs that are counted of each filter. Filters with as many count as equally common. */
const counted = 1_000

export type CountStatement = ReturnType<typeof countOf>

const countOf = (sql: SqlClient.SqlClient, table: Fragment) =>
  sql<SqlRow>`SELECT count(*) AS count FROM (SELECT 1 FROM ${table} LIMIT ${counted})`

/** The attribute whose index a list goes by. Undefined if another filter is rarer, or if there are no attributes. */
export type From = readonly [name: string, value: string] | undefined

/** Finds the attribute that a list begins with. It counts only where there is a choice. */
export const rarest = (
  sql: SqlClient.SqlClient,
  { attributes, parent, program, status }: ListOptions,
  count: (statement: CountStatement) => Effect.Effect<ReadonlyArray<number>, StoreError>
): Effect.Effect<From, StoreError> =>
  Effect.gen(function* () {
    // A job has few children beside the jobs that share an attribute.
    if (parent !== undefined) return undefined
    const entries = Object.entries(attributes ?? {})
    const others: ReadonlyArray<Fragment> = [
      ...(program === undefined ? [] : [sql`converge_jobs WHERE program = ${program}`]),
      ...(status === undefined ? [] : [sql`converge_jobs j WHERE ${ofStatus(sql, status)}`])
    ]
    if (entries.length + others.length < 2) return entries[0]
    let [best, least]: [From, number] = [entries[0], counted + 1]
    for (const entry of entries) {
      const [name, value] = entry
      const [found = 0] = yield* count(countOf(sql, sql`converge_attributes WHERE name = ${name} AND value = ${value}`))
      if (found < least) [best, least] = [entry, found]
    }
    for (const other of entries.length === 0 ? [] : others) {
      const [found = 0] = yield* count(countOf(sql, other))
      if (found < least) [best, least] = [undefined, found]
    }
    return best
  })

const ofStatus = (sql: SqlClient.SqlClient, status: NonNullable<ListOptions["status"]>): Fragment =>
  status === "unfinished" ? sql`j.status IS NULL` : sql`j.status = ${status}`

export interface Listing {
  readonly columns: string
  /** The join of a job with its last row. */
  readonly lastRow: string
  readonly options: ListOptions
  readonly from: From
  readonly side: Side
  readonly limit: number
}

/** Reads some jobs on one side of a place, the nearest first. */
export const listStatement = (sql: SqlClient.SqlClient, { columns, from, lastRow, limit, options, side }: Listing) => {
  const { attributes, parent, program, since, status, until } = options
  const { place, side: which } = side
  const isOlder = which === "older"
  // The columns of the index that the list goes by.
  const [at, id] = from === undefined ? ["j.created_at", "j.job_id"] : ["a.created_at", "a.job_id"]
  const [createdAt, jobId] = [sql.literal(at), sql.literal(id)]
  const others = Object.entries(attributes ?? {}).filter(([name]) => name !== from?.[0])
  // A plus keeps SQLite from the index of a column: the children of a job are fewer than the jobs of a program or a status.
  const own = parent === undefined ? "" : "+"
  const conditions = [
    ...(from === undefined ? [] : [sql`a.name = ${from[0]} AND a.value = ${from[1]}`]),
    ...(place === undefined
      ? []
      : [sql`(${createdAt}, ${jobId}) ${sql.literal(isOlder ? "<" : ">")} (${place.createdAt}, ${place.jobId})`]),
    ...(since === undefined ? [] : [sql`${createdAt} >= ${since}`]),
    ...(until === undefined ? [] : [sql`${createdAt} <= ${until}`]),
    ...(program === undefined ? [] : [sql`${sql.literal(own)}j.program = ${program}`]),
    ...(parent === undefined ? [] : [sql`j.parent = ${parent}`]),
    ...(status === undefined ? [] : [sql`${sql.literal(own)}${ofStatus(sql, status)}`]),
    ...others.map(
      ([name, value]) => sql`EXISTS (SELECT 1 FROM converge_attributes o WHERE o.name = ${name} AND o.value = ${value}
        AND o.created_at = j.created_at AND o.job_id = j.job_id)`
    )
  ]
  // A cross join: SQLite keeps the order of the tables.
  const jobs =
    from === undefined
      ? sql.literal("converge_jobs j")
      : sql.literal("converge_attributes a CROSS JOIN converge_jobs j ON j.job_id = a.job_id")
  const order = sql.literal(isOlder ? "DESC" : "ASC")
  return sql<SqlRow>`SELECT ${sql.literal(columns)} FROM ${jobs} ${sql.literal(lastRow)}
    WHERE ${sql.and(conditions)} ORDER BY ${createdAt} ${order}, ${jobId} ${order} LIMIT ${limit}`
}

const wrongAttributes = (text: string) => new WrongColumn("attributes", `the value ${text}`)

const parsed = (text: string): unknown => {
  try {
    return parseJson(text)
  } catch {
    throw wrongAttributes(text)
  }
}

/** The attributes in a row of `converge_jobs`. A text that is no JSON of attributes throws, as other wrong columns do. */
export const attributesOf = (row: SqlRow): Pick<StoredJob, "attributes"> => {
  const text = maybeText(row, "attributes")
  if (text === undefined) return {}
  const read = parsed(text)
  if (typeof read !== "object" || read === null || Array.isArray(read)) throw wrongAttributes(text)
  return {
    attributes: Object.fromEntries(
      Object.entries(read).map(([name, value]) => {
        if (typeof value !== "string") throw wrongAttributes(text)
        return [name, value]
      })
    )
  }
}
