/**
 * The main thread's end of the thread that writes.
 *
 * `post` sends an op at once; its callback gets the outcome when the thread has answered. If the thread dies, its unanswered
 * ops fail, and the next op starts another thread.
 *
 * Invariants: each callback runs once, in the order of the posts; the thread keeps the process alive while it has ops to write,
 * and not while it is idle. Boundary: this file owns `new Worker`, and does not know the meaning of ops.
 */
import { Worker, MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import { missingThreadFile } from "../../platform/threadFiles.ts"
import type { FromWriter, Op, Outcome, PieceMessage, ToWriter, WriterInit } from "./protocol.ts"
import type { Refusal } from "../refusals.ts"

export type WriterOptions = Omit<WriterInit, "port">

export interface WriterHost {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called with the milliseconds that a write took. */
  readonly noteWrite: (ms: number) => void
}

/** An op that has no outcome yet. */
interface SentOp {
  /** Characters. */
  readonly length: number
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  readonly done: (outcome: Outcome) => void
}

interface Thread {
  readonly worker: Worker
  readonly port: MessagePort
}

const entry = new URL(import.meta.url.endsWith(".ts") ? "./writerThread.ts" : "./writerThread.js", import.meta.url)

export class Writer {
  readonly #options: WriterOptions
  readonly #host: WriterHost
  #thread: Thread | undefined
  /** The unanswered ops, the oldest first. */
  #sent: Array<SentOp> = []
  #sentLength = 0
  #answered = 0
  #uploads = 0
  /** Called when the file is open, or with the reason why it is not. */
  #opening: ((refusal: Refusal | undefined) => void) | undefined
  /** Called when there is room again (`hasRoom`). */
  #waiting: Array<() => void> = []
  #isClosed = false

  constructor(options: WriterOptions, host: WriterHost) {
    this.#options = options
    this.#host = host
  }

  /** Starts the thread. */
  open(done: (refusal: Refusal | undefined) => void): void {
    this.#opening = done
    this.#start()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The number of ops that have an outcome. */
  get answered(): number {
    return this.#answered
  }

  /** The number of ops that have none yet. */
  get unanswered(): number {
    return this.#sent.length
  }

  /** The time of the post of the oldest unanswered op, in milliseconds of the monotonic clock. */
  get waitingSince(): number | undefined {
    return this.#sent[0]?.at
  }

  /** Whether the queue has room for ops that count as done before they are written. */
  get hasRoom(): boolean {
    return this.#sent.length <= Limits.storeQueuedWrites && this.#sentLength <= Limits.storeQueuedLength
  }

  whenRoom(resume: () => void): void {
    if (this.hasRoom) resume()
    else this.#waiting.push(resume)
  }

  /** Sends an op. `length` is its characters, which `hasRoom` counts. */
  post(op: Op, length: number, done: (outcome: Outcome) => void): void {
    if (this.#isClosed) {
      done({ reason: "closed", message: `${this.#options.filename}: the store has been closed` })
      return
    }
    if (op.kind === "close") this.#isClosed = true
    this.#sent.push({ length, at: this.#host.now(), done })
    this.#sentLength += length
    this.#send(op)
  }

  /** A number for the next upload with `sendPieces`. */
  nextUpload(): number {
    return this.#uploads++
  }

  sendPieces(message: PieceMessage): void {
    if (!this.#isClosed) this.#send(message)
  }

  /** Ends the thread, even in the middle of a write. */
  terminate(): void {
    this.#isClosed = true
    void this.#thread?.worker.terminate()
  }

  #send(message: ToWriter): void {
    const { port, worker } = this.#thread ?? this.#start()
    if (this.#sent.length === 1) {
      worker.ref()
      port.ref()
    }
    port.postMessage(message)
  }

  #start(): Thread {
    const { port1, port2 } = new MessageChannel()
    const init: WriterInit = { ...this.#options, port: port2 }
    // No flags of the process: Node refuses some of them for threads.
    const worker = new Worker(entry, { name: "converge-store", workerData: init, transferList: [port2], execArgv: [] })
    const thread: Thread = { worker, port: port1 }
    this.#thread = thread
    let refusal: Refusal | undefined
    const receive = (message: FromWriter): void => {
      if (message.kind === "outcomes") this.#answer(message.outcomes)
      else if (message.kind === "opened") this.#opened(undefined)
      else refusal = message.refusal
    }
    port1.on("message", receive)
    worker.on("error", (error: unknown) => {
      const missing = missingThreadFile(entry)
      const message = error instanceof Error ? error.message : String(error)
      refusal = this.#failed(
        missing === undefined
          ? `the thread that writes has ended: ${message}; its last writes may or may not be in the file`
          : `no thread can write: ${missing}`
      )
    })
    worker.on("exit", (code) => {
      // Answers that the thread sent before it ended.
      for (let rest = receiveMessageOnPort(port1); rest !== undefined; rest = receiveMessageOnPort(port1)) {
        // The cast is safe: only writerThread.ts has the other end of the port.
        receive(rest.message as FromWriter)
      }
      port1.close()
      if (this.#thread === thread) this.#thread = undefined
      this.#lost(
        refusal ??
          this.#failed(
            `the thread that writes has ended, with exit code ${code}; its last writes may or may not be in the file`
          )
      )
    })
    if (this.#opening === undefined) {
      worker.unref()
      port1.unref()
    }
    return thread
  }

  #failed(message: string): Refusal {
    return { reason: "failed", message: `${this.#options.filename}: ${message}` }
  }

  #opened(refusal: Refusal | undefined): void {
    const opening = this.#opening
    this.#opening = undefined
    if (opening === undefined) return
    this.#rest()
    opening(refusal)
  }

  #answer(outcomes: ReadonlyArray<Outcome>): void {
    const answered = this.#sent.splice(0, outcomes.length)
    this.#answered += answered.length
    const now = this.#host.now()
    for (const { at, length } of answered) {
      this.#sentLength -= length
      this.#host.noteWrite(now - at)
    }
    this.#rest()
    for (const [index, { done }] of answered.entries()) {
      const outcome = outcomes[index]
      if (outcome !== undefined) done(outcome)
    }
    this.#tellRoom()
  }

  #lost(refusal: Refusal): void {
    const lost = this.#sent
    this.#sent = []
    this.#sentLength = 0
    this.#opened(refusal)
    for (const { done } of lost) done(refusal)
    this.#tellRoom()
  }

  /** Lets the process end if no op is unanswered. */
  #rest(): void {
    if (this.#sent.length > 0) return
    this.#thread?.worker.unref()
    this.#thread?.port.unref()
  }

  #tellRoom(): void {
    if (this.#waiting.length === 0 || !this.hasRoom) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }
}
