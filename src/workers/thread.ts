/**
 * One worker thread: the machine with its state, the thread itself, and the pool's records of it.
 *
 * The thread runs on Effect's worker platform, over a Worker object that this file makes. So the pool can terminate the thread at
 * once, while the platform asks first and waits five seconds. The exit code and the code of the error are visible, too. Tasks and
 * results go over their own port. Agents cannot use that port, and the error that ends a thread does not overtake its messages.
 *
 * Invariants: `lost` is reported once, after every message of the thread has been handled; the machine's state alone tells
 * whether it takes a task. Boundary: this file owns `new Worker`; the pool decides what to do.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Worker from "effect/workers/Worker"
import * as Threads from "node:worker_threads"
import { type ActorRefFrom, createActor, type SnapshotFrom } from "xstate"
import { type RetireReason, type WorkerEvent, workerMachine } from "../../machines/worker.machine.ts"
import { withQuickSteps } from "../../machines/quickSteps.ts"
import { liveThreads } from "../platform/liveThreads.ts"
import { nextTurn } from "../platform/slices.ts"
import { describeError } from "../values/panic.ts"
import type { Mark } from "./replicaUpdate.ts"
import type { ThreadOptions } from "./options.ts"
import { type FromWorker, Place, placeCount, type ToWorker, type WorkerInit } from "./protocol.ts"
import { shortageOf } from "./shortage.ts"
import type { Look } from "./watchdog.ts"
import type { Ledger } from "../context/Ledger.ts"

/** The end of a thread. */
export interface ThreadEnd {
  readonly exitCode: number
  /** The message of the uncaught error that ended it. */
  readonly error: string | undefined
  readonly isOutOfMemory: boolean
  /** The code of the system's error if it was short of file descriptors, threads or memory, which may pass. */
  readonly shortage: string | undefined
}

/** The events that a thread reports to its pool. They are called synchronously and must not throw. */
export interface ThreadEvents<Work> {
  readonly onReady: (thread: Thread<Work>) => void
  readonly onMessage: (thread: Thread<Work>, message: FromWorker) => void
  readonly onLost: (thread: Thread<Work>, end: ThreadEnd) => void
  /** A thread that had been given up has ended after all. */
  readonly onGone: (thread: Thread<Work>) => void
}

/** A worker's replica of a job, as the pool knows it. */
export interface ReplicaRecord {
  readonly ledger: Ledger
  /** Whether the worker has the job's input. */
  readonly isInformed: boolean
  readonly mark: Mark
  /** Characters that were sent for it. */
  readonly length: number
}

/** Quick steps, because a thread takes two steps for every share. An inspector sees those of `workerMachine`. */
const machine = withQuickSteps(workerMachine)

/** The file that a thread begins with. */
export const entry = new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url)

export class Thread<Work> {
  readonly number: number
  readonly #actor: ActorRefFrom<typeof workerMachine>
  /** The memory that the worker writes (`Place`). */
  readonly shared = new Int32Array(new SharedArrayBuffer(placeCount * Int32Array.BYTES_PER_ELEMENT))
  /** The programs that it has loaded, by key. */
  readonly programs = new Set<string>()
  /** Its replicas, by job id. */
  readonly replicas = new Map<string, ReplicaRecord>()
  /** Its work for the pool. Undefined if it has none. */
  work: Work | undefined
  /** Milliseconds that the watchdog saw of its start, its load or its end. */
  waitedMs = 0
  /** The time at which it became idle, on the pool's clock. Undefined while it has work. */
  idleSince: number | undefined
  /** Whether it asked to be replaced when it is idle. */
  isWorn = false
  /** Milliseconds that it has spent on shares. */
  busyMs = 0
  /** CPU milliseconds of their tasks. */
  cpuMs = 0
  /** The limit of its heap, in MiB. */
  limitMb: number
  /** Done when the thread has ended and all its messages have been handled. */
  readonly ended = Deferred.makeUnsafe<void>()
  readonly #options: ThreadOptions
  readonly #pool: Int32Array<SharedArrayBuffer>
  readonly #events: ThreadEvents<Work>
  readonly #exited = Deferred.makeUnsafe<number>()
  #port: Threads.MessagePort | undefined
  #worker: Threads.Worker | undefined
  #error: Error | undefined
  #shortage: string | undefined
  #isLost = false
  #isAbandoned = false

  constructor(number: number, options: ThreadOptions, pool: Int32Array<SharedArrayBuffer>, events: ThreadEvents<Work>) {
    this.number = number
    this.#options = options
    this.#pool = pool
    this.#events = events
    this.limitMb = options.heapLimitMb ?? 0
    const { inspect } = options
    this.#actor = (
      inspect === undefined
        ? createActor(machine, { input: { worker: number } })
        : createActor(workerMachine, { id: `worker ${number}`, input: { worker: number }, inspect })
    ).start()
  }

  get state(): SnapshotFrom<typeof workerMachine>["value"] {
    return this.#actor.getSnapshot().value
  }

  get isOver(): boolean {
    return this.#actor.getSnapshot().status !== "active"
  }

  /** The reason for which the pool ended it. Undefined if the pool did not. */
  get reason(): RetireReason | undefined {
    return this.#actor.getSnapshot().context.reason
  }

  /** Sends an event to the machine, unless the thread has ended. */
  tell(event: WorkerEvent): void {
    if (!this.isOver) this.#actor.send(event)
  }

  /** A snapshot of the worker's memory for the holder of a share. */
  look(share: number): Look {
    return {
      hasBegun: Atomics.load(this.shared, Place.begun) === share,
      ordinal: Atomics.load(this.shared, Place.task) === 0 ? 0 : Atomics.load(this.shared, Place.ordinal)
    }
  }

  /** The place of the running task in its round; -1 if none. */
  running(share: number): number {
    return Atomics.load(this.shared, Place.begun) === share ? Atomics.load(this.shared, Place.task) - 1 : -1
  }

  hearProgress(): void {
    Atomics.add(this.shared, Place.heard, 1)
  }

  /** Sends a message, unless the thread has ended. */
  send(message: ToWorker): void {
    this.#port?.postMessage(message)
  }

  /** Decides whether the thread keeps the process alive, as an idle one must not. */
  keepProcess(keep: boolean): void {
    if (keep) {
      this.#worker?.ref()
      this.#port?.ref()
    } else {
      this.#worker?.unref()
      this.#port?.unref()
    }
  }

  /** Ends the thread, even in the middle of a task. `ended` tells when it is gone. */
  end(reason: RetireReason): void {
    this.waitedMs = 0
    this.tell({ type: "RETIRE", reason })
    // The promise is not needed: the exit event reports the end, too.
    void this.#worker?.terminate()
  }

  /** Ends the thread because a shortage of the system kept it from loading a program. Another thread reads the files anew. */
  endForWantOf(shortage: string): void {
    this.#shortage = shortage
    this.end("shortage")
  }

  /** Whether the pool gave it up and it has not ended yet. */
  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  /** Stops waiting for a thread that was ended and does not end: it is inside a native call that nothing interrupts. */
  abandon(): void {
    this.keepProcess(false)
    this.#isAbandoned = true
    this.#lost(-1)
  }

  /** Starts the thread and a fiber that lives as long as it. `ended` tells its end. Never fails. */
  readonly start: Effect.Effect<void, never, Worker.WorkerPlatform> = Effect.suspend(() =>
    Worker.WorkerPlatform.pipe(
      Effect.flatMap((platform) => platform.spawn<never, never>(this.number)),
      Effect.flatMap((channel) => channel.run(() => Effect.void, { onSpawn: Effect.sync(() => this.#ready()) })),
      Effect.provideService(Worker.Spawner, () => this.#open()),
      Effect.catchCause((cause) =>
        Cause.hasDies(cause) && this.#worker !== undefined
          ? Effect.logError(`worker ${this.number} could not be served`, cause)
          : Effect.void
      ),
      Effect.andThen(
        Effect.suspend(() => (this.#worker === undefined ? Effect.succeed(-1) : Deferred.await(this.#exited)))
      ),
      Effect.flatMap((exitCode) => Effect.as(nextTurn, exitCode)),
      Effect.flatMap((exitCode) => Effect.sync(() => this.#lost(exitCode))),
      // The fiber is no child of the pool's scope, which an abandoned thread must not hold open.
      Effect.forkDetach({ startImmediately: true }),
      Effect.asVoid
    )
  )

  #open(): Threads.Worker {
    if (this.state !== "spawning") throw new Error("ended before it was opened")
    const { batchSize, execArgv, heapLimitMb, recycleGrowthMb, stackSizeMb } = this.#options
    const { port1, port2 } = new Threads.MessageChannel()
    const init: WorkerInit = { shared: this.shared, pool: this.#pool, port: port2, batchSize, recycleGrowthMb }
    try {
      const worker = new Threads.Worker(entry, {
        name: `converge-${this.number}`,
        workerData: init,
        transferList: [port2],
        resourceLimits: {
          ...(heapLimitMb === undefined ? {} : { maxOldGenerationSizeMb: heapLimitMb }),
          ...(stackSizeMb === undefined ? {} : { stackSizeMb })
        },
        ...(execArgv === undefined ? {} : { execArgv: [...execArgv] })
      })
      this.#worker = worker
      this.#port = port1
      liveThreads.noteStart()
      worker.on("online", () => {
        this.limitMb = worker.resourceLimits?.maxOldGenerationSizeMb ?? this.limitMb
        this.tell({ type: "ONLINE" })
      })
      port1.on("message", (message: FromWorker) => this.#hear(message))
      worker.on("error", (error) => {
        this.#error = error instanceof Error ? error : new Error(String(error))
      })
      worker.on("exit", (code) => {
        // Messages that it sent before its end. The cast is safe: only runner.ts has the other end of the port.
        for (let rest = Threads.receiveMessageOnPort(port1); rest !== undefined;) {
          this.#hear(rest.message as FromWorker)
          rest = Threads.receiveMessageOnPort(port1)
        }
        port1.close()
        this.#port = undefined
        liveThreads.noteEnd()
        Deferred.doneUnsafe(this.#exited, Effect.succeed(code))
      })
      return worker
    } catch (error) {
      port1.close()
      this.#error = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }

  #hear(message: FromWorker): void {
    if (!this.#isLost) this.#events.onMessage(this, message)
  }

  #ready(): void {
    // From here on, only agents post to the parent of their thread.
    this.#worker?.removeAllListeners("message")
    // The report that it is online takes another way and may come later.
    if (this.state === "spawning") this.tell({ type: "ONLINE" })
    this.tell({ type: "LOADED" })
    this.#events.onReady(this)
  }

  #lost(exitCode: number): void {
    if (this.#isLost) {
      if (this.#isAbandoned) this.#events.onGone(this)
      this.#isAbandoned = false
      return
    }
    this.#isLost = true
    const error = this.#error
    const message = error === undefined ? undefined : describeError(error)
    const code = error !== undefined && "code" in error ? error.code : undefined
    this.tell({ type: "LOST" })
    this.#events.onLost(this, {
      exitCode,
      error: message,
      isOutOfMemory: code === "ERR_WORKER_OUT_OF_MEMORY",
      shortage: this.#shortage ?? (message === undefined ? undefined : shortageOf(code, message))
    })
    Deferred.doneUnsafe(this.ended, Effect.void)
  }
}
