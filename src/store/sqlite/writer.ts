/**
 * The main thread's end of the thread that writes.
 *
 * An op is sent when it is posted, and its callback is called with its outcome when the thread has answered. A thread that
 * dies fails what it has not answered, and the next op that is posted starts another.
 *
 * Invariants: callbacks are called once each, in the order of the posts; an idle thread does not keep the process alive, and
 * one that has something to write does. Boundary: this file owns `new Worker`; what ops mean is nothing to it.
 */
import { Worker, MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import type { FromWriter, Op, Outcome, PieceMessage, ToWriter, WriterInit } from "./protocol.ts"
import type { Refusal } from "./refusal.ts"

export type WriterOptions = Omit<WriterInit, "port">

interface Sent {
  readonly length: number
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
  readonly #now: () => number
  #thread: Thread | undefined
  /** What is not answered yet, the oldest first. */
  #sent: Array<Sent> = []
  #sentLength = 0
  #answered = 0
  #uploads = 0
  /** Told when the file is open, or why it is not. */
  #opening: ((refusal: Refusal | undefined) => void) | undefined
  /** Called when there is room again, see `hasRoom`. */
  #waiting: Array<() => void> = []
  #isClosed = false

  constructor(options: WriterOptions, now: () => number) {
    this.#options = options
    this.#now = now
  }

  /** Starts the thread. */
  open(done: (refusal: Refusal | undefined) => void): void {
    this.#opening = done
    this.#start()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Ops that have an outcome, and ops that have none. */
  get answered(): number {
    return this.#answered
  }
  get unanswered(): number {
    return this.#sent.length
  }

  /** When the oldest op that has no outcome was posted. */
  get waitingSince(): number | undefined {
    return this.#sent[0]?.at
  }

  /** Whether ops that nobody waits for may be posted. */
  get hasRoom(): boolean {
    return this.#sent.length <= Limits.storeQueuedWrites && this.#sentLength <= Limits.storeQueuedLength
  }

  whenRoom(resume: () => void): void {
    if (this.hasRoom) resume()
    else this.#waiting.push(resume)
  }

  /** `length`: characters of it, for `hasRoom`. */
  post(op: Op, length: number, done: (outcome: Outcome) => void): void {
    if (this.#isClosed) {
      done({ reason: "closed", message: `${this.#options.filename}: the store has been closed` })
      return
    }
    if (op.kind === "close") this.#isClosed = true
    this.#sent.push({ length, at: this.#now(), done })
    this.#sentLength += length
    this.#send(op)
  }

  /** The number of an upload, to be sent with `sendPieces`. */
  nextUpload(): number {
    return this.#uploads++
  }

  sendPieces(message: PieceMessage): void {
    if (!this.#isClosed) this.#send(message)
  }

  /** Ends the thread, whatever it does. */
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
    // The flags of the process are for programs, and not all of them are for threads.
    const worker = new Worker(entry, { name: "converge-store", workerData: init, transferList: [port2], execArgv: [] })
    const thread: Thread = { worker, port: port1 }
    this.#thread = thread
    let refusal: Refusal | undefined
    const hear = (message: FromWriter): void => {
      if (message.kind === "outcomes") this.#answer(message.outcomes)
      else if (message.kind === "opened") this.#opened(undefined)
      else refusal = message.refusal
    }
    port1.on("message", hear)
    worker.on("error", (error: unknown) => {
      refusal = this.#failed(
        `the thread that writes has ended: ${error instanceof Error ? error.message : String(error)}; what it was to write may be written or not`
      )
    })
    worker.on("exit", (code) => {
      // What it had sent and nobody has heard yet.
      for (let rest = receiveMessageOnPort(port1); rest !== undefined; rest = receiveMessageOnPort(port1)) {
        hear(rest.message as FromWriter)
      }
      port1.close()
      if (this.#thread === thread) this.#thread = undefined
      this.#lost(
        refusal ??
          this.#failed(
            `the thread that writes has ended, with exit code ${code}; what it was to write may be written or not`
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
    for (const { length } of answered) this.#sentLength -= length
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

  /** Lets the process end if there is nothing to be written. */
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
