/**
 * The statements of each op.
 *
 * They run in a transaction of the caller. A refused op has written nothing. If an op throws, the caller rolls back.
 *
 * Invariants: a job is written to only under its newest fence; rows of a job are consecutive. Boundary: synchronous SQL
 * on the thread that writes; no Effect; the time comes with the ops.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import { Limits } from "../../Limits.ts"
import { integer, maybeInteger, maybeText, text } from "./columns.ts"
import { sumOf } from "../../values/sha256.ts"
import { describeOwner, holdings, type Silent } from "./owner.ts"
import type { Op, Outcome, Upload } from "./protocol.ts"
import { exists, fenced, missing, needed, outOfOrder, type Refusal, unknown } from "../refusals.ts"

type OpOf<Kind extends Op["kind"]> = Extract<Op, { readonly kind: Kind }>

/** The columns of a leased job that its writes need. */
interface LeasedJob {
  readonly id: number
  readonly genesisHash: string
  readonly hasNote: boolean
  readonly hasKept: boolean
  readonly isFirstAttempt: boolean
  readonly lastCycle: number
}

const refuse = (reason: Refusal["reason"], message: string): Refusal => ({ reason, message })
const uploadLost = (jobId: string): Refusal =>
  refuse("failed", `the context of job ${jobId} has been lost on its way to the writer`)
const held = (jobId: string, holder: string | undefined, self: string): Refusal =>
  refuse("held", `the job ${jobId} is held by ${describeOwner(String(holder), self)}`)
const done: Outcome = 0

const isAmong =
  (silent: ReadonlyArray<Silent>) =>
  (owner: string, until: number): boolean =>
    silent.some(([name, end]) => name === owner && end === until)

/** Ends a lease without a failure. Such a lease is not an attempt. */
const givenBack = "owner = NULL, lease_until = NULL, attempts = max(attempts - 1, 0)"

/** Count a further attempt, and the first one, in the columns of a lease. */
const again = "attempts = attempts + 1"
const anew = "attempts = 1, failure = NULL, quarantine = NULL"

/** The tables with rows of a journal, besides `converge_jobs`. */
const tables = ["converge_rows", "converge_base_pieces", "converge_bases", "converge_kept", "converge_texts"] as const

/** True of a job j unless its parent is unfinished, because the parent may still have to read the child's end. */
const isUnneeded = `NOT EXISTS (SELECT 1 FROM converge_jobs p WHERE p.job_id = j.parent AND p.status IS NULL)`

export class Writes {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  /** The pieces that have arrived; number of the upload → pieces. */
  readonly #uploads: ReadonlyMap<number, ReadonlyArray<string>>

  constructor(database: DatabaseSync, uploads: ReadonlyMap<number, ReadonlyArray<string>>) {
    this.#database = database
    this.#uploads = uploads
  }

  /** Executes an op. The number that it gives depends on the op. */
  apply(op: Exclude<Op, { readonly kind: "vacuum" | "probe" | "close" }>): Outcome {
    switch (op.kind) {
      case "create":
        return this.#create(op)
      case "append":
        return this.#append(op)
      case "note":
        return this.#note(op)
      case "keep":
        return this.#keep(op)
      case "rebase":
        return this.#rebase(op)
      case "halt":
        return this.#halt(op)
      case "release":
        return this.#release(op)
      case "quarantine":
        return this.#withJob(op, ({ id }) =>
          this.#run(`UPDATE converge_jobs SET ${givenBack}, quarantine = ? WHERE id = ?`, ...[op.reason, id])
        )
      case "lease":
        return this.#lease(op)
      case "cancel":
        return this.#run(
          "UPDATE converge_jobs SET cancel_requested = 1 WHERE job_id = ? AND status IS NULL",
          op.jobId
        ) === 0
          ? missing(op.jobId)
          : done
      case "renew":
        return this.#run("UPDATE converge_jobs SET lease_until = ? WHERE owner = ?", op.leaseUntil, op.owner)
      case "leave":
        return this.#run(`UPDATE converge_jobs SET ${givenBack} WHERE owner = ?`, op.owner)
      case "prune":
        return this.#prune(op)
      case "remove":
        return this.#remove(op)
      case "collect":
        return this.#collect()
      case "flush":
        return done
    }
  }

  /** Writes the row of a probe. It belongs to job 0, which does not exist, and replaces the row of an earlier probe. */
  putProbe(): void {
    this.takeProbe()
    this.#run(
      "INSERT INTO converge_kept (job, cycle, key, text) VALUES (0, 0, 'probe', hex(randomblob(?)))",
      Limits.storeProbeBytes / 2
    )
  }

  takeProbe(): void {
    this.#run("DELETE FROM converge_kept WHERE job = 0")
  }

  #create({
    attributes,
    createdAt,
    hash,
    header,
    jobId,
    leaseUntil,
    now,
    owner,
    parent,
    program,
    text,
    upload
  }: OpOf<"create">): Outcome {
    if (this.#get("SELECT 1 FROM converge_jobs WHERE job_id = ?", jobId) !== undefined) {
      return exists(jobId)
    }
    if (upload !== undefined && this.#uploaded(upload) === undefined) return uploadLost(jobId)
    this.#run(
      `INSERT INTO converge_jobs
         (job_id, program, parent, created_at, genesis_hash, fence, owner, lease_until, attempts, leased_at, attributes)
       VALUES (?, ?, ?, ?, ?, 1, ?, ?, 1, ?, ?)`,
      ...[jobId, program, parent ?? null, createdAt, hash, owner, leaseUntil, now],
      attributes === undefined ? null : JSON.stringify(attributes)
    )
    const id = integer(this.#get("SELECT last_insert_rowid() AS id") ?? {}, "id")
    for (const [name, value] of Object.entries(attributes ?? {})) {
      this.#run(
        "INSERT INTO converge_attributes (name, value, created_at, job_id) VALUES (?, ?, ?, ?)",
        ...[name, value, createdAt, jobId]
      )
    }
    this.#putText(id, "genesis", hash, text)
    this.#putText(id, "header", hash, header)
    if (upload !== undefined) this.#putBase(id, 0, this.#uploaded(upload) ?? [])
    return 1
  }

  #append(op: OpOf<"append">): Outcome {
    const { cycle, extra, hash, jobId, text } = op
    return this.#withJob(op, ({ hasKept, hasNote, id, isFirstAttempt, lastCycle }) => {
      if (cycle !== lastCycle + 1) return outOfOrder(jobId, cycle, lastCycle)
      this.#run(
        "INSERT INTO converge_rows (job, cycle, text, hash, extra, sum) VALUES (?, ?, ?, ?, ?, ?)",
        ...[id, cycle, text, hash, extra, sumOf(hash, extra)]
      )
      if (hasNote) this.#run("UPDATE converge_jobs SET note = '' WHERE id = ?", id)
      if (hasKept) this.#run("DELETE FROM converge_kept WHERE job = ? AND cycle <= ?", id, cycle)
      if (!isFirstAttempt) this.#progressed(id)
      return done
    })
  }

  /** Resets the attempts after progress. The present lease is then the first attempt at the next step. */
  #progressed(id: number): void {
    this.#run("UPDATE converge_jobs SET attempts = 1, failure = NULL WHERE id = ?", id)
  }

  #note(op: OpOf<"note">): Outcome {
    return this.#withJob(op, ({ id }) =>
      this.#run(
        `UPDATE converge_jobs SET note = ?${op.isIdle ? ", attempts = 0, failure = NULL" : ""} WHERE id = ?`,
        ...[op.text, id]
      )
    )
  }

  #keep(op: OpOf<"keep">): Outcome {
    const { cycle, isProgress, key, text } = op
    return this.#withJob(op, ({ id, isFirstAttempt }) => {
      this.#run("INSERT INTO converge_kept (job, cycle, key, text) VALUES (?, ?, ?, ?)", ...[id, cycle, key, text])
      if (!isFirstAttempt && isProgress !== false) this.#progressed(id)
      return done
    })
  }

  #release(op: OpOf<"release">): Outcome {
    return this.#withJob(op, ({ id }) =>
      op.failure === undefined
        ? this.#run(`UPDATE converge_jobs SET ${givenBack} WHERE id = ?`, id)
        : this.#run(
            "UPDATE converge_jobs SET owner = NULL, lease_until = NULL, failure = ? WHERE id = ?",
            ...[op.failure, id]
          )
    )
  }

  #rebase(op: OpOf<"rebase">): Outcome {
    return this.#withJob(op, ({ genesisHash, hasKept, id }) => {
      const pieces = this.#uploaded(op.upload)
      if (pieces === undefined) return uploadLost(op.jobId)
      if (hasKept && op.keptKeys !== undefined) {
        this.#run(
          "DELETE FROM converge_kept WHERE job = ? AND key NOT IN (SELECT value FROM json_each(?))",
          ...[id, JSON.stringify(op.keptKeys)]
        )
      }
      this.#run("DELETE FROM converge_base_pieces WHERE job = ? AND cycle = ?", id, op.cycle)
      this.#putBase(id, op.cycle, pieces)
      this.#putText(id, "header", genesisHash, op.header)
      return done
    })
  }

  #halt(op: OpOf<"halt">): Outcome {
    return this.#withJob(op, ({ genesisHash, id }) => {
      this.#run(
        `UPDATE converge_jobs SET status = ?, halted_at = ?, owner = NULL, lease_until = NULL, cancel_requested = 0
         WHERE id = ?`,
        ...[op.status, op.haltedAt, id]
      )
      this.#putText(id, "end", genesisHash, op.text)
      this.#run("DELETE FROM converge_kept WHERE job = ?", id)
      return done
    })
  }

  #lease({ isAnew, isForced, jobId, leaseUntil, now, owner, silent }: OpOf<"lease">): Outcome {
    const row = this.#get(
      "SELECT id, fence, owner, lease_until FROM converge_jobs WHERE job_id = ? AND status IS NULL",
      jobId
    )
    if (row === undefined) return missing(jobId)
    const holder = maybeText(row, "owner")
    const isHeld = holdings(owner, {
      now,
      leaseMs: leaseUntil - now,
      isSilent: isAmong(silent)
    })
    if (!isForced && isHeld(holder, maybeInteger(row, "lease_until"))) return held(jobId, holder, owner)
    const fence = integer(row, "fence") + 1
    this.#run(
      `UPDATE converge_jobs SET fence = ?, owner = ?, lease_until = ?, leased_at = ?, ${isAnew ? anew : again}
       WHERE id = ?`,
      ...[fence, owner, leaseUntil, now, integer(row, "id")]
    )
    return fence
  }

  #prune({ haltedSince, keepLatest }: OpOf<"prune">): Outcome {
    const most = Limits.storePruneJobs
    const old =
      haltedSince === undefined
        ? []
        : this.#all(`SELECT id FROM converge_jobs j WHERE halted_at < ? AND ${isUnneeded} LIMIT ?`, haltedSince, most)
    const beyond =
      keepLatest === undefined
        ? []
        : this.#all(
            // Jobs that halted in one millisecond go in reverse order of their start: a child goes no later than its parent.
            `SELECT id FROM converge_jobs j WHERE halted_at IS NOT NULL AND ${isUnneeded}
             ORDER BY halted_at DESC, id LIMIT ? OFFSET ?`,
            ...[most, keepLatest]
          )
    const gone = new Set([...old, ...beyond].map((row) => integer(row, "id")))
    for (const id of gone) this.#forget(id)
    return gone.size
  }

  #remove({ jobId, leaseMs, now, owner, silent }: OpOf<"remove">): Outcome {
    const tree = this.#all(
      `WITH RECURSIVE tree (job_id) AS (
         SELECT ? UNION SELECT c.job_id FROM tree JOIN converge_jobs c ON c.parent = tree.job_id
       )
       SELECT j.id, j.job_id, j.owner, j.lease_until FROM tree JOIN converge_jobs j ON j.job_id = tree.job_id`,
      jobId
    )
    if (!tree.some((row) => text(row, "job_id") === jobId)) return unknown(jobId)
    const parent = this.#get(
      `SELECT p.job_id FROM converge_jobs j JOIN converge_jobs p ON p.job_id = j.parent
       WHERE j.job_id = ? AND p.status IS NULL`,
      jobId
    )
    if (parent !== undefined) return needed(jobId, text(parent, "job_id"))
    const isHeld = holdings(owner, { now, leaseMs, isSilent: isAmong(silent) })
    for (const row of tree) {
      const holder = maybeText(row, "owner")
      if (isHeld(holder, maybeInteger(row, "lease_until"))) return held(text(row, "job_id"), holder, owner)
    }
    for (const row of tree) this.#forget(integer(row, "id"))
    return tree.length
  }

  /** Takes a job out of all lists. Its rows are garbage from then on. */
  #forget(id: number): void {
    this.#run(
      `DELETE FROM converge_attributes WHERE (name, value, created_at, job_id) IN (
         SELECT e.key, e.value, j.created_at, j.job_id FROM converge_jobs j, json_each(j.attributes) e WHERE j.id = ?
       )`,
      id
    )
    this.#run("INSERT INTO converge_garbage (job) VALUES (?)", id)
    this.#run("DELETE FROM converge_jobs WHERE id = ?", id)
  }

  #collect(): Outcome {
    let deleted = 0
    let jobs = 0
    while (deleted < Limits.storePruneRows && jobs < Limits.storePruneJobs) {
      const row = this.#get("SELECT job FROM converge_garbage LIMIT 1")
      if (row === undefined) break
      const job = integer(row, "job")
      for (const table of tables) {
        deleted += this.#run(
          `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE job = ? LIMIT ?)`,
          ...[job, Limits.storePruneRows - deleted]
        )
      }
      // At the limit, the job may have more rows: it stays in the garbage.
      if (deleted < Limits.storePruneRows) this.#run("DELETE FROM converge_garbage WHERE job = ?", job)
      jobs++
    }
    return jobs
  }

  /** Runs a write if the job is unfinished and its fence is the newest. Gives 0, or the refusal. */
  #withJob(
    { fence, jobId }: { readonly jobId: string; readonly fence: number },
    write: (job: LeasedJob) => Outcome
  ): Outcome {
    const row = this.#get(
      `SELECT id, fence, genesis_hash, note <> '' AS has_note, attempts = 1 AND failure IS NULL AS is_first_attempt,
         EXISTS (SELECT 1 FROM converge_kept WHERE job = j.id) AS has_kept,
         (SELECT coalesce(max(cycle), 0) FROM converge_rows WHERE job = j.id) AS last_cycle
       FROM converge_jobs j WHERE job_id = ? AND status IS NULL`,
      jobId
    )
    if (row === undefined) return missing(jobId)
    if (integer(row, "fence") !== fence) return fenced(jobId)
    const outcome = write({
      id: integer(row, "id"),
      genesisHash: text(row, "genesis_hash"),
      hasNote: row["has_note"] === 1,
      hasKept: row["has_kept"] === 1,
      isFirstAttempt: row["is_first_attempt"] === 1,
      lastCycle: integer(row, "last_cycle")
    })
    return typeof outcome === "number" ? done : outcome
  }

  /** The pieces of an upload. Undefined unless all have arrived. */
  #uploaded({ number, pieces }: Upload): ReadonlyArray<string> | undefined {
    const uploaded = this.#uploads.get(number) ?? []
    return uploaded.length === pieces ? uploaded : undefined
  }

  #putText(job: number, kind: "genesis" | "header" | "end", hash: string, text: string): void {
    this.#run(
      "INSERT OR REPLACE INTO converge_texts (job, kind, text, sum) VALUES (?, ?, ?, ?)",
      ...[job, kind, text, sumOf(hash, text)]
    )
  }

  #putBase(job: number, cycle: number, pieces: ReadonlyArray<string>): void {
    this.#run(
      "INSERT OR REPLACE INTO converge_bases (job, cycle, pieces) VALUES (?, ?, ?)",
      ...[job, cycle, pieces.length]
    )
    for (const [piece, text] of pieces.entries()) {
      this.#run(
        "INSERT INTO converge_base_pieces (job, cycle, piece, text) VALUES (?, ?, ?, ?)",
        ...[job, cycle, piece, text]
      )
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)))
    return statement
  }

  #get(sql: string, ...inputs: ReadonlyArray<SQLInputValue>) {
    return this.#statement(sql).get(...inputs)
  }

  #all(sql: string, ...inputs: ReadonlyArray<SQLInputValue>) {
    return this.#statement(sql).all(...inputs)
  }

  /** Gives the number of changed rows. */
  #run(sql: string, ...inputs: ReadonlyArray<SQLInputValue>): number {
    return Number(this.#statement(sql).run(...inputs).changes)
  }
}
