/**
 * The thread that writes. It commits all ops that have arrived in one transaction, and answers with their outcomes.
 *
 * The first op begins a group, which takes all ops that arrive until they are executed. One COMMIT and one message with the
 * outcomes follow. A refused op does not affect the others. If SQLite fails, the thread rolls the group back and commits its
 * ops one by one, unless each of them would fail for the same reason.
 *
 * Invariants: ops are executed and answered in the order of arrival; no outcome is sent before its COMMIT has returned.
 * Boundary: owns the connection that writes; the entry of a thread, without Effect, so that it starts fast.
 */
import { statSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { receiveMessageOnPort, workerData } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import { type FromWriter, lengthOf, type Op, type Outcome, type ToWriter, type WriterInit } from "./protocol.ts"
import type { Refusal } from "../refusals.ts"
import { failsWholeGroup, refusalOf } from "./refusal.ts"
import { Writes } from "./writes.ts"

// The cast is safe, and so is that of messages below: only writer.ts starts this thread and has the other end of the port.
const { busyTimeoutMs, filename, maxBytes, port, synchronous } = workerData as WriterInit

const send = (message: FromWriter): void => port.postMessage(message)

const open = (): DatabaseSync => {
  const database = new DatabaseSync(filename, { timeout: busyTimeoutMs, enableForeignKeyConstraints: false })
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  database.exec(`PRAGMA wal_autocheckpoint = ${Limits.storeLogPages}`)
  database.exec(`PRAGMA journal_size_limit = ${Limits.storeLogBytes}`)
  if (maxBytes !== undefined) {
    const pageSize = Number(database.prepare("PRAGMA page_size").get()?.["page_size"])
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`)
  }
  // This write changes nothing. It fails now if the file cannot be written to.
  database.exec("DELETE FROM converge_garbage WHERE job IS NULL")
  return database
}

/** Returns the number of the file at a path. Another file of the same name has another number. */
const fileAt = (path: string): string | undefined => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? undefined : `${found.dev}/${found.ino}`
}

/** An op that may share its transaction with others. */
type GroupedOp = Parameters<Writes["apply"]>[0]

class Committer {
  readonly #database: DatabaseSync
  readonly #uploads = new Map<number, Array<string>>()
  readonly #writes: Writes
  readonly #file = fileAt(filename)
  /** An op that was received but belongs in a later transaction. */
  #next: Op | undefined

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#writes = new Writes(database, this.#uploads)
  }

  /** Handles a message and all that have arrived since. */
  serve(message: ToWriter): void {
    this.#next = this.#opOf(message)
    for (let op = this.#receive(); op !== undefined; op = this.#receive()) {
      if (op.kind === "vacuum") send({ kind: "outcomes", outcomes: [this.#vacuum()] })
      else if (op.kind === "probe") send({ kind: "outcomes", outcomes: [this.#probe()] })
      else if (op.kind === "close") this.#close()
      else send({ kind: "outcomes", outcomes: this.#commit(op) })
    }
  }

  /** Gives the next op that has arrived, if there is one. */
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

  /** Stores pieces for their op, or gives the op itself. */
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

  /** Executes an op and those that arrive meanwhile, and commits them together. Gives one outcome for each. */
  #commit(first: GroupedOp): ReadonlyArray<Outcome> {
    const ops: Array<GroupedOp> = []
    let outcomes: Array<Outcome> = []
    const lost = this.#lostFile()
    if (lost !== undefined) return [lost]
    try {
      this.#database.exec("BEGIN IMMEDIATE")
      let length = 0
      for (let op: Op | undefined = first; op !== undefined; op = this.#receive()) {
        if (op.kind === "vacuum" || op.kind === "probe" || op.kind === "close") {
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
      outcomes =
        ops.length === 1 || failsWholeGroup(refusal.reason) ? ops.map(() => refusal) : ops.map((op) => this.#alone(op))
    }
    for (const op of ops) {
      if ((op.kind === "create" || op.kind === "rebase") && op.upload !== undefined) {
        this.#uploads.delete(op.upload.number)
      }
    }
    return outcomes
  }

  /** Refuses every write once the file has lost its name. SQLite would go on, and its rows could not be found again. */
  #lostFile(): Refusal | undefined {
    const found = fileAt(filename)
    if (found === this.#file) return undefined
    const what = found === undefined ? "was deleted or moved" : "was replaced by another file"
    const message = `${filename}: the file ${what} while the store had it open; end the process, and start it again with the right file`
    return { reason: "failed", message }
  }

  /** Commits one op in its own transaction. */
  #alone(op: GroupedOp): Outcome {
    return this.#transact(() => this.#writes.apply(op))
  }

  #transact(write: () => Outcome): Outcome {
    try {
      this.#database.exec("BEGIN IMMEDIATE")
      const outcome = write()
      this.#database.exec("COMMIT")
      return outcome
    } catch (error) {
      this.#rollback()
      return refusalOf(error, filename)
    }
  }

  /** Writes a row and deletes it in two transactions, because a row that is deleted before its commit needs no space. */
  #probe(): Outcome {
    const put = this.#transact(() => {
      this.#writes.putProbe()
      return 0
    })
    if (typeof put !== "number") return put
    return this.#transact(() => {
      this.#writes.takeProbe()
      return 0
    })
  }

  /** Ends the transaction, unless SQLite has: it rolls back by itself after some errors. */
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

  /** Closes the file and the port. The thread then ends, as it has nothing to wait for. */
  #close(): void {
    this.#database.close()
    send({ kind: "outcomes", outcomes: [0] })
    port.close()
  }
}

try {
  const committer = new Committer(open())
  send({ kind: "opened" })
  port.on("message", (message: ToWriter) => committer.serve(message))
} catch (error) {
  send({ kind: "unopened", refusal: refusalOf(error, filename) })
  port.close()
}
