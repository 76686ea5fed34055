/**
 * The worker side: loads programs, keeps replicas, runs its share of a job's tasks.
 *
 * Runs on a thread of its own, started by thread.ts through entry.ts on Effect's worker platform, which reports that it is ready
 * and asks it to end. All other messages go over a port that agents do not have. An agent's throws are caught where it is
 * called. An error that escapes later (a timer, a stray rejection) ends the thread, which the pool then replaces (G8).
 *
 * Boundary: one message in, its answers out; no timers.
 */
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import { WorkerRunnerPlatform } from "effect/workers/WorkerRunner"
import { workerData } from "node:worker_threads"
import { bundledRight, markAsWorker } from "../platform/workerMark.ts"
import { describePanic } from "../values/panic.ts"
import { placeless } from "../values/placeless.ts"
import { Limits } from "../Limits.ts"
import { exportsOf } from "../program/moduleExports.ts"
import { isProgram } from "../program/Program.ts"
import { threadCpuMs } from "./cpuTime.ts"
import { MemoryWatch } from "./memoryWatch.ts"
import {
  type FromWorker,
  type Packet,
  Place,
  programKey,
  type ProgramRef,
  type ShareMessage,
  type ToWorker,
  type WorkerInit
} from "./protocol.ts"
import { Replica } from "./replica.ts"
import { runShare } from "./shareRun.ts"
import { shortageBehind } from "./shortage.ts"
import { Vigil } from "./stayAwake.ts"
import { type CompiledProgram, compiledOf } from "../program/erased.ts"

markAsWorker()

// A module that runs jobs at its top level without waiting for them leaves this rejection behind in every worker that
// imports it. It becomes a warning and does not end the thread. Any other rejection does, as by default.
process.on("unhandledRejection", (reason) => {
  if (!(reason instanceof Error) || reason.name !== "EngineInWorker") throw reason
  process.emitWarning(reason.message)
})

const { batchSize, pool, port, recycleGrowthMb, shared } = workerData as WorkerInit
// Agents can read `workerData`, and must not reach the pool's port.
for (const key of Object.keys(workerData as object)) Reflect.deleteProperty(workerData as object, key)

const exportIt = `Export it there, by any name. ${bundledRight}`

const programs = new Map<string, CompiledProgram>()
const replicas = new Map<string, Replica>()
const memory = new MemoryWatch(recycleGrowthMb)
const vigil = new Vigil()
let reports = 0

const send = (message: FromWorker): void => port.postMessage(message)

const handle = (message: ToWorker): void => {
  vigil.end()
  switch (message[0]) {
    case "load":
      return load(message[1])
    case "sync": {
      const [, jobId, program, packet, isLast] = message
      replicaOf(jobId, program).apply(packet)
      return isLast ? send(["synced", jobId]) : undefined
    }
    case "run":
      return run(message[1], message[2])
    case "release":
      replicas.delete(message[1])
  }
}

const replicaOf = (jobId: string, key: string): Replica => {
  let replica = replicas.get(jobId)
  if (replica === undefined) {
    const program = programs.get(key)
    if (program === undefined) throw new Error(`the program ${key} was not loaded`)
    replicas.set(jobId, (replica = new Replica(program)))
  }
  return replica
}

const load = (program: ProgramRef): void => {
  const key = programKey(program)
  const fail = (message: string, stack: string, shortage?: string): void =>
    send(["loaded", key, message, stack, shortage])
  import(program.module).then(
    (exports: Readonly<Record<string, unknown>>) => {
      const [found, another] = findPrograms(exports, program.name)
      const quoted = JSON.stringify(program.name)
      if (found === undefined) return fail(`its module does not export the program ${quoted}. ${exportIt}`, "")
      if (another !== undefined) return fail(`its module exports several programs that are called ${quoted}`, "")
      programs.set(key, found)
      return send(["loaded", key, undefined, "", undefined])
    },
    (error: unknown) => {
      const { message, stack } = describePanic(error)
      // Messages and stacks name files of this machine. Only the log may show these, and it has the stack.
      const why = `its module cannot be imported on a worker: ${reasonOf(error, message)}`
      fail(why, stack, shortageBehind(error))
    }
  )
}

/** The code of an error, else its message. A module that is missing is named, without its folder. */
const reasonOf = (error: unknown, message: string): string => {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
  if (code === undefined) return placeless(message)
  return code === "ERR_MODULE_NOT_FOUND" ? `${code}: ${placeless(message)}` : code
}

/** Finds the programs of a module. It exports programs, or arrays of them, under any name; the same one twice counts once. */
const findPrograms = (exports: Readonly<Record<string, unknown>>, name: string): ReadonlyArray<CompiledProgram> => [
  ...new Set(
    Object.values(exportsOf(exports))
      .flat()
      .flatMap((value) => (isProgram(value) && value.name === name ? [compiledOf(value)] : []))
  )
]

const run = (share: ShareMessage, packet: Packet | undefined): void => {
  const replica = replicaOf(share.jobId, share.program)
  if (packet !== undefined) replica.apply(packet)
  if (share.input !== undefined) replica.identify(share.jobId, share.input)
  const { sequence, wantsProgress } = share
  memory.begin()
  let usedCpuMs = threadCpuMs()
  runShare(share, replica, {
    shared,
    pool,
    batchSize,
    post: (head, texts, isLast) => {
      const cpuMs = threadCpuMs()
      send(["results", sequence, cpuMs - usedCpuMs, head, texts, isLast])
      usedCpuMs = cpuMs
    },
    onClaimed: wantsProgress ? (index) => send(["claimed", sequence, index]) : undefined,
    onProgress: wantsProgress
      ? (index, json) => {
          if (reports - Atomics.load(shared, Place.heard) >= Limits.progressInFlight) return
          reports++
          send(["progress", sequence, index, json])
        }
      : undefined
  })
  let replicaBytes = 0
  for (const { length } of replicas.values()) replicaBytes += length
  const usedMb = memory.look(replicaBytes)
  if (usedMb !== undefined) send(["grown", usedMb])
  vigil.keep()
}

const serve = Effect.gen(function* () {
  const platform = yield* WorkerRunnerPlatform
  const runner = yield* platform.start<never, never>()
  port.on("message", handle)
  // The thread's own port, which agents can use, carries only the report that the thread is ready.
  yield* runner.run<void, never, never>(() => undefined)
})

void Effect.runPromise(Effect.provide(serve, NodeWorkerRunner.layer))
