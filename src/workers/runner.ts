/**
 * The worker side: loads programs, keeps replicas, runs tasks one at a time.
 *
 * Runs on a thread of its own, started by thread.ts through entry.ts. Agents run where their message arrives: an endless
 * loop holds this thread and no other. Whatever an agent throws is caught where it is called; what escapes later (a timer,
 * a stray rejection) ends the thread, which the pool then replaces (G8).
 *
 * Invariants: a task is claimed in shared memory before its agent is called, and marked as ended before its result is
 * sent; agents cannot speak to the pool over the thread's port. Boundary: one message in, its answers out; no timers.
 */
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import { type WorkerRunner, WorkerRunnerPlatform } from "effect/workers/WorkerRunner"
import { parentPort, workerData } from "node:worker_threads"
import type { ErasedAgent } from "../Agent.ts"
import { runSteps } from "../internal/encodeEffect.ts"
import { runCpuTask } from "../internal/runCpuTask.ts"
import { markAsWorker } from "../internal/workerMark.ts"
import { describePanic } from "../JobError.ts"
import { Limits } from "../Limits.ts"
import { type CompiledProgram, compiledOf, isProgram } from "../Program.ts"
import { threadCpuMs } from "./cpuTime.ts"
import {
  type FromWorker,
  packEffect,
  type Packet,
  Place,
  programKey,
  type ProgramRef,
  progressJson,
  type RunMessage,
  type ToWorker,
  type WorkerInit
} from "./protocol.ts"
import { Replica } from "./replica.ts"

markAsWorker()

// A module that runs jobs at its top level without waiting for them leaves this rejection behind in every worker that
// imports it. It is told, and ends nothing; any other ends the thread, as it does by default.
process.on("unhandledRejection", (reason) => {
  if (!(reason instanceof Error) || reason.name !== "EngineInWorker") throw reason
  process.emitWarning(reason.message)
})

const { shared } = workerData as WorkerInit
const programs = new Map<string, CompiledProgram>()
const replicas = new Map<string, Replica>()
let reports = 0

// An agent, or a library that it uses, may post to the parent of its thread: that must not be taken for our protocol.
let isGuarded = false
let isOurs = false
const post = parentPort?.postMessage.bind(parentPort)
if (parentPort !== null && post !== undefined) {
  parentPort.postMessage = (message, transfers) => {
    if (isOurs || !isGuarded) post(message, transfers)
  }
}

const serve = Effect.gen(function* () {
  const platform = yield* WorkerRunnerPlatform
  const runner: WorkerRunner<FromWorker, ToWorker> = yield* platform.start<FromWorker, ToWorker>()
  const send = (message: FromWorker): void => {
    isOurs = true
    runner.sendUnsafe(0, message)
    isOurs = false
  }
  yield* runner.run<void, never, never>((_port, message) => {
    isGuarded = true
    switch (message[0]) {
      case "load":
        return load(message[1], send)
      case "sync":
        replicaOf(message[1], message[2]).apply(message[3])
        return message[4] ? send(["synced", message[1]]) : undefined
      case "run":
        return run(message[1], message[2], send)
      case "release":
        replicas.delete(message[1])
    }
  })
})

const replicaOf = (jobId: string, key: string): Replica => {
  let replica = replicas.get(jobId)
  if (replica === undefined) {
    const program = programs.get(key)
    if (program === undefined) throw new Error(`the program ${key} was not loaded`)
    replicas.set(jobId, (replica = new Replica(program)))
  }
  return replica
}

const load = (program: ProgramRef, send: (message: FromWorker) => void): void => {
  const key = programKey(program)
  const fail = (message: string, stack: string): void => send(["loaded", key, message, stack])
  import(program.module).then(
    (exports: Readonly<Record<string, unknown>>) => {
      const [found, another] = findPrograms(exports, program.name)
      const quoted = JSON.stringify(program.name)
      if (found === undefined) return fail(`${program.module} does not export the program ${quoted}`, "")
      if (another !== undefined) return fail(`${program.module} exports several programs that are called ${quoted}`, "")
      programs.set(key, found)
      return send(["loaded", key, undefined, ""])
    },
    (error: unknown) => {
      const { message, stack } = describePanic(error, Limits.errorTextLength)
      fail(`${program.module} cannot be imported on a worker: ${message}`, stack)
    }
  )
}

/** A module exports programs, or arrays of them, under any name; the same one twice is one. */
const findPrograms = (exports: Readonly<Record<string, unknown>>, name: string): ReadonlyArray<CompiledProgram> => [
  ...new Set(
    Object.values(exports)
      .flat()
      .flatMap((value) => (isProgram(value) && value.name === name ? [compiledOf(value)] : []))
  )
]

const agentOf = (program: CompiledProgram, task: RunMessage): ErasedAgent | undefined => {
  const agent = program.agents[task.agentIndex]
  return agent?.name === task.agent && agent.executeCpu !== undefined ? agent : undefined
}

const run = (task: RunMessage, packet: Packet | undefined, send: (message: FromWorker) => void): void => {
  const { ledger, program } = replicaOf(task.jobId, task.program)
  if (packet !== undefined) replicas.get(task.jobId)?.apply(packet)
  const { sequence } = task
  const agent = agentOf(program, task)
  const each =
    task.eachKind === undefined || task.eachId === undefined ? undefined : { kind: task.eachKind, id: task.eachId }
  const onProgress = (value: unknown): void => {
    if (reports - Atomics.load(shared, Place.heard) >= Limits.progressInFlight) return
    reports++
    send(["progress", sequence, progressJson(value)])
  }
  Atomics.store(shared, Place.claimed, sequence)
  const began = threadCpuMs()
  const answers =
    agent === undefined
      ? [missing(task, program)]
      : answersOf(
          task,
          agent,
          runSteps(
            runCpuTask(agent, each, task.since, task.cycle, ledger, task.wantsProgress ? onProgress : undefined)
          ),
          began
        )
  Atomics.store(shared, Place.ended, sequence)
  for (const answer of answers) send(answer)
}

type TaskResult = ReturnType<
  typeof runSteps<ReturnType<typeof runCpuTask> extends Generator<void, infer A> ? A : never>
>

const answersOf = (
  { sequence }: RunMessage,
  agent: ErasedAgent,
  result: TaskResult,
  began: number
): ReadonlyArray<FromWorker> => {
  if ("_tag" in result) return [["failed", sequence, threadCpuMs() - began, result._tag, result.message, result.stack]]
  try {
    const packets = packEffect(result)
    const cpuMs = threadCpuMs() - began
    return packets.map((packet, index): FromWorker =>
      index === packets.length - 1 ? ["ended", sequence, cpuMs, packet] : ["part", sequence, packet]
    )
  } catch (error) {
    // A text that is longer than a string can be.
    const { message, stack } = describePanic(error, Limits.errorTextLength)
    const why = `the effect of ${JSON.stringify(agent.name)} cannot be sent: ${message}`
    return [["failed", sequence, threadCpuMs() - began, "InvalidEffect", why, stack]]
  }
}

const missing = (task: RunMessage, program: CompiledProgram): FromWorker => [
  "failed",
  task.sequence,
  0,
  "AgentPanicked",
  `the worker's program ${JSON.stringify(program.name)} has no CPU agent ${JSON.stringify(task.agent)} at place ` +
    `${task.agentIndex}: is its module the one that the job was started from?`,
  ""
]

void Effect.runPromise(Effect.provide(serve, NodeWorkerRunner.layer))
