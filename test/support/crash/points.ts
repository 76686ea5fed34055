/**
 * Where a process kills itself. `CONVERGE_CRASH` says where, and where to say so; the product knows nothing of it.
 *
 * Points of the store's service are in child.ts, around the real one; those around an act in acts.ts; points within SQLite's transactions are in inject.ts,
 * which is loaded before anything else, into the thread that writes as well.
 */
import { isMainThread } from "node:worker_threads"
import { logTo } from "./log.ts"

/** Within SQLite: which statement, on which thread, and whether the process dies before or after it. */
export interface SqlPoint {
  readonly sql: RegExp
  readonly isMain: boolean
  readonly when: "before" | "after"
}

const writer = (sql: RegExp, when: SqlPoint["when"] = "after"): SqlPoint => ({ sql, isMain: false, when })

export const sqlPoints = {
  "in the making of the tables": { sql: /^CREATE TABLE converge_(?!migrations)/, isMain: true, when: "after" },
  "in the creation's transaction": writer(/^INSERT INTO converge_jobs/),
  "in a row's transaction": writer(/^INSERT INTO converge_rows/),
  "in a kept effect's transaction": writer(/^INSERT INTO converge_kept/),
  "in the end's transaction": writer(/^UPDATE converge_jobs SET status/),
  "in a lease's transaction": writer(/^UPDATE converge_jobs SET fence/),
  "before COMMIT": writer(/^COMMIT$/, "before"),
  "after COMMIT, before it is said": writer(/^COMMIT$/),
  "while jobs are let go": writer(/^UPDATE converge_jobs SET owner = NULL, [^?]* WHERE owner/)
} as const satisfies Readonly<Record<string, SqlPoint>>

export type StorePoint =
  | `${"before" | "after"} ${"a creation" | "a row" | "an end" | "a kept effect" | "a lease" | "a look at a journal"}`
  | "after the transition that follows a row"
  | `${"before" | "after"} ${"an act" | "a row with answers"}`
  | "in a replay"
  | "after a replay"

export type Point = keyof typeof sqlPoints | StorePoint

/** Dies when it comes to a point for that many times. */
export interface Crash {
  readonly point: Point
  readonly hit: number
}

/** As in `CONVERGE_CRASH`, in JSON. */
export interface Orders extends Crash {
  readonly log: string
}

const orders = ((text) => (text === undefined ? undefined : (JSON.parse(text) as Orders)))(
  process.env["CONVERGE_CRASH"]
)

let hits = 0

export const ordered: Point | undefined = orders?.point

/** Says that a point was come to. Does not return if that is where the process is to die. */
export const comeTo = (point: Point): void => {
  if (orders?.point !== point || ++hits !== orders.hit) return
  logTo(orders.log)({ tag: "Dies", point })
  // A line that was said too early is heard now.
  if (!isMainThread) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 15)
  process.kill(process.pid, "SIGKILL")
  // Until the signal is there.
  for (;;);
}
