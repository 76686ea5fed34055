/**
 * The thread that writes: commits together whatever has arrived, and says what came of it.
 *
 * A group is begun by the first op that arrives and takes all that arrive until it is executed; then comes one COMMIT, and
 * one message with the outcomes. An op that is refused does not concern the others. If SQLite refuses, the group is rolled
 * back and its ops are committed one by one, unless each of them would be refused the same.
 *
 * Invariants: ops are executed and answered in the order in which they arrive; no outcome is sent before its COMMIT has
 * returned. Boundary: owns the connection that writes; the entry of a thread, without Effect, so that it starts fast.
 */
import { DatabaseSync } from "node:sqlite"
import { receiveMessageOnPort, workerData } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import type { FromWriter, Op, Outcome, ToWriter, WriterInit } from "./protocol.ts"
import { isOfAll, refusalOf } from "./refusal.ts"
import { Writes } from "./writes.ts"

const { busyTimeoutMs, filename, maxBytes, port, synchronous } = workerData as WriterInit

const say = (message: FromWriter): void => port.postMessage(message)

const open = (): DatabaseSync => {
  const database = new DatabaseSync(filename, { timeout: busyTimeoutMs, enableForeignKeyConstraints: false })
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  database.exec(`PRAGMA wal_autocheckpoint = ${Limits.storeLogPages}`)
  database.exec(`PRAGMA journal_size_limit = ${Limits.storeLogBytes}`)
  if (maxBytes !== undefined) {
    const pageSize = Number(database.prepare("PRAGMA page_size").get()?.["page_size"])
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`)
  }
  // A write, of nothing: a file that cannot be written to is found now.
  database.exec("DELETE FROM converge_garbage WHERE job IS NULL")
  return database
}

/** What an op adds to its group. */
const lengthOf = (op: Op): number => {
  switch (op.kind) {
    case "append":
      return op.text.length + op.extra.length
    case "create":
      return op.text.length + op.header.length
    case "note":
    case "keep":
    case "halt":
      return op.text.length
    default:
      return 0
  }
}

type Grouped = Parameters<Writes["apply"]>[0]

class Committer {
  readonly #database: DatabaseSync
  readonly #uploads = new Map<number, Array<string>>()
  readonly #writes: Writes
  /** One that came while a group was being made and does not belong in it. */
  #next: Op | undefined

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#writes = new Writes(database, this.#uploads)
  }

  /** Serves a message and all that have arrived since. */
  serve(message: ToWriter): void {
    this.#next = this.#opOf(message)
    for (let op = this.#receive(); op !== undefined; op = this.#receive()) {
      if (op.kind === "vacuum") say({ kind: "outcomes", outcomes: [this.#vacuum()] })
      else if (op.kind === "close") this.#close()
      else say({ kind: "outcomes", outcomes: this.#commit(op) })
    }
  }

  /** Gives the next op that has arrived. */
  #receive(): Op | undefined {
    const held = this.#next
    this.#next = undefined
    if (held !== undefined) return held
    for (let received = receiveMessageOnPort(port); received !== undefined; received = receiveMessageOnPort(port)) {
      const op = this.#opOf(received.message as ToWriter)
      if (op !== undefined) return op
    }
    return undefined
  }

  /** Puts pieces where their op will look for them. */
  #opOf(message: ToWriter): Op | undefined {
    if (message.kind !== "pieces") return message
    const { number, pieces } = message
    if (pieces === undefined) {
      this.#uploads.delete(number)
      return undefined
    }
    const uploaded = this.#uploads.get(number) ?? []
    this.#uploads.set(number, uploaded)
    for (const piece of pieces) uploaded.push(piece)
    return undefined
  }

  /** Executes an op and those that arrive meanwhile, and commits them together. */
  #commit(first: Grouped): ReadonlyArray<Outcome> {
    const ops: Array<Grouped> = []
    let outcomes: Array<Outcome> = []
    try {
      this.#database.exec("BEGIN IMMEDIATE")
      let length = 0
      for (let op: Op | undefined = first; op !== undefined; op = this.#receive()) {
        if (op.kind === "vacuum" || op.kind === "close") {
          this.#next = op
          break
        }
        ops.push(op)
        outcomes.push(this.#writes.apply(op))
        length += lengthOf(op)
        if (ops.length >= Limits.storeGroupWrites || length >= Limits.storeGroupLength) break
      }
      this.#database.exec("COMMIT")
    } catch (error) {
      this.#rollback()
      const refusal = refusalOf(error, filename)
      if (ops.length === 0) ops.push(first)
      outcomes = ops.length === 1 || isOfAll(refusal.reason) ? ops.map(() => refusal) : ops.map((op) => this.#alone(op))
    }
    for (const op of ops) {
      if ((op.kind === "create" || op.kind === "rebase") && op.upload !== undefined) {
        this.#uploads.delete(op.upload.number)
      }
    }
    return outcomes
  }

  #alone(op: Grouped): Outcome {
    try {
      this.#database.exec("BEGIN IMMEDIATE")
      const outcome = this.#writes.apply(op)
      this.#database.exec("COMMIT")
      return outcome
    } catch (error) {
      this.#rollback()
      return refusalOf(error, filename)
    }
  }

  /** SQLite rolls some errors back by itself. */
  #rollback(): void {
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK")
  }

  #vacuum(): Outcome {
    try {
      this.#database.exec("VACUUM")
      this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
      return 0
    } catch (error) {
      return refusalOf(error, filename)
    }
  }

  /** With nothing left to listen to, the thread ends. */
  #close(): void {
    this.#database.close()
    say({ kind: "outcomes", outcomes: [0] })
    port.close()
  }
}

try {
  const committer = new Committer(open())
  say({ kind: "opened" })
  port.on("message", (message: ToWriter) => committer.serve(message))
} catch (error) {
  say({ kind: "unopened", refusal: refusalOf(error, filename) })
  port.close()
}
